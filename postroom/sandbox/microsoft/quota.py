"""What an application may ask of a mailbox, and what it asked.

Source: "Microsoft Graph service-specific throttling limits", Outlook service limits: 10,000 requests in
10 minutes and 4 under way, for each app and mailbox; "Throttling and batching": each request of a batch
counts. The page does not say how the 10 minutes are counted; here they start with a window's first request.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from ..clock import Clock
from . import errors


@dataclass(slots=True)
class Limits:
    """How much is let through."""

    enforced: bool = False
    requests: int = 10_000
    seconds: float = 600.0
    concurrent: int = 4
    retry_after: float = 1.0
    """Seconds that are asked for above the limit of requests under way."""


@dataclass(slots=True)
class Spent:
    """What was asked of one mailbox by one method."""

    requests: int = 0
    bytes: int = 0
    """Bytes of answer bodies."""
    refused: int = 0
    """Requests answered with a status of 400 or more."""


@dataclass(slots=True)
class _Window:
    start: float = 0.0
    requests: int = 0


@dataclass(slots=True)
class Ledger:
    """The accounts of asking."""

    clock: Clock
    limits: Limits = field(default_factory=Limits)
    spent: dict[str, dict[str, Spent]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Spent))
    )
    """Address, then method."""
    most_at_once: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Address to the largest number of requests that were under way together."""
    _windows: dict[tuple[str, str], _Window] = field(default_factory=lambda: defaultdict(_Window))
    _under_way: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    def enter(self, app: str, address: str) -> None:
        """A request begins. Raises ``GraphError`` 429 above a limit; the request does not count then."""
        key = (app, address)
        if self.limits.enforced:
            if self._under_way[key] >= self.limits.concurrent:
                raise errors.over_concurrency(self.limits.retry_after)
            self._count(self._windows[key])
        self._under_way[key] += 1
        self.most_at_once[address] = max(self.most_at_once[address], self._under_way[key])

    def leave(self, app: str, address: str) -> None:
        self._under_way[(app, address)] -= 1

    def record(self, address: str, method: str, size: int, status: int) -> None:
        spent = self.spent[address][method]
        spent.requests += 1
        spent.bytes += size
        spent.refused += status >= 400

    def total(self) -> Spent:
        """Everything asked, by everyone."""
        entries = [entry for methods in self.spent.values() for entry in methods.values()]
        return Spent(
            requests=sum(e.requests for e in entries),
            bytes=sum(e.bytes for e in entries),
            refused=sum(e.refused for e in entries),
        )

    def clear(self) -> None:
        self.spent.clear()
        self.most_at_once.clear()
        self._windows.clear()

    def _count(self, window: _Window) -> None:
        now = self.clock.now()
        if now - window.start >= self.limits.seconds:
            window.start, window.requests = now, 0
        if window.requests >= self.limits.requests:
            raise errors.over_requests(max(1.0, window.start + self.limits.seconds - now))
        window.requests += 1
