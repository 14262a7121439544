"""Doing several things at the same time, of which one may fail."""

import asyncio
from collections.abc import Coroutine, Iterable


async def all_or_first_fault(work: Iterable[Coroutine[None, None, None]]) -> None:
    """Do all at the same time; a fault of one ends the others, and is raised as it is."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
