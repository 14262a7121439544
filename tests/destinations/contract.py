"""What every kind of destination promises, whatever its API: the docstrings of ``destinations.base``, tested.

A kind supplies a ``Desk``, the receiving side served on a real socket, as the fixture ``desk``, and
subclasses ``DestinationContract``. Everything goes through outbox and drain, with a clock that the tests put
forward.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from django.db.models import Min

from postroom.crm.models import Lead
from postroom.destinations.draining import Report
from postroom.destinations.ledger import is_drained
from postroom.destinations.managing import pause, replay, resume
from postroom.destinations.models import (
    TO_DO,
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    Destination,
    DestinationState,
)
from postroom.organisations.models import Account
from tests.destinations.room import Clock, Told, post, run_drain
from tests.sync.conftest import make_lead


@dataclass(frozen=True, slots=True)
class Arrival:
    """An activity that took effect at the receiver."""

    key: str
    """``Parcel.key``, as the receiver keeps it."""
    lead: str
    """Mail address of the lead that it is on."""
    subject: str


class Desk(ABC):
    """The receiving side."""

    asks: bool
    """Whether the kind can find out what arrived: exactly once, rather than at least once by an equal key."""

    @abstractmethod
    def open(self, account: Account) -> Destination:
        """A destination with good keys, which is told of new leads and activities."""

    @abstractmethod
    def arrivals(self) -> Sequence[Arrival]:
        """All activities that took effect, in order, doubled ones as often as they did."""

    @abstractmethod
    def refuse(self, subject: str) -> None:
        """Never take an activity with this subject."""

    @abstractmethod
    def lose_answers(self, times: int) -> None:
        """Let the next calls that post activities take effect, and break the connection before the answer."""

    @abstractmethod
    def fail(self, share: float, times: int) -> None:
        """Of the next ``times`` calls, refuse this share with a passing fault, at random by a fixed seed."""

    @abstractmethod
    def throttle(self, seconds: int, times: int) -> None:
        """Answer the next calls that it is too much, and to come back after ``seconds``."""

    @abstractmethod
    def go_down(self) -> None:
        """Be unreachable, until ``come_back``."""

    @abstractmethod
    def come_back(self) -> None: ...

    @abstractmethod
    def revoke_keys(self) -> None:
        """Take none of the keys any more, until ``restore_keys``."""

    @abstractmethod
    def restore_keys(self) -> None: ...


class DestinationContract:
    """Subclassed by each kind, which supplies ``desk``."""

    @pytest.fixture
    def place(self, desk: Desk, account: Account) -> Destination:
        return desk.open(account)

    @pytest.fixture
    def leads(self, account: Account, place: Destination) -> list[Lead]:
        return [make_lead(account, f"p{number}@customer.example") for number in range(4)]

    def test_each_activity_arrives_once_and_in_order_for_its_lead(self, desk, place, leads, clock):
        for number in range(5):
            for lead in leads:
                post(lead, f"{lead.email} {number}")
        drain_all(place, clock)
        everything_arrived_once(desk)
        for lead in leads:
            assert of(desk, lead) == [f"{lead.email} {number}" for number in range(5)]

    def test_draining_again_sends_nothing_again(self, desk, place, leads, clock):
        post(leads[0], "Hello")
        drain_all(place, clock)
        run_drain(place, clock)
        assert len(desk.arrivals()) == 1

    def test_an_answer_that_is_lost(self, desk, place, leads, clock):
        for lead in leads:
            post(lead, f"To {lead.email}")
        desk.lose_answers(2)
        drain_all(place, clock)
        assert DeliveryAttempt.objects.filter(outcome="unknown").exists()
        everything_arrived_once(desk) if desk.asks else everything_arrived_by_one_key(desk)

    def test_order_holds_through_lost_answers_and_faults(self, desk, place, leads, clock):
        for number in range(6):
            for lead in leads[:2]:
                post(lead, f"{number}")
        desk.lose_answers(1)
        desk.fail(0.5, 8)
        drain_all(place, clock)
        for lead in leads[:2]:
            assert list(dict.fromkeys(of(desk, lead))) == [f"{number}" for number in range(6)]

    def test_what_is_refused_is_given_up_and_holds_nothing_up(self, desk, place, leads, clock):
        desk.refuse("Bad")
        for subject in ("Before", "Bad", "After"):
            post(leads[0], subject)
        post(leads[1], "Other")
        drain_all(place, clock)
        assert {arrival.subject for arrival in desk.arrivals()} == {"Before", "After", "Other"}
        given_up = Delivery.objects.get(state=DeliveryState.GIVEN_UP)
        assert given_up.said
        assert given_up.attempts == 1

    def test_what_was_given_up_can_be_sent_again(self, desk, place, leads, clock):
        desk.refuse("Bad")
        post(leads[0], "Bad")
        drain_all(place, clock)
        desk.refuse("")
        assert replay(place, None) == 1
        drain_all(place, clock)
        assert [arrival.subject for arrival in desk.arrivals()] == ["Bad"]

    def test_a_request_for_patience_is_kept_to_and_costs_no_attempt(self, desk, place, leads, clock):
        desk.throttle(120, 1)
        post(leads[0], "Hello")
        run_drain(place, clock)
        assert place.not_before is not None
        assert 60 < (place.not_before - clock.now()).total_seconds() <= 120
        clock.forward(seconds=60)
        assert run_drain(place, clock).tried == 0
        clock.forward(seconds=61)
        drain_all(place, clock)
        everything_arrived_once(desk)
        assert set(Delivery.objects.values_list("attempts", flat=True)) == {1}

    def test_revoked_keys_stop_it_and_people_are_told_once(self, desk, place, leads, clock, told):
        post(leads[0], "Hello")
        desk.revoke_keys()
        run_drain(place, clock, told)
        run_drain(place, clock, told)
        assert place.state == DestinationState.STOPPED
        assert len(told.names) == 1
        assert place.last_error
        desk.restore_keys()
        resume(place, None)
        drain_all(place, clock)
        everything_arrived_once(desk)

    def test_an_hour_of_outage_loses_nothing_and_uses_up_nothing(self, desk, place, leads, clock, told):
        for lead in leads:
            post(lead, f"To {lead.email}")
        desk.go_down()
        for _ in range(60):
            run_drain(place, clock, told)
            clock.forward(minutes=1)
        assert desk.arrivals() == []
        assert len(told.names) == 1
        desk.come_back()
        # What waited goes out soon after, not when each by itself would have been tried again.
        for _ in range(12):
            run_drain(place, clock, told)
            clock.forward(minutes=1)
        everything_arrived_once(desk)
        assert is_drained(place)

    def test_half_of_the_calls_fail(self, desk, place, leads, clock):
        for number in range(10):
            for lead in leads:
                post(lead, f"{number}")
        desk.fail(0.5, 1000)
        drain_all(place, clock)
        everything_arrived_once(desk)
        assert not Delivery.objects.exclude(state=DeliveryState.DELIVERED).exists()

    def test_a_pause_keeps_everything_until_it_ends(self, desk, place, leads, clock):
        pause(place, None)
        post(leads[0], "Hello")
        run_drain(place, clock)
        assert desk.arrivals() == []
        resume(place, None)
        drain_all(place, clock)
        everything_arrived_once(desk)

    def test_its_check_says_what_answered(self, desk, place):
        assert check(place)

    def test_every_attempt_is_written_down(self, desk, place, leads, clock):
        post(leads[0], "Hello")
        drain_all(place, clock)
        assert set(DeliveryAttempt.objects.values_list("outcome", flat=True)) == {"delivered"}
        assert DeliveryAttempt.objects.count() == Delivery.objects.count()


def drain_all(place: Destination, clock: Clock, told: Told | None = None) -> Report:
    """Drain, and put the clock forward to what is due next, until nothing is left to deliver.

    However unlucky one delivery is: the tenth wait of one that failed nine times is hours long.
    """
    last = Report()
    for _ in range(400):
        last = run_drain(place, clock, told)
        if is_drained(place):
            return last
        clock.forward(minutes=2)
        waiting = Delivery.objects.filter(destination=place, state__in=TO_DO)
        due_at = waiting.aggregate(first=Min("due_at"))["first"]
        if due_at > clock.now():
            clock.ahead += due_at - clock.now()
    pytest.fail(
        f"It does not end: {list(Delivery.objects.values('event', 'state', 'attempts', 'said'))[:10]}"
    )


def check(place: Destination) -> str:
    from postroom.destinations.checking import check as run

    return run(place)


def of(desk: Desk, lead: Lead) -> list[str]:
    return [arrival.subject for arrival in desk.arrivals() if arrival.lead == lead.email]


def posted() -> set[str]:
    """The keys of all activities that are to be there."""
    rows = Delivery.objects.filter(event="activity.created").exclude(state=DeliveryState.DROPPED)
    return {str(key) for key in rows.values_list("key", flat=True)}


def everything_arrived_once(desk: Desk) -> None:
    keys = [arrival.key for arrival in desk.arrivals()]
    assert sorted(keys) == sorted(posted())


def everything_arrived_by_one_key(desk: Desk) -> None:
    assert {arrival.key for arrival in desk.arrivals()} == posted()
