"""Who sees whom (R-075)."""

import pytest

from postroom.organisations.access import visible_users
from postroom.organisations.models import Account, Role, User


def seen_by(viewer: User) -> set[str]:
    return {user.name for user in visible_users(viewer)}


@pytest.mark.parametrize(
    ("viewer", "seen"),
    [
        ("Ada", {"Ada", "Mia", "Max", "Rita", "Sam"}),
        ("Mia", {"Mia", "Max", "Rita"}),
        ("Max", {"Max", "Rita"}),
        ("Rita", {"Rita"}),
        ("Zoe", {"Zoe"}),
    ],
)
def test_r075_administrators_see_all_managers_their_team_reps_themselves(team, viewer, seen):
    assert seen_by(team[viewer]) == seen


def test_r075_a_rep_with_reports_but_without_the_role_sees_no_team(team):
    User.objects.filter(pk=team["Max"].pk).update(role=Role.SALES_USER)
    assert seen_by(User.objects.get(pk=team["Max"].pk)) == {"Max"}


def test_r075_managers_in_a_ring_see_the_ring_and_it_ends(team):
    User.objects.filter(pk=team["Mia"].pk).update(manager=team["Max"])
    assert seen_by(team["Mia"]) == seen_by(team["Max"]) == {"Mia", "Max", "Rita"}


def test_r075_who_is_their_own_manager_sees_themselves(team):
    User.objects.filter(pk=team["Mia"].pk).update(manager=team["Mia"])
    assert seen_by(team["Mia"]) == {"Mia", "Max", "Rita"}


def test_r075_a_manager_of_another_account_sees_nobody_here(team):
    stranger = User.objects.get(pk=team["Zoe"].pk)
    stranger.role = Role.SALES_MANAGER
    stranger.save()
    User.objects.filter(pk=team["Sam"].pk).update(manager=stranger)
    assert seen_by(stranger) == {"Zoe"}


def test_r075_the_team_is_two_queries_however_deep(team, account, django_assert_num_queries):
    boss = team["Rita"]
    for number in range(30):
        boss = User.objects.create(
            account=account, email=f"r{number}@northwind.example", name=f"R{number}", manager=boss
        )
    with django_assert_num_queries(2):
        assert len(visible_users(team["Mia"])) == 33


def test_r011_retention_is_a_year_unless_told_otherwise(db):
    assert Account.objects.create(name="New").retention_days == 365
