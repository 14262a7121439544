"""The budget of quota units that keeps a mailbox under Google's limit, so that it is seldom hit.

Costs and limits: "Usage limits" of the Gmail API guide, for projects made after 1 May 2026.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from postroom.errors import Throttled
from postroom.providers.http import PATIENCE

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
"""Part of a minute's units that may be spent at once, at least the dearest call's; the rest flows evenly,
so that no minute has more than the limit."""


class Budget:
    """A token bucket for one mailbox; ``units_per_minute`` 0 means no limit.

    It begins empty, for the process before may have spent its burst a moment ago. Processes do not share
    one: what two of them overspend together, Gmail refuses, and ``pause`` holds all calls back at once
    rather than each by itself.
    """

    def __init__(
        self,
        units_per_minute: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        burst = max(units_per_minute * BURST, max(UNITS.values()))
        self._most = min(burst, units_per_minute * (1 - BURST))
        self._rate = (units_per_minute - self._most) / 60
        self._clock = clock
        self._sleep = sleep
        self._left = 0.0
        self._at = clock()
        self._paused_until = self._at

    async def spend(self, units: int) -> None:
        """Wait until ``units`` may be spent; takers are served in the order they came.

        Raises ``Throttled`` where Gmail has asked for a pause too long to wait for.
        """
        if self._rate:
            now = self._clock()
            self._left = min(self._most, self._left + (now - self._at) * self._rate) - units
            self._at = now
            if self._left < 0:
                await self._sleep(-self._left / self._rate)
        while (pause := self._paused_until - self._clock()) > 0:
            if pause > PATIENCE:
                raise Throttled("Gmail has asked to slow down.", retry_after=pause)
            await self._sleep(pause)

    def pause(self, seconds: float) -> None:
        """Spend nothing for ``seconds``: Gmail has said that too much was spent."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)
