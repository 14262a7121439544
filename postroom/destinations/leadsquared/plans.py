"""How many calls a customer's plan allows ("Rate Limits", in its present and its earlier form)."""

from collections.abc import Mapping
from dataclasses import dataclass

SECONDS = 5.0
"""The window in which calls are counted."""


@dataclass(frozen=True, slots=True)
class Plan:
    calls: int
    """Within ``SECONDS``, bulk calls included."""
    bulk: int
    """Bulk calls within ``SECONDS``."""
    a_day: int
    """Of the account as a whole, whoever makes them."""


PLANS: Mapping[str, Plan] = {
    "pro": Plan(10, 5, 10_000),
    "super": Plan(20, 10, 100_000),
    "lite": Plan(2, 1, 34_560),
    "basic": Plan(10, 1, 172_800),
    "standard": Plan(15, 1, 259_200),
    "enterprise": Plan(25, 1, 432_000),
}
