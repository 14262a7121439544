"""Answers of the right status and of no right shape, size or characters."""

from dataclasses import replace

import orjson
import pytest

from postroom.crm.models import Lead
from postroom.destinations.models import Delivery, DeliveryState, Destination, RemoteLead
from postroom.sandbox.leadsquared import LeadSquaredSandbox
from tests.destinations.contract import drain_all
from tests.destinations.leadsquared.conftest import (
    ASK,
    CHOSEN,
    POST,
    SETTLE,
    open_leadsquared,
)
from tests.destinations.leadsquared.test_mirror import SEARCH, read
from tests.destinations.room import Clock, post, run_drain
from tests.sync.conftest import make_lead

NULL = "id\x00of\x00nothing"
LONG = "x" * 100_000
DEEP = b"[" * 900 + b"]" * 900


def answer(sandbox: LeadSquaredSandbox, method: str, body: bytes) -> None:
    """Let the next call of the method be answered by this."""
    sandbox.fault("garble", method=method, body=body.decode(), status=200, content_type="application/json")


def rows(**row: object) -> bytes:
    return orjson.dumps({"Status": "Success", "Response": [row], "Leads": [row]})


SETTLED = {
    "null characters": rows(RowNumber=1, LeadId=NULL, LeadCreated=True),
    "a long id": rows(RowNumber=1, LeadId=LONG, LeadCreated=True),
    "a list as number": rows(RowNumber=[1], LeadId="a"),
    "an object as number": rows(RowNumber={"a": 1}, LeadId={"b": 2}),
    "reasons without end": rows(RowNumber=1, ExceptionMessage=LONG + NULL),
    "deep": b'{"Response": [{"RowNumber": 1, "LeadId": "a", "More": ' + DEEP + b"}]}",
}
POSTED = {
    "null characters": rows(RowNumber=1, ActivityCreated=True, ProspectActivityId=NULL),
    "a long id": rows(RowNumber=1, ActivityCreated=True, ProspectActivityId=LONG),
    "a list as number": rows(RowNumber=[1], ActivityCreated=True, ProspectActivityId="a"),
    "reasons without end": rows(RowNumber=1, ExceptionMessage=LONG + NULL),
}
ASKED = {
    "deep": b'{"RecordCount": 1, "ProspectActivities": [{"Id": "a", "Data": ' + DEEP + b"}]}",
    "null characters": orjson.dumps({"RecordCount": 1, "ProspectActivities": [{"Id": NULL, "Note": NULL}]}),
    "a count beyond all": orjson.dumps({"RecordCount": 10**17, "ProspectActivities": []}),
}


def ends(leadsquared: LeadSquaredSandbox, place: Destination, clock: Clock, method: str, body: bytes) -> None:
    """A delivery that is answered by ``body``, and then sensibly, comes to an end."""
    post(make_lead(place.account, "carol@customer.example"), "Hello")
    answer(leadsquared, method, body)
    run_drain(place, clock)
    leadsquared.faults.clear()
    drain_all(place, clock)
    assert not Delivery.objects.filter(state=DeliveryState.SENDING).exists()


@pytest.mark.parametrize("body", SETTLED.values(), ids=SETTLED)
def test_a_lead_is_settled_or_tried_again(leadsquared, account, clock, body):
    place = open_leadsquared(account, events=["lead.created", "activity.created"])
    ends(leadsquared, place, clock, SETTLE, body)


@pytest.mark.parametrize("body", POSTED.values(), ids=POSTED)
def test_an_activity_is_posted_or_asked_for(leadsquared, account, clock, body):
    place = open_leadsquared(account, events=["activity.created"])
    ends(leadsquared, place, clock, POST, body)
    assert not leadsquared.doubles()


@pytest.mark.parametrize("body", ASKED.values(), ids=ASKED)
def test_asking_for_what_may_be_there_ends(leadsquared, account, clock, body):
    place = open_leadsquared(account, events=["activity.created"])
    post(make_lead(account, "carol@customer.example"), "Hello")
    leadsquared.fault("lose_answer", method=POST)
    run_drain(place, clock)
    answer(leadsquared, ASK, body)
    clock.forward(hours=1)
    run_drain(place, clock)
    leadsquared.faults.clear()
    drain_all(place, clock)
    assert set(Delivery.objects.values_list("state", flat=True)) == {DeliveryState.DELIVERED}


def page(**lead: object) -> bytes:
    return orjson.dumps([{"ProspectID": "a-lead", "EmailAddress": "dora@customer.example", **lead}])


MIRRORED = {
    "null characters": page(ProspectID=NULL, FirstName=NULL, EmailAddress="do\x00ra@customer.example"),
    "a long id": page(ProspectID=LONG, ProspectAutoId="1"),
    "long words": page(
        ProspectAutoId="1", FirstName=LONG, LastName=LONG, Phone=LONG, Company=LONG, Source=LONG
    ),
    "a number beyond all": page(ProspectAutoId="9" * 5000),
    "a number that is large": page(ProspectAutoId="9" * 30),
    "the end of time": page(ProspectAutoId="1", ModifiedOn="9999-12-31 23:59:59.999"),
    "the beginning of time": page(ProspectAutoId="1", ModifiedOn="0001-01-01 00:00:00.000"),
    "a time elsewhere": page(ProspectAutoId="1", ModifiedOn="2026-01-01T00:00:00+23:59"),
    "a list as id": page(ProspectID=["a"], ProspectAutoId={"b": 1}),
    "deep": b'[{"ProspectID": "a", "ProspectAutoId": "1", "FirstName": ' + DEEP + b"}]",
    "a lead twice": page(ProspectAutoId="1")[:-1] + b"," + page(ProspectAutoId="1")[1:],
}


@pytest.mark.parametrize("phase", ["all", "changes"])
@pytest.mark.parametrize("body", MIRRORED.values(), ids=MIRRORED)
def test_the_mirror_takes_what_it_can_and_goes_on(leadsquared, account, clock, body, phase):
    place = open_leadsquared(account, replace(CHOSEN, mirror=True))
    leadsquared.clock.now = lambda: clock.now().timestamp()
    if phase == "changes":
        read(place, clock)
        clock.forward(minutes=5)
    answer(leadsquared, SEARCH, body)
    read(place, clock, pages=1)
    leadsquared.faults.clear()
    leadsquared.add_lead("erin@customer.example", FirstName="Erin")
    for _ in range(3):
        clock.forward(minutes=5)
        read(place, clock)
    assert Lead.objects.filter(account=account, email_key="erin@customer.example").exists()
    assert all(len(row.remote_id) <= 100 for row in RemoteLead.objects.all())
