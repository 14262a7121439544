"""How many calls a customer's plan allows ("Rate Limits", in its present and its earlier form)."""

from collections.abc import Mapping
from dataclasses import dataclass

SECONDS = 5.0
"""The window in which calls are counted."""


@dataclass(frozen=True, slots=True)
class Plan:
    label: str
    calls: int
    """Within ``SECONDS``, bulk calls included."""
    bulk: int
    """Bulk calls within ``SECONDS``."""
    a_day: int
    """Of the account as a whole, whoever makes them."""


PLANS: Mapping[str, Plan] = {
    "pro": Plan("Pro", 10, 5, 10_000),
    "super": Plan("Super", 20, 10, 100_000),
    "lite": Plan("Lite (earlier plan)", 2, 1, 34_560),
    "basic": Plan("Basic (earlier plan)", 10, 1, 172_800),
    "standard": Plan("Standard (earlier plan)", 15, 1, 259_200),
    "enterprise": Plan("Enterprise (earlier plan)", 25, 1, 432_000),
}
