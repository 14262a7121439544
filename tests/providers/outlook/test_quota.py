"""Turns of one mailbox."""

import asyncio

import pytest

from postroom.errors import Throttled
from postroom.providers.http import PATIENCE
from postroom.providers.outlook.quota import AT_ONCE, Pace
from tests.providers.outlook.room import Clock


@pytest.mark.asyncio
async def test_no_more_turns_than_places() -> None:
    pace, under_way, most = Pace(), 0, 0

    async def one() -> None:
        nonlocal under_way, most
        async with pace.turn():
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1

    await asyncio.gather(*(one() for _ in range(20)))
    assert most == AT_ONCE


@pytest.mark.asyncio
async def test_a_short_pause_is_waited_out_and_a_long_one_told() -> None:
    clock = Clock()
    pace = Pace(clock=clock, sleep=clock.sleep)
    pace.pause(3)
    async with pace.turn():
        assert clock.slept == [3]
    pace.pause(PATIENCE + 50)
    pace.pause(1)
    with pytest.raises(Throttled) as told:
        async with pace.turn():
            raise AssertionError("unreachable")
    assert told.value.retry_after == PATIENCE + 50


def test_it_serves_one_event_loop_after_another() -> None:
    """A page and the worker may share a process, but not a loop."""
    pace = Pace(at_once=1)

    async def twice() -> None:
        async def one() -> None:
            async with pace.turn():
                await asyncio.sleep(0)

        await asyncio.gather(one(), one())

    asyncio.run(twice())
    asyncio.run(twice())


@pytest.mark.asyncio
async def test_ten_minutes_hold_no_more_requests_than_microsoft_allows() -> None:
    """10,000, however fast they are asked for ("Outlook service limits")."""
    clock = Clock()
    pace, began, made = Pace(clock=clock, sleep=clock.sleep), clock.now, 0
    while clock.now - began < 600:
        async with pace.turn():
            made += 1
    assert 9_000 < made < 10_000
