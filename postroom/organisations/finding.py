"""Finding users by what a person types."""

from django.db.models import Q, QuerySet

from postroom.organisations.models import User

MOST_WORDS = 10
"""Words of a search that count."""


def words_of(text: str) -> list[str]:
    return text.split()[:MOST_WORDS]


def users_matching(users: QuerySet[User], text: str) -> QuerySet[User]:
    """Those whose name or address holds every word of ``text``; all where there is none."""
    for word in words_of(text):
        users = users.filter(Q(name__icontains=word) | Q(email__icontains=word))
    return users
