"""What every provider's HTTP client needs: one session, retries with backoff, and bounded answers."""

import asyncio
import random
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TypeVar

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.http_exceptions import HttpProcessingError

from postroom.errors import ProviderError, Throttled, Unavailable

TIMEOUT = aiohttp.ClientTimeout(total=None, connect=10, sock_read=60)
"""Seconds. A whole attachment may take long; silence may not."""
PATIENCE = 10.0
"""Longest wait in seconds inside a pass; a longer one is left to the schedule."""
LONGEST_WAIT = 24 * 3600.0
"""Seconds; no provider is believed that asks for more."""
NETWORK_FAULTS = (aiohttp.ClientError, HttpProcessingError, TimeoutError, OSError)
"""What aiohttp raises where a connection or the HTTP on it breaks."""

Answer = TypeVar("Answer")

sleep = asyncio.sleep
"""How a retry waits; a name of its own so that tests need not."""
_lookups = ThreadPoolExecutor(4, thread_name_prefix="lookup")


class TooLarge(ProviderError):
    """The provider's answer is larger than Postroom reads."""


def open_session() -> aiohttp.ClientSession:
    """The session that a process shares for all its requests; close it at the end.

    It keeps no cookies, so that no mailbox's request carries anything of another's.
    """
    connector = aiohttp.TCPConnector(
        limit=200, limit_per_host=100, ttl_dns_cache=300, resolver=OwnThreadsResolver()
    )
    return aiohttp.ClientSession(
        connector=connector,
        timeout=TIMEOUT,
        headers={"User-Agent": "Postroom (gzip)"},
        cookie_jar=aiohttp.DummyCookieJar(),
        raise_for_status=False,
    )


async def read_within(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The whole body. Raises ``TooLarge`` above ``limit`` bytes, however many are announced."""
    held = bytearray()
    async for piece in response.content.iter_any():
        held += piece
        if len(held) > limit:
            response.close()
            raise TooLarge
    return bytes(held)


def retry_after(value: str) -> float | None:
    """Seconds to wait by a Retry-After header (RFC 9110 section 10.2.3), None where there is none."""
    if value.isascii() and value.isdigit():
        return min(float(value), LONGEST_WAIT)
    try:
        return seconds_until(parsedate_to_datetime(value))
    except (TypeError, ValueError, OverflowError):
        return None


def readable(words: str) -> str:
    """What a server says, fit to be stored and shown: printable, in one line of at most 300 characters."""
    line = " ".join(words[:3000].split())
    return "".join(character for character in line if character.isprintable())[:300]


def seconds_until(moment: datetime) -> float:
    """From now to ``moment`` (aware), 0 where it is past, ``LONGEST_WAIT`` where it is further away."""
    return min(max(0.0, (moment - datetime.now(UTC)).total_seconds()), LONGEST_WAIT)


async def patiently(call: Callable[[], Awaitable[Answer]], attempts: int = 4) -> Answer:
    """Repeat ``call`` through passing faults: 0.5 s, 1 s, 2 s between, halved to doubled at random.

    A wait that the provider asks for is kept to; one beyond ``PATIENCE`` is raised at once.
    """
    for attempt in range(attempts):
        try:
            return await call()
        except Throttled as fault:
            if attempt == attempts - 1 or fault.retry_after > PATIENCE:
                raise
            await sleep(max(fault.retry_after, _backoff(attempt)))
        except Unavailable:
            if attempt == attempts - 1:
                raise
            await sleep(_backoff(attempt))
    raise AssertionError("unreachable")


def _backoff(attempt: int) -> float:
    return 0.5 * 2**attempt * random.uniform(0.5, 2.0)


class OwnThreadsResolver(AbstractResolver):
    """Looks host names up in threads of its own.

    Those of the event loop may all be waiting for an answer from the network, as the renewal of a token
    does: were names looked up there, too, neither would ever end.
    """

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        look_up = partial(
            socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
        found = await asyncio.get_running_loop().run_in_executor(_lookups, look_up)
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """The threads are shared by all sessions and stay."""
