"""The budget of quota units that keeps a mailbox under Google's limit, so that it is seldom hit.

Costs and limits: "Usage limits" of the Gmail API guide, for projects made after 1 May 2026.
"""

import asyncio
import time

UNITS = {
    "getProfile": 1,
    "history.list": 2,
    "messages.list": 5,
    "messages.get": 20,
    "attachments.get": 20,
    "settings.sendAs.list": 1,
    "watch": 100,
    "stop": 50,
}
"""Units a call."""

BURST = 0.1
"""Part of a minute's units that may be spent at once; the rest flows evenly, so that no minute has more
than the limit."""


class Budget:
    """A token bucket; ``units_per_minute`` 0 means no limit."""

    def __init__(self, units_per_minute: int) -> None:
        self._rate = units_per_minute * (1 - BURST) / 60
        self._most = units_per_minute * BURST
        self._left = self._most
        self._at = time.monotonic()

    async def spend(self, units: int) -> None:
        """Wait until ``units`` may be spent; takers are served in the order they came."""
        if not self._rate:
            return
        now = time.monotonic()
        self._left = min(self._most, self._left + (now - self._at) * self._rate) - units
        self._at = now
        if self._left < 0:
            await asyncio.sleep(-self._left / self._rate)
