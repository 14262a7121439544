"""A destination's limits, kept for all workers, restarts and pages together.

When the latest calls went out stands in the destination's row: a turn is a place in it, taken in a short
transaction, and then waited for. So a call never goes out sooner than the limit lets it, and none of the
window is lost but a margin of one hundredth, for the receiver's clock and the way there are not ours.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from django.db import transaction

from postroom.destinations.base import Limit
from postroom.destinations.models import Destination
from postroom.errors import Throttled
from postroom.threads import in_thread

MARGIN = 0.01
"""Part of a window that it is taken to be longer than told."""
MOST_MARGIN = 1.0
"""Seconds; a day's window needs no quarter of an hour."""
PATIENCE = 30.0
"""Longest wait in seconds that holds a worker; for a longer one the drain comes back."""
LATE = 0.01
"""Seconds after its place that a call may go out without moving it."""
SLICES = 200
"""Most entries kept for one limit: calls beyond are counted together."""

Entries = list[tuple[float, int]]
"""(seconds since the epoch, calls) in the order in which the places were taken.

That is the order of time, too, except where a call also had to wait for another limit. Of any two places that
are as far apart as the limit has calls, the later one is a window away; so the limit holds all the same.
"""
Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]


class SharedPace:
    """The limits of one destination; ``base.Pace``."""

    def __init__(
        self,
        destination: Destination,
        limits: Mapping[str, Limit],
        *,
        clock: Clock = lambda: datetime.now(UTC).timestamp(),
        sleep: Sleep = asyncio.sleep,
        fence: Callable[[], None] = lambda: None,
    ) -> None:
        """``fence`` is asked at each turn, after the wait; what it raises ends the turn."""
        self._destination = destination
        self._limits = limits
        self.now = clock
        """Seconds since the epoch."""
        self._sleep = sleep
        self._fence = fence

    async def turn(self, *limits: str) -> None:
        """Wait for a turn by all of these limits at once; names without a limit wait for nothing.

        Raises ``Throttled`` where the wait would be longer than ``PATIENCE``; no turn is taken then.
        """
        known = {name: self._limits[name] for name in limits or ("",) if name in self._limits}
        if not known:
            await in_thread(self._fence)
            return
        at = await in_thread(self._take, known)
        # Late rather than early: a sleep may end a moment before its time.
        while (wait := at - self.now()) > 0:
            await self._sleep(wait)
        await in_thread(self._confirm, known, at)

    @transaction.atomic
    def _take(self, limits: Mapping[str, Limit]) -> float:
        """Take the next place in all of them, and return when it is."""
        rows = Destination.objects.filter(
            pk=self._destination.pk, account_id=self._destination.account_id, removed_at=None
        )
        pace = rows.select_for_update(no_key=True).values_list("pace", flat=True).first()
        now = self.now()
        if pace is None:
            return now
        entries = {name: [(at, calls) for at, calls in pace.get(name, [])] for name in limits}
        at = max(next_turn(entries[name], limit, now) for name, limit in limits.items())
        if at - now > PATIENCE:
            raise Throttled("The destination's limit is used up for now.", retry_after=at - now)
        taken = {name: noted(entries[name], limit, at, now) for name, limit in limits.items()}
        rows.update(pace={**pace, **taken})
        return at

    def _confirm(self, limits: Mapping[str, Limit], at: float) -> None:
        """Move the place to where the call really goes out, where that is noticeably later."""
        self._fence()
        if self.now() - at > LATE:
            self._move(limits, at)

    @transaction.atomic
    def _move(self, limits: Mapping[str, Limit], at: float) -> None:
        rows = Destination.objects.filter(
            pk=self._destination.pk, account_id=self._destination.account_id, removed_at=None
        )
        pace = rows.select_for_update(no_key=True).values_list("pace", flat=True).first()
        if pace is None:
            return
        now = self.now()
        moved = {
            name: [[now, calls] if then == at else [then, calls] for then, calls in pace.get(name, [])]
            for name in limits
        }
        rows.update(pace={**pace, **moved})


class Unpaced:
    """No limits: for a test call before a destination is saved."""

    async def turn(self, *limits: str) -> None:
        """Wait for nothing."""


def next_turn(entries: Entries, limit: Limit, now: float) -> float:
    """When the next call may go out, by those that went."""
    window = _window(limit)
    left = limit.calls - 1
    for at, calls in reversed(entries):
        left -= calls
        if left < 0:
            return max(now, at + window)
    return now


def noted(entries: Entries, limit: Limit, at: float, now: float) -> Entries:
    """The entries with one more call at ``at``, without those that count no more."""
    window = _window(limit)
    recent = [(then, calls) for then, calls in entries if then > now - window]
    if limit.calls <= SLICES:
        return [*recent, (at, 1)]
    # Many calls are counted by slices of the window, as if all had gone out at a slice's end.
    width = window / SLICES
    end = (at // width + 1) * width
    if recent and recent[-1][0] >= end:
        return [*recent[:-1], (recent[-1][0], recent[-1][1] + 1)]
    return [*recent, (end, 1)]


def _window(limit: Limit) -> float:
    return limit.seconds + min(limit.seconds * MARGIN, MOST_MARGIN)
