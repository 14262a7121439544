"""The page "Rate Limits", and the counters of calls."""

import pytest

from postroom.sandbox.leadsquared import ActivityType, LeadSquaredSandbox

from .conftest import ACTIVITIES, JOHN, LEADS, Api, pairs

pytestmark = pytest.mark.asyncio
USERS = "UserManagement.svc/Users.Get"
BULK = ACTIVITIES + "Bulk/CustomActivity/Add/ByLeadId"


@pytest.mark.parametrize(("plan", "calls"), [("pro", 10), ("super", 20), ("lite", 2), ("enterprise", 25)])
async def test_a_plan_allows_so_many_calls_in_5_seconds(
    api: Api, sandbox: LeadSquaredSandbox, plan: str, calls: int
) -> None:
    sandbox.limit(plan)
    assert [(await api.get(USERS)).status for _ in range(calls)] == [200] * calls
    refused = await api.get(USERS)
    assert (refused.status, refused.kind) == (429, "MXAPICallsExceededException")
    assert refused.json["ExceptionMessage"] == f"API calls exceeded the limit of {calls} in 5 second(s)"
    assert "Retry-After" not in refused.headers
    sandbox.clock.advance(5)
    assert (await api.get(USERS)).status == 200


async def test_any_5_seconds_count(api: Api, sandbox: LeadSquaredSandbox) -> None:
    sandbox.limit("lite")
    await api.get(USERS)
    sandbox.clock.advance(4)
    await api.get(USERS)
    sandbox.clock.advance(2)
    assert [(await api.get(USERS)).status for _ in range(2)] == [200, 429]


async def test_bulk_calls_have_a_limit_of_their_own(
    api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType
) -> None:
    sandbox.limit("pro")
    body = [{"RelatedProspectId": sandbox.add_lead(JOHN).id, "ActivityEvent": email_sent.code}]
    assert [(await api.post(BULK, body)).status for _ in range(6)] == [200] * 5 + [429]
    assert (await api.get(USERS)).status == 200
    assert len(sandbox.activities) == 5


async def test_a_day_has_a_limit_that_grows_with_the_users(api: Api, sandbox: LeadSquaredSandbox) -> None:
    assert sandbox.limit("pro").in_a_day(users=3) == 13_000
    assert sandbox.limit("pro").in_a_day(users=1000) == 250_000
    sandbox.limit("pro", calls=0, bulk=0, day=2, day_for_each_user=0)
    assert [(await api.get(USERS)).status for _ in range(3)] == [200, 200, 429]
    sandbox.clock.advance(86_400)
    assert (await api.get(USERS)).status == 200


async def test_some_accounts_answer_403(api: Api, sandbox: LeadSquaredSandbox) -> None:
    sandbox.limit("lite", status=403)
    assert [(await api.get(USERS)).status for _ in range(3)] == [200, 200, 403]


async def test_limits_end(api: Api, sandbox: LeadSquaredSandbox) -> None:
    sandbox.limit("lite")
    sandbox.limit("")
    assert [(await api.get(USERS)).status for _ in range(9)] == [200] * 9
    with pytest.raises(ValueError, match="no such plan"):
        sandbox.limit("platinum")


async def test_wrong_keys_spend_nothing(api: Api, sandbox: LeadSquaredSandbox) -> None:
    sandbox.limit("lite")
    for _ in range(5):
        assert (await api.ask("GET", USERS, headers={})).status == 401
    assert (await api.get(USERS)).status == 200


async def test_calls_are_counted_as_made_refused_limited_and_wasted(
    api: Api, sandbox: LeadSquaredSandbox
) -> None:
    lead = sandbox.add_lead(JOHN, FirstName="John")
    await api.post(LEADS + "Lead.Update", pairs(FirstName="Jon"), leadId=lead.id)
    await api.post(LEADS + "Lead.Update", pairs(FirstName="Jon"), leadId=lead.id)
    await api.post(LEADS + "Lead.Update", pairs(FirstName="Jon"), leadId="no")
    sandbox.limit("lite", calls=1)
    await api.post(LEADS + "Lead.Update", pairs(FirstName="Jo"), leadId=lead.id)
    counts = sandbox.ledger.counts[LEADS + "Lead.Update"]
    assert (counts.made, counts.refused, counts.limited, counts.wasted) == (4, 2, 1, 1)
