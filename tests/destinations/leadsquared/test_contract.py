"""The contract of all destinations, kept by LeadSquared: exactly once, for it can be asked."""

from collections.abc import Sequence

import pytest

from postroom.destinations.models import Delivery, Destination
from postroom.organisations.models import Account
from postroom.sandbox.leadsquared import Activity, Fault, LeadSquaredSandbox
from postroom.sandbox.leadsquared.errors import invalid_value
from tests.destinations.contract import Arrival, Desk, DestinationContract, drain_all, everything_arrived_once
from tests.destinations.leadsquared.conftest import KEY, POST, SUBJECT, open_leadsquared
from tests.destinations.room import post, run_drain


class LeadSquaredDesk(Desk):
    asks = True

    def __init__(self, sandbox: LeadSquaredSandbox) -> None:
        self._sandbox = sandbox
        self._outage: Fault | None = None
        self._refused = ""
        take = sandbox.activities.post

        def judged(*args: object, **options: object) -> Activity:
            values = args[3]
            if self._refused and isinstance(values, dict) and values.get(SUBJECT) == self._refused:
                raise invalid_value(SUBJECT, "not wanted")
            return take(*args, **options)  # type: ignore[arg-type]

        sandbox.activities.post = judged  # type: ignore[method-assign]

    def open(self, account: Account) -> Destination:
        return open_leadsquared(account, events=["lead.created", "activity.created"])

    def arrivals(self) -> Sequence[Arrival]:
        return [
            Arrival(each.values[KEY], self._sandbox.leads.get(each.lead_id).email, each.values[SUBJECT])
            for each in self._sandbox.activities
        ]

    def refuse(self, subject: str) -> None:
        self._refused = subject

    def lose_answers(self, times: int) -> None:
        self._sandbox.fault("lose_answer", method=POST, times=times)

    def fail(self, share: float, times: int) -> None:
        self._sandbox.fault("html", status=503, probability=share, times=times)

    def throttle(self, seconds: int, times: int) -> None:
        self._sandbox.fault("error", status=429, reason="MXAPICallsExceededException", times=times)

    def go_down(self) -> None:
        self._outage = self._sandbox.outage()

    def come_back(self) -> None:
        assert self._outage
        self._outage.times = 0

    def revoke_keys(self) -> None:
        self._sandbox.revoke()

    def restore_keys(self) -> None:
        self._sandbox.restore()


@pytest.fixture
def desk(leadsquared: LeadSquaredSandbox) -> Desk:
    return LeadSquaredDesk(leadsquared)


class TestContract(DestinationContract):
    def test_a_request_for_patience_is_kept_to_and_costs_no_attempt(self, desk, place, leads, clock):
        """LeadSquared names no time to wait: the window of five seconds it is, twice within the drain."""
        run_drain(place, clock)
        post(leads[0], "Hello")
        desk.throttle(5, 3)
        run_drain(place, clock)
        assert place.not_before is not None
        assert 3 < (place.not_before - clock.now()).total_seconds() <= 5
        clock.forward(seconds=2)
        assert run_drain(place, clock).tried == 0
        clock.forward(seconds=4)
        drain_all(place, clock)
        everything_arrived_once(desk)
        assert set(Delivery.objects.values_list("attempts", flat=True)) == {1}
