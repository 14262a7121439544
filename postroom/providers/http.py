"""What every provider's HTTP client needs: one session, retries with backoff, and Retry-After."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import aiohttp

from postroom.errors import Throttled, Unavailable

TIMEOUT = aiohttp.ClientTimeout(total=None, connect=10, sock_read=60)
"""Seconds. A whole attachment may take long; silence may not."""
PATIENCE = 10.0
"""Longest wait in seconds inside a pass; a longer one is left to the schedule."""

Answer = TypeVar("Answer")


def open_session() -> aiohttp.ClientSession:
    """The session that a process shares for all its requests; close it at the end."""
    connector = aiohttp.TCPConnector(limit=200, limit_per_host=100, ttl_dns_cache=300)
    return aiohttp.ClientSession(
        connector=connector,
        timeout=TIMEOUT,
        headers={"User-Agent": "Postroom (gzip)"},
        raise_for_status=False,
    )


def retry_after(value: str) -> float | None:
    """Seconds to wait by a Retry-After header (RFC 9110 section 10.2.3), None where there is none."""
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


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
            await asyncio.sleep(max(fault.retry_after, _backoff(attempt)))
        except Unavailable:
            if attempt == attempts - 1:
                raise
            await asyncio.sleep(_backoff(attempt))
    raise AssertionError("unreachable")


def _backoff(attempt: int) -> float:
    return 0.5 * 2**attempt * random.uniform(0.5, 2.0)
