"""Database work of async code: run in a thread, so that the event loop never waits for PostgreSQL."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import close_old_connections

Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")


async def in_thread(
    work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Result:
    """Run ``work`` in a thread of the pool, each of which keeps one connection."""
    return await asyncio.to_thread(_with_connection, work, *args, **kwargs)


def _with_connection(
    work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Result:
    close_old_connections()
    try:
        return work(*args, **kwargs)
    finally:
        close_old_connections()
