"""What became of each mail, and why, of whom the token's user may see (R-071, R-072, R-075)."""

from datetime import UTC, datetime, timedelta
from typing import Literal

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Router
from pydantic import Field

from postroom.api.answers import answer, page
from postroom.api.auth import caller
from postroom.api.operations import operation
from postroom.api.paging import Id, Paged, by_time
from postroom.api.scopes import Scope
from postroom.api.shapes import Moment, Shown
from postroom.connector.journal import FURTHEST_DAYS, between, matching, visible_entries
from postroom.connector.models import JournalEntry
from postroom.organisations.models import User

router = Router()


class EntryShown(Shown):
    id: int
    recorded_at: datetime
    user_id: int
    user_name: str
    direction: str
    """`sent` or `received`; empty for a mail that could not be read."""
    happened_at: datetime | None
    """The mail's own time; null where it could not be read."""
    outcome: Literal["synced", "skipped", "set_aside"]
    rule: str
    """What decided, such as `excluded` or `no_keyword`."""
    rule_name: str
    reason: str
    """The decision in words."""
    setting: str
    """The setting that decided, such as `inbound.excluded`; empty where none did."""
    settings_version: int
    """The version of the settings in force then; 0 for the defaults."""
    rep_settings_version: int | None
    """The version of the user's own keywords and exclusions where they took part, else null."""
    subject: str
    """Empty for mail that was not synced: its content is kept nowhere."""
    counterpart: str
    lead_id: int | None
    lead_name: str
    captured: bool
    """Whether this mail made the lead."""


class EntryPage(Shown):
    items: list[EntryShown]
    next: str | None


class EntriesAsked(Paged):
    q: str = Field("", max_length=200, description="Lead id, lead name or subject.")
    since: Moment | None = Field(
        None, description=f"This moment included; at most {FURTHEST_DAYS} days back, which is the default."
    )
    until: Moment | None = Field(None, description="This moment excluded.")
    outcome: Literal["", "synced", "skipped", "set_aside"] = ""
    user_id: Id | None = None
    lead_id: Id | None = None
    captured: Literal["", "true"] = Field("", description="`true`: only mail that made a lead.")


@router.get("/journal", **operation("journal_list", Scope.JOURNAL_READ, EntryPage, problems=[404]))
def journal_list(request: HttpRequest, asked: Query[EntriesAsked]) -> HttpResponse:
    """The journal, newest first, each entry with the rule, the setting and the words of the decision."""
    user = caller(request).user
    rows = by_time(_found(user, asked), "recorded_at", asked)
    return page(request, EntryPage(items=list(map(_shown, rows.rows)), next=rows.next), rows.next)


@router.get("/journal/{id}", **operation("journal_entry", Scope.JOURNAL_READ, EntryShown, problems=[404]))
def journal_entry(request: HttpRequest, id: Id) -> HttpResponse:
    """One entry: what became of one mail on one lead, and why."""
    entries = _recent(caller(request).user).select_related("user", "lead")
    return answer(request, _shown(get_object_or_404(entries, pk=id)))


def _recent(user: User) -> QuerySet[JournalEntry]:
    return visible_entries(user).filter(recorded_at__gte=_furthest())


def _furthest() -> datetime:
    return datetime.now(UTC) - timedelta(days=FURTHEST_DAYS)


def _found(user: User, asked: EntriesAsked) -> QuerySet[JournalEntry]:
    since = max(asked.since or _furthest(), _furthest())
    until = asked.until or datetime.now(UTC) + timedelta(days=1)
    entries = between(visible_entries(user), since, until)
    if asked.outcome:
        entries = entries.filter(outcome=asked.outcome)
    if asked.user_id:
        entries = entries.filter(user=asked.user_id)
    if asked.lead_id:
        entries = entries.filter(lead=asked.lead_id)
    if asked.captured:
        entries = entries.filter(captured=True)
    search = asked.q.strip()
    return (matching(entries, user, search) if search else entries).select_related("user", "lead")


def _shown(entry: JournalEntry) -> EntryShown:
    return EntryShown(
        id=entry.pk,
        recorded_at=entry.recorded_at,
        user_id=entry.user_id,
        user_name=entry.user.name,
        direction=entry.direction,
        happened_at=entry.happened_at,
        outcome=entry.outcome,
        rule=entry.rule,
        rule_name=entry.rule_name,
        reason=entry.reason,
        setting=entry.setting,
        settings_version=entry.settings_version,
        rep_settings_version=entry.rep_settings_version,
        subject=entry.subject,
        counterpart=entry.counterpart,
        lead_id=entry.lead_id,
        lead_name=entry.lead.name if entry.lead else "",
        captured=entry.captured,
    )
