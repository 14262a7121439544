"""The control API and the home page."""

import asyncio
from typing import Any

import aiohttp
import pytest

from postroom.sandbox.__main__ import _options, prepare
from postroom.sandbox.leadsquared import ActivityType, LeadSquaredSandbox

from .conftest import ACTIVITIES, JOHN, RITA, Api

pytestmark = pytest.mark.asyncio


class Control:
    def __init__(self, session: aiohttp.ClientSession, origin: str) -> None:
        self.session = session
        self.origin = origin

    async def ask(self, verb: str, path: str, body: Any = None, status: int = 200) -> Any:
        async with self.session.request(verb, f"{self.origin}/sandbox/{path}", json=body) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json()

    async def submit(self, path: str, **form: str) -> str:
        async with self.session.post(f"{self.origin}/sandbox/pages/{path}", data=form) as answer:
            return await answer.text()


@pytest.fixture
def control(sandbox: LeadSquaredSandbox, session: aiohttp.ClientSession, origin: str) -> Control:
    return Control(session, origin)


async def test_an_account_is_made_by_json(control: Control, api: Api) -> None:
    await control.ask("POST", "reset", {})
    await control.ask("POST", "users", {"email": RITA, "name": "Rita Rossi", "role": "Administrator"})
    key = await control.ask("POST", "keys", {"access": "a", "secret": "s", "user": RITA})
    assert key == {"access": "a", "secret": "s", "user": RITA}
    fields = [{"schema": "mx_Custom_1", "display": "Subject"}]
    kind = await control.ask("POST", "activity-types", {"name": "Email Sent", "code": 212, "fields": fields})
    lead = await control.ask("POST", "leads", {"email": JOHN, "owner": RITA, "FirstName": "John"})
    assert (lead["activities"], lead["owner"], lead["values"]["FirstName"]) == (0, RITA, "John")
    headers = {"x-LSQ-AccessKey": "a", "x-LSQ-SecretKey": "s"}
    body = {"RelatedProspectId": lead["id"], "ActivityEvent": kind["code"], "ActivityNote": "n"}
    body |= {
        "ActivityDateTime": "2026-01-01 00:00:00",
        "Fields": [{"SchemaName": "mx_Custom_1", "Value": "v"}],
    }
    for _ in range(2):
        assert (await api.ask("POST", ACTIVITIES + "Create", body, headers)).status == 200
    listed = await control.ask("GET", "activities")
    assert listed["total"] == 2
    assert listed["doubles"] == [{"email": JOHN, "code": 212, "note": "n", "times": 2}]
    (first, _) = (await control.ask("GET", f"leads/{JOHN}/activities"))["activities"]
    assert (first["code"], first["note"], first["values"]) == (212, "n", {"mx_Custom_1": "v"})
    assert first["moment"] == "2026-01-01 00:00:00"
    (counted,) = (await control.ask("GET", "leads"))["leads"]
    assert counted["activities"] == 2


async def test_activities_can_be_waited_for(
    control: Control, api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType
) -> None:
    assert (await control.ask("GET", "activities?at_least=1&seconds=0"))["total"] == 0
    waiting = asyncio.ensure_future(control.ask("GET", "activities?at_least=1"))
    body = {"RelatedProspectId": sandbox.add_lead(JOHN).id, "ActivityEvent": email_sent.code}
    await api.post(ACTIVITIES + "Create", body)
    assert (await waiting)["total"] == 1


async def test_leads_change_and_go_in_the_crm(control: Control, sandbox: LeadSquaredSandbox) -> None:
    sandbox.add_lead(JOHN)
    changed = await control.ask("PATCH", f"leads/{JOHN}", {"Company": "Acme"})
    assert changed["values"]["Company"] == "Acme"
    await control.ask("DELETE", f"leads/{JOHN}")
    await control.ask("DELETE", f"leads/{JOHN}", status=404)
    await control.ask(
        "POST", "lead-fields", {"schema": "mx_Tier", "data_type": "Select", "options": ["Gold"]}
    )
    assert sandbox.leads.field("mx_Tier").options == ("Gold",)


async def test_keys_settings_limits_clock_and_stats(
    control: Control, api: Api, sandbox: LeadSquaredSandbox
) -> None:
    access = next(iter(sandbox.keys))
    await control.ask("POST", f"keys/{access}/revoke", {})
    assert (await api.get("UserManagement.svc/Users.Get")).status == 401
    await control.ask("POST", f"keys/{access}/restore", {})
    assert (await control.ask("PUT", "limits", {"plan": "super"}))["calls"] == 20
    assert (await control.ask("PATCH", "settings", {"longest_note": 9}))["limits"]["plan"] == "super"
    await control.ask("PATCH", "settings", {"colour": 1}, status=400)
    before = sandbox.clock.now()
    await control.ask("POST", "clock", {"seconds": 60})
    assert sandbox.clock.now() >= before + 60
    await api.get("UserManagement.svc/Users.Get")
    stats = await control.ask("GET", "stats")
    assert (stats["total"]["made"], stats["total"]["refused"]) == (2, 1)
    await control.ask("DELETE", "stats")
    assert (await control.ask("GET", "stats"))["total"]["made"] == 0


async def test_faults_come_and_go(control: Control) -> None:
    made = await control.ask("POST", "faults", {"kind": "lose_answer", "times": 3})
    assert [fault["id"] for fault in (await control.ask("GET", "faults"))["faults"]] == [made["id"]]
    await control.ask("DELETE", f"faults/{made['id']}")
    assert await control.ask("GET", "faults") == {"faults": []}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("users", []),
        ("users", {"email": "a@x.example", "role": "King"}),
        ("faults", {"kind": "earthquake"}),
        ("limits", {"plan": "platinum"}),
        ("activity-types", {"name": "T", "fields": [{"schema": "mx_City", "display": "C"}]}),
        ("leads", {"email": ""}),
    ],
)
async def test_mistakes_are_told(control: Control, path: str, body: Any) -> None:
    verb = "PUT" if path == "limits" else "POST"
    assert "error" in await control.ask(verb, path, body, status=400)


async def test_the_home_page_shows_leads_with_their_activities(
    control: Control, api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType
) -> None:
    assert "No leads yet" in await control.submit("mishap", name="none")
    page = await control.submit("lead", first="<b>John</b>", email=JOHN, company="Acme")
    assert "&lt;b&gt;John&lt;/b&gt; is a lead now." in page
    body = {"RelatedProspectId": sandbox.lead(JOHN).id, "ActivityEvent": email_sent.code}
    for number in range(10):
        more = {"ActivityNote": f"note {number}", "Fields": [{"SchemaName": "mx_Custom_1", "Value": "<i>"}]}
        await api.post(ACTIVITIES + "Create", body | more)
    page = await control.submit("limit", plan="pro")
    assert "and 2 older" in page
    assert "<dt>Subject</dt><dd>&lt;i&gt;</dd>" in page
    assert sandbox.ledger.limits.plan == "pro"
    page = await control.submit("lead", email=JOHN)
    assert "A Lead with same Email already exists." in page


async def test_the_home_page_lets_things_go_wrong(control: Control, sandbox: LeadSquaredSandbox) -> None:
    page = await control.submit("mishap", name="half")
    assert "error on *, until cleared, 50% of calls" in page
    await control.submit("mishap", name="lose")
    assert [fault.kind for fault in sandbox.faults.waiting] == ["error", "lose_answer"]
    assert "Nothing goes wrong any more." in await control.submit("mishap", name="none")
    assert sandbox.faults.waiting == []
    assert "No such mishap." in await control.submit("mishap", name="flood")
    assert "No such plan." in await control.submit("limit", plan="platinum")


async def test_the_command_line_prepares_one() -> None:
    arguments = ["leadsquared", "--account", f"Rita Rossi <{RITA}>", "--admin", "Bo <bo@x.example>"]
    made = prepare(
        _options().parse_args([*arguments, "--client-id", "a", "--client-secret", "s", "--plan", "pro"])
    )
    assert isinstance(made, LeadSquaredSandbox)
    assert made.users[RITA].name == "Rita Rossi"
    assert made.users["bo@x.example"].role == "Administrator"
    assert made.keys["a"].opens("s")
    assert made.ledger.limits.plan == "pro"
