"""Quota units: what each method costs, what a user and a project may spend, what was spent.

Source: "Usage limits" of the Gmail API reference, both tables: the one for projects made on or after
1 May 2026 and the one before. The day's 80,000,000 units are a billing threshold, not a limit: nothing
is refused above it. The page does not say how the minute is counted; here it starts with a window's
first request. Spending is recorded with limits on or off.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ..clock import Clock
from . import errors

_UNITS_LEGACY = {
    "getProfile": 1,
    "history.list": 2,
    "labels.create": 5,
    "labels.get": 1,
    "labels.list": 1,
    "messages.attachments.get": 5,
    "messages.batchDelete": 50,
    "messages.batchModify": 50,
    "messages.delete": 10,
    "messages.get": 5,
    "messages.list": 5,
    "messages.modify": 5,
    "messages.send": 100,
    "messages.trash": 5,
    "messages.untrash": 5,
    "settings.sendAs.list": 1,
    "stop": 50,
    "threads.get": 10,
    "threads.list": 10,
    "watch": 100,
}
_UNITS_2026 = _UNITS_LEGACY | {
    "messages.attachments.get": 20,
    "messages.get": 20,
    "messages.trash": 20,
    "threads.get": 40,
}


@dataclass(frozen=True, slots=True)
class Table:
    """One version of the usage limits, in units."""

    units: Mapping[str, int]
    user_minute: int
    project_minute: int
    project_day: int = 0
    """Billing threshold; 0 where there is none."""


TABLES: Mapping[str, Table] = {
    "2026": Table(_UNITS_2026, 6_000, 1_200_000, 80_000_000),
    "legacy": Table(_UNITS_LEGACY, 15_000, 1_200_000),
}


@dataclass(slots=True)
class Policy:
    """How the limits are applied."""

    table: str = "2026"
    enforced: bool = False
    wording: Literal["documented", "observed"] = "documented"
    """403 as in the guide, or 429 as production is quoted to answer."""
    concurrent: int | None = None
    """Requests of one user under way at once; Google has a limit but does not publish it."""


@dataclass(slots=True)
class Spent:
    """What one user spent on one method."""

    requests: int = 0
    units: int = 0
    bytes: int = 0
    """Bytes of answer bodies."""
    refused: int = 0
    """Requests answered with a status of 400 or more."""


@dataclass(slots=True)
class _Window:
    start: float = 0.0
    units: int = 0


@dataclass(slots=True)
class Ledger:
    """The accounts of spending."""

    clock: Clock
    policy: Policy = field(default_factory=Policy)
    spent: dict[str, dict[str, Spent]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Spent))
    )
    """Address, then method."""
    _minutes: dict[tuple[str, str], _Window] = field(default_factory=lambda: defaultdict(_Window))
    _days: dict[str, _Window] = field(default_factory=lambda: defaultdict(_Window))
    _under_way: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def charge(self, project: str, user: str, method: str) -> int:
        """Spend a method's units; raises ``ApiError`` when a limit is enforced and reached."""
        table = TABLES[self.policy.table]
        units = table.units.get(method, 5)
        if self.policy.enforced:
            self._spend((project, user), units, table.user_minute, per_user=True)
            self._spend((project, ""), units, table.project_minute, per_user=False)
        self._window(self._days[project], 86_400).units += units
        return units

    def record(self, user: str, method: str, units: int, size: int, status: int) -> None:
        spent = self.spent[user][method]
        spent.requests += 1
        spent.units += units
        spent.bytes += size
        spent.refused += status >= 400

    def enter(self, user: str) -> None:
        """A request begins; raises ``ApiError`` 429 above the concurrency limit."""
        limit = self.policy.concurrent
        if limit is not None and self._under_way[user] >= limit:
            raise errors.too_many_concurrent()
        self._under_way[user] += 1

    def leave(self, user: str) -> None:
        self._under_way[user] -= 1

    def total(self) -> Spent:
        """Everything spent, by everyone."""
        entries = [entry for methods in self.spent.values() for entry in methods.values()]
        return Spent(
            requests=sum(e.requests for e in entries),
            units=sum(e.units for e in entries),
            bytes=sum(e.bytes for e in entries),
            refused=sum(e.refused for e in entries),
        )

    def today(self, project: str) -> int:
        """Units a project spent in the current day."""
        return self._window(self._days[project], 86_400).units

    def clear(self) -> None:
        self.spent.clear()
        self._minutes.clear()
        self._days.clear()

    def _spend(self, key: tuple[str, str], units: int, limit: int, *, per_user: bool) -> None:
        window = self._window(self._minutes[key], 60)
        if window.units + units > limit:
            raise self._refusal(per_user, key[0])
        window.units += units

    def _refusal(self, per_user: bool, project: str) -> errors.ApiError:
        if self.policy.wording == "observed":
            return errors.quota_exceeded_observed(per_user, project)
        return errors.quota_exceeded("userRateLimitExceeded" if per_user else "rateLimitExceeded")

    def _window(self, window: _Window, length: float) -> _Window:
        now = self.clock.now()
        if now - window.start >= length:
            window.start, window.units = now, 0
        return window
