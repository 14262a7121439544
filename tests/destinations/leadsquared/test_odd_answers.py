"""Answers that LeadSquared never gives, and that some proxy or some bad day will; and the order of work."""

from datetime import UTC, datetime

import pytest

from postroom.crm.models import Lead
from postroom.destinations.base import Event, LeadData, Parcel
from postroom.destinations.leadsquared import catalogue
from postroom.destinations.leadsquared.batch import layers_of
from postroom.destinations.ledger import HoldLost
from postroom.destinations.models import Delivery, DeliveryState
from tests.destinations.contract import drain_all
from tests.destinations.leadsquared.conftest import ASK, POST, SETTLE, UPDATE, calls, open_leadsquared
from tests.destinations.room import post, run_drain
from tests.providers.contract import GARBAGE
from tests.sync.conftest import make_lead

USERS, SETTING, METADATA = (
    "UserManagement.svc/Users.Get",
    "ProspectActivity.svc/CustomActivity/GetActivitySetting",
    "LeadManagement.svc/LeadsMetaData.Get",
)


@pytest.mark.parametrize("method", [POST, SETTLE, UPDATE, ASK, USERS, SETTING, METADATA])
def test_garbage_in_place_of_an_answer_doubles_nothing_and_loses_nothing(leadsquared, account, clock, method):
    place = open_leadsquared(account, events=["lead.created", "activity.created"])
    for number, body in enumerate(GARBAGE.values()):
        lead = make_lead(account, f"p{number}@customer.example")
        Lead.objects.filter(pk=lead.pk).update(first_name="Carol")
        post(lead, "Hello")
        catalogue.forget()
        if method == ASK:
            leadsquared.fault("lose_answer", method=POST)
        leadsquared.fault("garble", method=method, body=body, status=200, content_type="application/json")
        run_drain(place, clock)
        leadsquared.faults.clear()
        drain_all(place, clock)
    assert not Delivery.objects.exclude(state=DeliveryState.DELIVERED).exists()
    assert len(leadsquared.leads) == len(leadsquared.activities) == len(GARBAGE)
    assert not leadsquared.doubles()


def test_a_drain_that_another_took_over_ends_in_the_midst_of_its_calls(
    leadsquared, account, clock, monkeypatch
):
    place = open_leadsquared(account, events=["lead.created", "activity.created"])
    for number in range(230):
        post(make_lead(account, f"p{number}@customer.example"), "Hello")

    def taken_over(held: object) -> None:
        if calls(leadsquared, POST):
            raise HoldLost

    with monkeypatch.context() as patch:
        patch.setattr("postroom.destinations.ledger.make_sure", taken_over)
        assert run_drain(place, clock).unfinished
    clock.forward(minutes=5)
    drain_all(place, clock)
    assert len(leadsquared.activities) == 230
    assert not leadsquared.doubles()


def parcel(event: Event, lead: int) -> Parcel:
    return Parcel(f"{event}{lead}", event, datetime.now(UTC), LeadData(lead, "", "", ""))


def test_work_is_done_together_as_far_as_each_leads_order_allows() -> None:
    made, posted, changed = Event.LEAD_CREATED, Event.ACTIVITY_CREATED, Event.LEAD_UPDATED
    batch = [
        parcel(made, 1),
        parcel(posted, 1),
        parcel(posted, 2),
        parcel(posted, 1),
        parcel(changed, 1),
        parcel(changed, 2),
        parcel(posted, 1),
    ]
    assert layers_of(batch) == [[0, 2], [1, 3, 5], [4], [6]]
