"""The history of a lead: its mail by conversation, the one with the newest mail first (R-080)."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Max, Prefetch
from django.db.models.functions import Left

from postroom.crm.models import Activity, Lead, MessageCopy

SIZE = 25
"""Conversations shown at first, and more each time that is asked for."""
PREVIEW = 240
"""Characters of a mail shown before it is opened."""
LONGEST = 100
"""Mails shown of one conversation."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """The mails of one thread on one lead, newest first."""

    key: str
    mails: Sequence[Activity]

    @property
    def subject(self) -> str:
        """Of its first mail, as far as subjects are captured."""
        return next((mail.message.subject for mail in reversed(self.mails) if mail.message.subject), "")


@dataclass(frozen=True, slots=True)
class Timeline:
    """Conversations in order, and whether older ones are left."""

    conversations: Sequence[Conversation]
    more: bool


def timeline(lead: Lead, size: int) -> Timeline:
    """The ``size`` conversations with the newest mail; four queries, whatever they hold."""
    activities = Activity.objects.filter(account_id=lead.account_id, lead=lead)
    newest = (
        activities.values("message__conversation")
        .annotate(latest=Max("happened_at"))
        .order_by("-latest", "message__conversation")
        .values_list("message__conversation", flat=True)[: size + 1]
    )
    keys = list(newest)
    mails: dict[str, list[Activity]] = {key: [] for key in keys[:size]}
    shown = (
        activities.filter(message__conversation__in=mails)
        .select_related("message")
        .annotate(preview=Left("message__body__text", PREVIEW))
        .prefetch_related(
            "message__attachments",
            Prefetch("message__copies", MessageCopy.objects.select_related("user").order_by("-sent", "pk")),
        )
        .order_by("-happened_at", "-pk")
    )
    for activity in shown:
        held = mails[activity.message.conversation]
        if len(held) < LONGEST:
            held.append(activity)
    return Timeline([Conversation(key, mails[key]) for key in mails], len(keys) > size)
