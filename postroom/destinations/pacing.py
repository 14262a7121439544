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
SLICES = 200
"""Most entries kept for one limit: calls beyond are counted together."""

Entries = list[tuple[float, int]]
"""(seconds since the epoch, calls) in order of time."""
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
    ) -> None:
        self._destination = destination
        self._limits = limits
        self._clock = clock
        self._sleep = sleep

    async def turn(self, limit: str = "") -> None:
        """Wait for a turn; names without a limit wait for nothing.

        Raises ``Throttled`` where the wait would be longer than ``PATIENCE``; no turn is taken then.
        """
        known = self._limits.get(limit)
        if known is None:
            return
        at = await in_thread(self._take, limit, known)
        # Late rather than early: a sleep may end a moment before its time.
        while (wait := at - self._clock()) > 0:
            await self._sleep(wait)

    @transaction.atomic
    def _take(self, name: str, limit: Limit) -> float:
        """Take the next place, and return when it is."""
        rows = Destination.objects.filter(
            pk=self._destination.pk, account_id=self._destination.account_id, removed_at=None
        )
        pace = rows.select_for_update(no_key=True).values_list("pace", flat=True).first()
        now = self._clock()
        if pace is None:
            return now
        entries = [(at, calls) for at, calls in pace.get(name, [])]
        at = max(now, next_turn(entries, limit, now))
        if at - now > PATIENCE:
            raise Throttled("The destination's limit is used up for now.", retry_after=at - now)
        rows.update(pace={**pace, name: noted(entries, limit, at)})
        return at


class Unpaced:
    """No limits: for a test call before a destination is saved."""

    async def turn(self, limit: str = "") -> None:
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


def noted(entries: Entries, limit: Limit, at: float) -> Entries:
    """The entries with one more call, without those that count no more."""
    window = _window(limit)
    recent = [(then, calls) for then, calls in entries if then > at - window]
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
