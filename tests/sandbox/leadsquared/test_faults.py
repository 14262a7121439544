"""What goes wrong on demand."""

import aiohttp
import pytest

from postroom.sandbox.leadsquared import ActivityType, LeadSquaredSandbox

from .conftest import ACTIVITIES, JOHN, LEADS, Answer, Api, pairs

pytestmark = pytest.mark.asyncio
USERS = "UserManagement.svc/Users.Get"
CREATE = ACTIVITIES + "Create"


async def post(api: Api, sandbox: LeadSquaredSandbox, kind: ActivityType) -> Answer:
    lead = sandbox.leads.find("EmailAddress", JOHN) or sandbox.add_lead(JOHN)
    return await api.post(CREATE, {"RelatedProspectId": lead.id, "ActivityEvent": kind.code})


async def test_an_error_comes_before_anything_is_done(
    api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType
) -> None:
    sandbox.fault("error", method=CREATE, status=500, reason="MXTimeoutException", message="Try again.")
    answer = await post(api, sandbox, email_sent)
    assert (answer.status, answer.kind) == (500, "MXTimeoutException")
    assert len(sandbox.activities) == 0
    assert (await post(api, sandbox, email_sent)).status == 200


async def test_an_error_may_come_as_a_200(api: Api, sandbox: LeadSquaredSandbox) -> None:
    sandbox.fault("error", status=200, reason="NullReferenceException")
    answer = await api.get(USERS)
    assert (answer.status, answer.kind) == (200, "NullReferenceException")
    assert sandbox.ledger.counts[USERS].refused == 1


async def test_an_answer_is_lost_after_the_activity_was_posted(
    api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType
) -> None:
    sandbox.fault("lose_answer", method=CREATE)
    with pytest.raises(aiohttp.ClientError):
        await post(api, sandbox, email_sent)
    assert len(sandbox.activities) == 1
    assert sandbox.ledger.counts[CREATE].unheard == 1


async def test_a_connection_breaks_before_anything_is_done(
    api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType
) -> None:
    sandbox.fault("drop", method=CREATE)
    with pytest.raises(aiohttp.ClientError):
        await post(api, sandbox, email_sent)
    assert len(sandbox.activities) == 0
    assert sandbox.ledger.counts[CREATE].unheard == 0


async def test_an_error_can_hide_that_it_was_done(
    api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType
) -> None:
    sandbox.fault("late_error", method=CREATE, status=503)
    assert (await post(api, sandbox, email_sent)).status == 503
    assert len(sandbox.activities) == 1
    assert sandbox.ledger.counts[CREATE].unheard == 1


async def test_an_answer_breaks_off(api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType) -> None:
    sandbox.fault("truncate", method=ACTIVITIES + "*")
    with pytest.raises(aiohttp.ClientPayloadError):
        await post(api, sandbox, email_sent)
    assert len(sandbox.activities) == 1


async def test_an_outage_lasts_until_it_is_ended(api: Api, sandbox: LeadSquaredSandbox) -> None:
    outage = sandbox.outage()
    for _ in range(3):
        answer = await api.get(USERS)
        assert (answer.status, answer.headers["Content-Type"]) == (503, "text/html; charset=UTF-8")
    sandbox.faults.remove(outage.id)
    assert (await api.get(USERS)).status == 200


async def test_half_of_the_calls_fail_and_the_seed_says_which(api: Api, sandbox: LeadSquaredSandbox) -> None:
    async def run() -> list[int]:
        sandbox.reset()
        sandbox.add_key()
        sandbox.fault("error", status=503, times=None, probability=0.5)
        return [(await api.get(USERS)).status for _ in range(40)]

    first, second = await run(), await run()
    assert first == second
    assert 10 < first.count(503) < 30


async def test_an_answer_is_garbled(api: Api, sandbox: LeadSquaredSandbox) -> None:
    sandbox.fault("garble", status=200, body="<!doctype html>", content_type="text/html")
    answer = await api.get(USERS)
    assert (answer.status, answer.body) == (200, b"<!doctype html>")


async def test_entries_come_twice_or_shuffled(api: Api, sandbox: LeadSquaredSandbox) -> None:
    made = [sandbox.add_lead(f"{number}@x.example").id for number in range(6)]
    ever = {"FromDate": "2000-01-01 00:00:00", "ToDate": "2100-01-01 00:00:00"}
    body = {"Parameter": ever, "Columns": {"Include_CSV": "ProspectID"}}

    async def ids() -> list[str]:
        answer = await api.post(LEADS + "Leads.RecentlyModified", body)
        return [lead["LeadPropertyList"][0]["Value"] for lead in answer.json["Leads"]]

    in_order = await ids()
    sandbox.fault("duplicate")
    assert sorted(await ids()) == sorted(made * 2)
    sandbox.fault("reorder")
    shuffled = await ids()
    assert shuffled != in_order
    assert sorted(shuffled) == sorted(made)


async def test_a_fault_waits_its_turn(api: Api, sandbox: LeadSquaredSandbox) -> None:
    sandbox.fault("error", method=LEADS + "*", skip=1, times=1)
    statuses = [(await api.post(LEADS + "Lead.Create", pairs(FirstName=n))).status for n in "abc"]
    assert statuses == [200, 503, 200]
    assert (await api.get(USERS)).status == 200


async def test_latency_holds_an_answer_back(api: Api, sandbox: LeadSquaredSandbox) -> None:
    fault = sandbox.fault("latency", seconds=0.01)
    assert (await api.get(USERS)).status == 200
    assert fault.hits == 1
