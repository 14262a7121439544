"""How much is asked of a mailbox, so that Microsoft's limits are seldom hit.

Source: "Microsoft Graph service-specific throttling limits", Outlook service limits: 4 requests under way
and 10,000 in 10 minutes, for each app and mailbox.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

from postroom.errors import Throttled
from postroom.providers.http import PATIENCE

AT_ONCE = 4
"""Requests under way."""
BURST = 500
"""Requests that may follow each other at once; the rest flows evenly."""
A_SECOND = 15.0
"""Requests a second beyond the burst: together 9,500 in any 10 minutes, which leaves room for others."""


class Pace:
    """The turns of one mailbox. Processes do not share one; ``pause`` holds all of its calls back."""

    def __init__(
        self,
        at_once: int = AT_ONCE,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._at_once = at_once
        self._clock = clock
        self._sleep = sleep
        self._left = float(BURST)
        self._at = clock()
        self._paused_until = self._at
        self._turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None]:
        """One of the places, for one request; those who wait are served in the order they came.

        Raises ``Throttled`` where a pause is asked for that is too long to wait.
        """
        loop = asyncio.get_running_loop()
        async with self._turns.setdefault(loop, asyncio.Semaphore(self._at_once)):
            await self._spend()
            await self._wait()
            yield

    def pause(self, seconds: float) -> None:
        """Ask nothing for ``seconds``: Microsoft has said that too much was asked."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)

    async def _spend(self) -> None:
        now = self._clock()
        self._left = min(BURST, self._left + (now - self._at) * A_SECOND) - 1
        self._at = now
        if self._left < 0:
            await self._sleep(-self._left / A_SECOND)

    async def _wait(self) -> None:
        while (pause := self._paused_until - self._clock()) > 0:
            if pause > PATIENCE:
                raise Throttled("Microsoft has asked to slow down.", retry_after=pause)
            await self._sleep(pause)
