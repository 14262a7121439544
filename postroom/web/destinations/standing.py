"""How a destination stands, as the head of its page shows it, and the stamp by which the page is renewed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from postroom.destinations.leadsquared.mirror import progress_of
from postroom.destinations.managing import Counts, counts_of, deliveries_of, is_failing
from postroom.destinations.models import Delivery, DeliveryState, Destination, DestinationState

OFTEN, SELDOM = 2, 15
"""Seconds between two looks at whether something has changed."""
MANY = 50_000
"""Deliveries from which on counting them takes a while."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Changes with what the page shows."""

    told: str
    """With what people are told of: the state, what is wrong, and the number that was given up."""
    shown: str
    """With the rest."""

    def __str__(self) -> str:
        return f"{self.told}.{self.shown}"


def stamp_of(destination: Destination, rows: Iterable[Delivery], now: datetime) -> Stamp:
    """Of a destination with the deliveries that the page lists; one count by an index of its own.

    A drain that begins, delivers or ends leaves its mark on the destination's row, also where it works on
    deliveries further down.
    """
    is_down = is_failing(destination, now)
    given_up = deliveries_of(destination, state=DeliveryState.GIVEN_UP).count()
    wrong = destination.last_error if is_down else ""
    row = (
        *(destination.version, destination.epoch, destination.held_until, destination.last_delivered_at),
        *(destination.history, destination.mirror),
    )
    listed = [(each.pk, each.state, each.attempts, each.due_at, each.said) for each in rows]
    return Stamp(
        _digest(destination.state, is_down, destination.failing_since, wrong, given_up), _digest(row, listed)
    )


def standing_of(destination: Destination, now: datetime) -> dict[str, object]:
    """What the head shows besides the destination itself, as the templates want it."""
    counts = counts_of(destination)
    is_down = is_failing(destination, now)
    return {
        "counts": counts,
        "is_failing": is_down,
        "is_down": is_down and destination.state == DestinationState.ON,
        "mirror": progress_of(destination) if destination.settings.get("mirror") else None,
        "seconds": SELDOM if _all(counts) > MANY else OFTEN,
    }


def _all(counts: Counts) -> int:
    return counts.waiting + counts.given_up + counts.delivered


def _digest(*values: object) -> str:
    return blake2b(repr(values).encode(), digest_size=8).hexdigest()
