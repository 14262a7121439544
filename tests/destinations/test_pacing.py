"""Limits as they are kept: never overrun, hardly wasted, few entries however many calls."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.destinations.base import Limit
from postroom.destinations.models import Destination
from postroom.destinations.pacing import MARGIN, PATIENCE, SLICES, SharedPace, next_turn, noted
from postroom.errors import Throttled


def calls_at(limit: Limit, wishes: list[float]) -> list[float]:
    """When calls go out that want to at these times, one after the other."""
    entries: list[tuple[float, int]] = []
    now, times = 0.0, list[float]()
    for wish in wishes:
        now = max(now, wish)
        at = next_turn(entries, limit, now)
        entries = noted(entries, limit, at, now)
        now = at
        times.append(at)
    return times


@given(
    st.integers(1, 30),
    st.floats(0.5, 60),
    st.lists(st.floats(0, 100), min_size=1, max_size=80).map(sorted),
)
def test_no_window_has_more_calls_than_the_limit(calls, seconds, wishes):
    times = calls_at(Limit(calls, seconds), wishes)
    for first, later in zip(times, times[calls:], strict=False):
        assert later - first >= seconds


@given(st.integers(1, 30), st.floats(0.5, 60))
def test_a_backlog_wastes_no_more_than_the_margin(calls, seconds):
    times = calls_at(Limit(calls, seconds), [0.0] * (calls * 10 + 1))
    assert times[-1] == pytest.approx(10 * seconds * (1 + MARGIN), rel=1e-6) or seconds > 100


def test_what_nobody_used_is_there_at_once():
    assert calls_at(Limit(3, 5.0), [0.0, 100.0, 100.0, 100.0]) == [0.0, 100.0, 100.0, 100.0]


def test_a_days_limit_is_counted_in_slices_and_kept():
    limit = Limit(100_000, 86_400)
    entries: list[tuple[float, int]] = []
    now, times = 0.0, list[float]()
    # As fast as it goes: the whole day's calls at the beginning, then none before the day is over.
    for _ in range(limit.calls + 10):
        at = next_turn(entries, limit, now)
        entries = noted(entries, limit, at, now)
        now = max(at, now + 0.001)
        times.append(at)
    assert len(entries) <= SLICES + 2
    assert times[limit.calls] - times[0] >= 86_400
    assert times[limit.calls] - times[0] <= 86_400 * 1.02
    assert all(before <= after for before, after in pairwise(times))


@pytest.fixture
def paced(destination: Destination, clock) -> SharedPace:
    limits = {"": Limit(2, 5.0), "bulk": Limit(1, 5.0), "day": Limit(1, 86_400)}
    return SharedPace(destination, limits, clock=lambda: clock.now().timestamp(), sleep=clock.sleep)


def test_processes_share_the_limit(destination, paced, clock):
    other = SharedPace(
        destination, {"": Limit(2, 5.0)}, clock=lambda: clock.now().timestamp(), sleep=clock.sleep
    )
    began = clock.now().timestamp()

    async def calls() -> None:
        for each in (paced, other, paced):
            await each.turn()

    asyncio.run(calls())
    assert clock.now().timestamp() - began >= 5.0


def test_a_name_without_a_limit_waits_for_nothing(paced, clock):
    before = clock.ahead
    for _ in range(5):
        asyncio.run(paced.turn("unknown"))
    assert clock.ahead == before


def test_a_wait_too_long_for_a_worker_is_left_to_the_schedule(paced, destination):
    asyncio.run(paced.turn("day"))
    with pytest.raises(Throttled) as caught:
        asyncio.run(paced.turn("day"))
    assert PATIENCE < caught.value.retry_after <= 86_400 * (1 + MARGIN)
    destination.refresh_from_db()
    assert len(destination.pace["day"]) == 1


def test_a_call_that_goes_out_late_is_counted_from_then(destination, clock):
    async def oversleeps(seconds: float) -> None:
        clock.forward(seconds=seconds + 2)

    pace = SharedPace(
        destination, {"": Limit(1, 5.0)}, clock=lambda: clock.now().timestamp(), sleep=oversleeps
    )
    times: list[float] = []
    for _ in range(3):
        asyncio.run(pace.turn())
        times.append(clock.now().timestamp())
    for first, later in pairwise(times):
        assert later - first >= 5.0
