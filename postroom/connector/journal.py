"""Reading the journal: what a viewer may see of it, found, and counted by day (R-071, R-072, R-075)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from django.core.cache import caches
from django.db import connection
from django.db.models import Count, Q, QuerySet
from django.db.models.expressions import RawSQL

from postroom.connector.models import JournalEntry, Outcome
from postroom.crm.models import Lead
from postroom.organisations.access import team_ids
from postroom.organisations.models import User

FURTHEST_DAYS = 60
"""How far back the journal is looked at (R-071)."""
SHORTEST = 3
"""Letters that it takes to search subjects: fewer cannot be looked up in an index."""
REMEMBERED_SECONDS = 15 * 60
MARGIN = timedelta(minutes=10)
"""How long after its end a day is settled: a commit under way writes the time at which it began."""
MOST_LEADS = 500
"""Leads that a search takes into account."""


@dataclass(frozen=True, slots=True)
class DayCount:
    """Mails of a stretch of time, by what became of them."""

    synced: int = 0
    skipped: int = 0
    set_aside: int = 0

    @property
    def all(self) -> int:
        return self.synced + self.skipped + self.set_aside


def visible_entries(viewer: User) -> QuerySet[JournalEntry]:
    """What the viewer may see (R-075), in a form that an index serves."""
    entries = JournalEntry.objects.filter(account=viewer.account)
    if viewer.is_administrator:
        return entries
    if viewer.is_manager:
        return entries.filter(user__in=team_ids(viewer))
    return entries.filter(user=viewer)


def between(entries: QuerySet[JournalEntry], start: datetime, end: datetime) -> QuerySet[JournalEntry]:
    return entries.filter(recorded_at__gte=start, recorded_at__lt=end)


def matching(entries: QuerySet[JournalEntry], viewer: User, text: str) -> QuerySet[JournalEntry]:
    """Entries whose subject holds ``text``, or whose lead is found by it (name, address, company or id)."""
    leads = list(Lead.objects.of(viewer.account).matching(text).values_list("pk", flat=True)[:MOST_LEADS])
    found = Q(lead__in=leads)
    if len(text) >= SHORTEST:
        found |= Q(subject__has=text) & ~Q(subject="")
    return entries.filter(found)


def per_day(entries: QuerySet[JournalEntry], starts: Sequence[datetime], whose: str) -> list[DayCount]:
    """Mails by the stretches between consecutive ``starts``.

    Days that are over are remembered for some minutes under ``whose``, which names what ``entries`` are:
    nothing is added to them. What erasing a person takes away may so be counted a while longer.
    """
    spans = list(pairwise(starts))
    keys = [f"journal:{whose}:{start.timestamp():.0f}:{end.timestamp():.0f}" for start, end in spans]
    cache = caches["process"]
    held: dict[str, DayCount] = cache.get_many(keys)
    first = next((n for n, key in enumerate(keys) if key not in held), len(keys))
    counted = _counted(entries, starts[first:]) if first < len(keys) else []
    over = datetime.now(UTC) - MARGIN
    fresh = {
        key: day
        for key, (_start, end), day in zip(keys[first:], spans[first:], counted, strict=True)
        if end < over
    }
    if fresh:
        cache.set_many(fresh, REMEMBERED_SECONDS)
    return [*(held[key] for key in keys[:first]), *counted]


def _counted(entries: QuerySet[JournalEntry], starts: Sequence[datetime]) -> list[DayCount]:
    """One query, which for each stretch reads its part of an index and nothing else.

    Sorting a million rows into days by a function of their time takes twice as long.
    """
    in_day = (
        entries.filter(nth=0, recorded_at__gte=RawSQL("d.begun", ()), recorded_at__lt=RawSQL("d.ended", ()))
        .order_by()
        .values("account")
        .annotate(**{each: Count("outcome", filter=Q(outcome=each)) for each in Outcome.values})
        .values_list(*Outcome.values)
    )
    sql, params = in_day.query.sql_with_params()
    days = "unnest(%s::timestamptz[], %s::timestamptz[]) with ordinality d(begun, ended, nth)"
    with connection.cursor() as cursor:
        cursor.execute(
            f"select d.nth, o.* from {days} cross join lateral ({sql}) o",  # noqa: S608 made by the ORM
            [list(starts[:-1]), list(starts[1:]), *params],
        )
        found = {day: dict(zip(Outcome.values, counts, strict=True)) for day, *counts in cursor.fetchall()}
    return [DayCount(**found.get(day, {})) for day in range(1, len(starts))]
