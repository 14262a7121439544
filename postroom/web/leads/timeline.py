"""The history of a lead: its mail by conversation, the one with the newest mail first (R-080)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Case, Count, F, Max, Prefetch, QuerySet, Value, When, Window
from django.db.models.functions import RowNumber

from postroom.crm.models import Activity, Lead, MessageCopy
from postroom.web.paging import Rows, cursor_of, page_of, up_to

SIZE = 25
"""Conversations shown at first, and more each time that is asked for."""
LONGEST, FULL = 20, 3
"""Mails shown at first of each of the ``FULL`` conversations that come first; older ones on demand."""
SHORT = 3
"""Mails shown at first of each conversation further down."""
OLDER = 100
"""Mails of a conversation that come with one demand."""
MOST_OPENED = 5
"""Conversations whose older mails stay open when news arrive."""
MOST_OLDER = 1000
"""Mails of one conversation that stay so."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """The mails of one thread on one lead, newest first."""

    key: str
    mails: Sequence[Activity]
    total: int

    @property
    def subject(self) -> str:
        """Of its first mail that is at hand, as far as subjects are captured."""
        return next((mail.message.subject for mail in reversed(self.mails) if mail.message.subject), "")

    @property
    def left(self) -> int:
        """How many older mails there are."""
        return self.total - len(self.mails)

    @property
    def next(self) -> str:
        """The cursor of the older mails."""
        return cursor_of(self.mails[-1], "happened_at")


@dataclass(frozen=True, slots=True)
class Timeline:
    """Conversations in order, and whether older ones are left."""

    conversations: Sequence[Conversation]
    more: bool


def timeline(lead: Lead, size: int, opened: Mapping[str, str]) -> Timeline:
    """The ``size`` conversations with the newest mail; few queries, whatever they hold.

    ``opened`` says of conversations down to which mail, as its cursor, they are to be shown.
    """
    newest = (
        _activities(lead)
        .values("message__conversation")
        .annotate(latest=Max("happened_at"), total=Count("pk"))
        .order_by("-latest", "message__conversation")
        .values_list("message__conversation", "total")[: size + 1]
    )
    found = list(newest)
    totals = dict(found[:size])
    mails: dict[str, list[Activity]] = {key: [] for key in totals}
    place = Window(
        RowNumber(),
        partition_by=F("message__conversation"),
        order_by=[F("happened_at").desc(), F("pk").desc()],
    )
    full = When(message__conversation__in=list(totals)[:FULL], then=Value(LONGEST))
    shown = _shown(lead).filter(message__conversation__in=totals)
    shown = shown.annotate(place=place, most=Case(full, default=Value(SHORT)))
    for activity in shown.filter(place__lte=F("most")).order_by("-happened_at", "-pk"):
        mails[activity.message.conversation].append(activity)
    for key in [key for key in totals if key in opened][:MOST_OPENED]:
        further = up_to(_shown(lead).filter(message__conversation=key), "happened_at", opened[key])
        mails[key] = max(mails[key], list(further[:MOST_OLDER]), key=len)
    conversations = [Conversation(key, mails[key], totals[key]) for key in mails if mails[key]]
    return Timeline(conversations, len(found) > size)


def older_mails(lead: Lead, key: str, after: str) -> Rows[Activity]:
    """The mails of a conversation that follow a cursor."""
    return page_of(_shown(lead).filter(message__conversation=key), "happened_at", after, OLDER)


def _activities(lead: Lead) -> QuerySet[Activity]:
    return Activity.objects.filter(account_id=lead.account_id, lead=lead)


def _shown(lead: Lead) -> QuerySet[Activity]:
    """With all that the closed mail shows."""
    copies = MessageCopy.objects.select_related("user").order_by("-sent", "pk")
    return (
        _activities(lead)
        .select_related("message")
        .annotate(preview=F("message__body__preview"))
        .prefetch_related("message__attachments", Prefetch("message__copies", copies))
    )
