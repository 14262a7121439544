"""No window ever holds more calls than its limit, also where calls wait for several limits at once."""

from hypothesis import given
from hypothesis import strategies as st

from postroom.destinations.base import Limit
from postroom.destinations.pacing import Entries, next_turn, noted

CALLS = st.lists(
    st.tuples(st.sampled_from([("",), ("bulk",), ("", "bulk")]), st.floats(0, 3)), min_size=1, max_size=80
)


@given(CALLS, st.integers(1, 6), st.integers(1, 6))
def test_calls_of_mixed_limits_stay_within_each(calls, all_calls: int, bulk: int) -> None:
    limits = {"": Limit(all_calls, 5.0), "bulk": Limit(bulk, 5.0)}
    entries: dict[str, Entries] = {"": [], "bulk": []}
    went: dict[str, list[float]] = {"": [], "bulk": []}
    now = 0.0
    for names, later in calls:
        now += later
        at = max(next_turn(entries[name], limits[name], now) for name in names)
        for name in names:
            entries[name] = noted(entries[name], limits[name], at, now)
            went[name].append(at)
    for name, times in went.items():
        for begin in times:
            assert sum(begin <= each < begin + 5.0 for each in times) <= limits[name].calls
