"""The budget: no minute spends more than Google allows, and a refusal is waited out."""

import asyncio
import heapq
from itertools import accumulate, count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import Throttled
from postroom.mail.message import Direction
from postroom.providers.base import Change
from postroom.providers.gmail.quota import UNITS, Budget
from postroom.providers.http import PATIENCE
from postroom.sandbox.google.quota import TABLES
from tests.mails import mail
from tests.providers.contract import ADDRESS
from tests.providers.gmail.room import Clock, GmailRoom


class Timeline:
    """A clock for several sleepers at once: time jumps to whoever wakes next."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []
        self._order = count()

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        awake = asyncio.Event()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._order), awake))
        await awake.wait()

    async def run(self, *work: "asyncio.Task[None]") -> None:
        while not all(task.done() for task in work):
            for _ in range(2 * len(work) + 2):
                await asyncio.sleep(0)
            if self._sleepers:
                self.now, _, awake = heapq.heappop(self._sleepers)
                awake.set()
        await asyncio.gather(*work)


Spent = list[tuple[float, int]]
"""When, and how many units."""


async def spend_all(limit: int, calls: list[list[tuple[float, int]]]) -> Spent:
    """What is spent by takers side by side, each with pauses in seconds before its calls."""
    timeline = Timeline()
    budget = Budget(limit, clock=timeline, sleep=timeline.sleep)
    spent: Spent = []

    async def taker(wanted: list[tuple[float, int]]) -> None:
        for pause, units in wanted:
            await timeline.sleep(pause)
            await budget.spend(units)
            spent.append((timeline.now, units))

    await timeline.run(*(asyncio.create_task(taker(wanted)) for wanted in calls))
    return spent


def most_in_a_minute(spent: Spent) -> int:
    moments = [moment for moment, _ in spent]
    sums = [0, *accumulate(units for _, units in spent)]
    return max(
        (sums[end + 1] - sums[begin])
        for begin, start in enumerate(moments)
        for end, stop in enumerate(moments)
        if begin <= end and stop - start < 60
    )


@given(
    limit=st.sampled_from([150, 600, 6_000, 15_000]),
    calls=st.lists(
        st.lists(
            st.tuples(st.sampled_from([0.0, 0.0, 0.5, 20.0, 90.0]), st.sampled_from(list(UNITS.values()))),
            min_size=1,
            max_size=40,
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_no_minute_spends_more_than_the_limit(limit: int, calls: list[list[tuple[float, int]]]) -> None:
    spent = asyncio.run(spend_all(limit, calls))
    assert len(spent) == sum(map(len, calls))
    assert most_in_a_minute(spent) <= limit


def test_a_minute_spends_nearly_all_of_the_limit() -> None:
    spent = asyncio.run(spend_all(6_000, [[(0.0, 20)] * 400] * 2))
    assert most_in_a_minute(spent) > 0.88 * 6_000


def test_a_burst_after_a_rest_still_keeps_to_the_limit() -> None:
    spent = asyncio.run(spend_all(6_000, [[(90.0, 20), *[(0.0, 20)] * 400]]))
    assert 0.95 * 6_000 < most_in_a_minute(spent) <= 6_000


def test_a_process_that_begins_spends_no_burst() -> None:
    """The one before may have spent it a moment ago."""
    first, *_ = asyncio.run(spend_all(6_000, [[(0.0, 20)]]))
    assert first[0] > 0


def test_without_a_limit_nothing_waits() -> None:
    assert {moment for moment, _ in asyncio.run(spend_all(0, [[(0.0, 100)] * 500]))} == {0.0}


@pytest.mark.asyncio
async def test_a_short_pause_is_waited_out_and_a_long_one_raised() -> None:
    clock = Clock()
    budget = Budget(0, clock=clock, sleep=clock.sleep)
    budget.pause(PATIENCE)
    await budget.spend(1)
    assert clock.slept == [PATIENCE]
    budget.pause(600)
    budget.pause(2)
    with pytest.raises(Throttled) as throttled:
        await budget.spend(1)
    assert throttled.value.retry_after == 600
    clock.now += 595
    await budget.spend(1)
    assert clock.slept == [PATIENCE, 5]


@pytest.mark.asyncio
async def test_a_sync_within_its_budget_is_never_refused(room: GmailRoom, naps: list[float]) -> None:
    """Against the sandbox's own count, whose minutes begin with a window's first request."""
    made = [room.deliver(mail()) for _ in range(320)]
    room.google.limit("2026")
    source = room.source(units_per_minute=6_000)
    before = room.clock.now
    room.google.clock.offset = 0.0

    async def one(mail_id: str) -> None:
        room.google.clock.offset = room.clock.now - before
        await source.message(Change(mail_id, Direction.RECEIVED))

    for mail_id in made:
        await one(mail_id)
    assert naps == []
    assert room.google.ledger.spent[ADDRESS]["messages.get"].refused == 0
    assert room.clock.now - before > 60


@pytest.mark.parametrize("ours", UNITS)
def test_the_costs_are_those_of_the_usage_limits_page(ours: str) -> None:
    googles = "messages.attachments.get" if ours == "attachments.get" else ours
    assert UNITS[ours] == TABLES["2026"].units[googles]
