"""How many calls an account may make, and how many it made.

Source: "Rate Limits". The page has had two tables, one with Pro and Super (a bulk limit each, a daily limit
that grows with the users up to a maximum) and an older one with Lite to Enterprise (one bulk call in 5
seconds). It names no header that would tell how long to wait, and none is sent. Left open and chosen, each
time the strictest reading: the 5 seconds are any 5 seconds; a bulk call counts as a call, too; a call that
is refused does not count. A day is one of UTC.
"""

from collections import defaultdict, deque
from dataclasses import dataclass, field

from ..clock import Clock
from . import errors

_WINDOW = 5
"""Seconds."""
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be called; 0 for no limit."""

    plan: str = ""
    calls: int = 0
    """In 5 seconds."""
    bulk: int = 0
    """Bulk calls in 5 seconds."""
    day: int = 0
    day_for_each_user: int = 0
    day_at_most: int = 0
    status: int = 429

    def in_a_day(self, users: int) -> int:
        if not self.day:
            return 0
        allowed = self.day + self.day_for_each_user * users
        return min(allowed, self.day_at_most) if self.day_at_most else allowed


PLANS = {
    "": Limits(),
    "pro": Limits("pro", 10, 5, 10_000, 1_000, 250_000),
    "super": Limits("super", 20, 10, 100_000, 1_000, 1_000_000),
    "lite": Limits("lite", 2, 1, 34_560),
    "basic": Limits("basic", 10, 1, 172_800),
    "standard": Limits("standard", 15, 1, 259_200),
    "enterprise": Limits("enterprise", 25, 1, 432_000),
}


@dataclass(slots=True)
class Counts:
    """Calls of one method."""

    made: int = 0
    refused: int = 0
    """Answered with a status of 400 or more, those over a limit included."""
    limited: int = 0
    """Refused for being over a limit."""
    wasted: int = 0
    """Calls to write that left everything as it was."""
    unheard: int = 0
    """Calls that took effect, and whose answer a fault kept from the caller."""


@dataclass(slots=True)
class Ledger:
    """The accounts of calls."""

    clock: Clock
    limits: Limits = field(default_factory=Limits)
    counts: dict[str, Counts] = field(default_factory=lambda: defaultdict(Counts))
    """By name of the method."""
    _recent: dict[bool, deque[float]] = field(default_factory=lambda: {False: deque(), True: deque()})
    _day: int = 0
    _in_day: int = 0

    def charge(self, *, bulk: bool, users: int) -> None:
        """One more call; raises ``LsqError`` when that is over a limit."""
        now, limits = self.clock.now(), self.limits
        if int(now // _DAY) != self._day:
            self._day, self._in_day = int(now // _DAY), 0
        for window in self._recent.values():
            while window and window[0] <= now - _WINDOW:
                window.popleft()
        whole_day = limits.in_a_day(users)
        if whole_day and self._in_day >= whole_day:
            raise errors.too_many(whole_day, _DAY, limits.status)
        if bulk and limits.bulk and len(self._recent[True]) >= limits.bulk:
            raise errors.too_many(limits.bulk, _WINDOW, limits.status)
        if limits.calls and len(self._recent[False]) >= limits.calls:
            raise errors.too_many(limits.calls, _WINDOW, limits.status)
        self._in_day += 1
        self._recent[False].append(now)
        if bulk:
            self._recent[True].append(now)

    def total(self) -> Counts:
        every = list(self.counts.values())
        names = ("made", "refused", "limited", "wasted", "unheard")
        return Counts(*(sum(getattr(each, name) for each in every) for name in names))

    def clear(self) -> None:
        self.counts.clear()
        self._in_day = 0
        for window in self._recent.values():
            window.clear()
