"""Access tokens that are made from a key whenever they are needed, and held in memory until they end.

They are never stored: whoever has the key makes another. What is held is found by a digest of the key itself,
so that only who has the key gets at it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from weakref import WeakKeyDictionary

from postroom.providers.base import TokenSet
from postroom.providers.recent import Recent

MARGIN = timedelta(minutes=5)
"""A token this close to its end is not used."""
MOST_HELD = 20_000

Make = Callable[[], Awaitable[TokenSet]]


def digest(*parts: str) -> str:
    """What a token is held under: of everything that it is made from, the secret included."""
    return sha256("\n".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()


class TokenTable:
    """The tokens of one provider and process."""

    def __init__(self, most: int = MOST_HELD) -> None:
        self._held: Recent[str, TokenSet] = Recent(most)
        self._turns: WeakKeyDictionary[asyncio.AbstractEventLoop, Recent[str, asyncio.Lock]] = (
            WeakKeyDictionary()
        )

    async def token(self, name: str, rejected: str, make: Make) -> str:
        """The token held under ``name``, or a new one; of callers at once, one asks for it."""
        turns = self._turns.setdefault(asyncio.get_running_loop(), Recent(MOST_HELD))
        async with turns.get_or_make(name, asyncio.Lock):
            held = self._held.get(name)
            if held is None or held.access_token == rejected or held.expires_at - MARGIN < datetime.now(UTC):
                self._held.drop(name)
                held = await make()
                self._held.put(name, held)
            return held.access_token
