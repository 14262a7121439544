"""The control API, the home page, and mishaps on demand."""

from base64 import b64encode
from typing import Any

import aiohttp
import pytest

from postroom.sandbox.microsoft import MicrosoftSandbox

from .conftest import CALLBACK, MAYA, OMAR, PRIVATE, Graph, letter

pytestmark = pytest.mark.asyncio
BOX = f"/sandbox/mailboxes/{MAYA}"


class Control:
    def __init__(self, session: aiohttp.ClientSession, origin: str) -> None:
        self.session = session
        self.origin = origin

    async def ask(self, verb: str, path: str, body: Any = None, status: int = 200) -> Any:
        async with self.session.request(verb, f"{self.origin}{path}", json=body) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json()


@pytest.fixture
def control(sandbox: MicrosoftSandbox, session: aiohttp.ClientSession, origin: str) -> Control:
    return Control(session, origin)


async def test_a_company_is_made_and_mail_moves(control: Control, sandbox: MicrosoftSandbox) -> None:
    await control.ask("POST", "/sandbox/reset", {})
    await control.ask("POST", "/sandbox/accounts", {"address": MAYA, "aliases": ["m@northwind.example"]})
    await control.ask("POST", "/sandbox/apps", {"redirect_uris": [CALLBACK]})
    made = await control.ask("POST", f"{BOX}/messages", {"raw": b64encode(letter()).decode()})
    moved = await control.ask("POST", f"{BOX}/messages/{made['immutableId']}/move", {"folder": "junkemail"})
    assert (moved["folder"], moved["immutableId"]) == ("junkemail", made["immutableId"])
    assert moved["id"] != made["id"]
    sent = await control.ask("POST", f"{BOX}/write", {"to": "a@b.example", "subject": "Out", "text": "x"})
    assert sent["folder"] == "sentitems"
    await control.ask("DELETE", f"{BOX}/messages/{made['id']}", status=404)
    await control.ask("DELETE", f"{BOX}/messages/{moved['id']}")
    listed = await control.ask("GET", f"{BOX}/messages")
    assert [entry["subject"] for entry in listed["messages"]] == ["Out"]
    tokens = await control.ask("POST", f"{BOX}/tokens", {})
    assert sandbox.tokens.find_access(tokens["access_token"])


async def test_what_happens_to_an_account(control: Control, sandbox: MicrosoftSandbox) -> None:
    for name in ("revoke", "change-password", "challenge", "expire-access", "expire-delta", "require-mfa"):
        await control.ask("POST", f"{BOX}/{name}", {})
    assert sandbox.accounts[MAYA].trouble == 50076
    await control.ask("POST", f"{BOX}/trouble", {"code": 0})
    assert sandbox.accounts[MAYA].trouble == 0
    assert await control.ask("POST", f"{BOX}/lifecycle", {"event": "missed"}) == {"sent": 0}


async def test_settings_limits_clock_and_stats(
    control: Control, sandbox: MicrosoftSandbox, graph: Graph
) -> None:
    changed = await control.ask("PATCH", "/sandbox/settings", {"plain_stays_text": True})
    assert changed["plain_stays_text"] is True
    await control.ask("PATCH", "/sandbox/settings", {"colour": 1}, status=400)
    assert (await control.ask("PUT", "/sandbox/limits", {"requests": 7}))["requests"] == 7
    before = sandbox.clock.now()
    await control.ask("POST", "/sandbox/clock", {"seconds": 60})
    assert sandbox.clock.now() >= before + 60
    await graph.get("/me")
    stats = await control.ask("GET", "/sandbox/stats")
    assert stats["users"][MAYA]["users.get"]["requests"] == 1
    assert (await control.ask("GET", "/sandbox/notifications"))["subscriptions"] == []


@pytest.mark.parametrize(("path", "body"), [("accounts", []), ("faults", {"kind": "earthquake"})])
async def test_mistakes_are_told(control: Control, path: str, body: Any) -> None:
    assert "error" in await control.ask("POST", f"/sandbox/{path}", body, status=400)


async def test_mail_goes_to_inboxes_and_bcc_stays_with_the_sender(sandbox: MicrosoftSandbox) -> None:
    raw = letter(from_address=MAYA, to=OMAR, bcc=PRIVATE)
    sent = sandbox.send(MAYA, raw)
    assert b"Bcc" in sent.mail.raw
    for address in (OMAR, PRIVATE):
        (copy,) = sandbox.mailbox(address).in_folder("inbox")
        assert b"Bcc" not in copy.mail.raw
        assert copy.mail.envelope.subject == "Hello"


async def test_replies_share_a_conversation(sandbox: MicrosoftSandbox) -> None:
    first = sandbox.deliver(MAYA, letter("Question"))
    reply = sandbox.send(MAYA, letter("Re: Question", in_reply_to=first.message_id.strip("<>")))
    other = sandbox.deliver(MAYA, letter("Another", in_reply_to=first.message_id.strip("<>")))
    assert reply.conversation == first.conversation != other.conversation


async def test_x500_names_stand_in_for_addresses_inside(sandbox: MicrosoftSandbox, graph: Graph) -> None:
    sandbox.accounts[OMAR].legacy_dn = "/O=EXCHANGELABS/OU=X/CN=RECIPIENTS/CN=OMAR"
    item = sandbox.deliver(MAYA, letter(from_address=OMAR))
    found = (await graph.get(f"/me/messages/{item.id}?$select=from,internetMessageHeaders")).json
    assert found["from"]["emailAddress"]["address"].startswith("/O=")
    assert any(OMAR in header["value"] for header in found["internetMessageHeaders"])


async def test_faults_act_on_what_they_name(sandbox: MicrosoftSandbox, graph: Graph) -> None:
    sandbox.fault("error", method="users.get", status=503, reason="ServiceNotAvailable", retry_after=9)
    answer = await graph.get("/me")
    assert (answer.status, answer.code, answer.headers["Retry-After"]) == (503, "ServiceNotAvailable", "9")
    assert (await graph.get("/me")).status == 200
    sandbox.fault("html", method="users.get", status=502)
    assert (await graph.get("/me")).headers["Content-Type"] == "text/html"
    for kind in ("drop", "truncate"):
        sandbox.fault(kind, method="messages.*", times=None)
        with pytest.raises(aiohttp.ClientError):
            await graph.get("/me/messages")
        sandbox.faults.clear()


async def test_pages_may_come_twice_and_shuffled(sandbox: MicrosoftSandbox, graph: Graph) -> None:
    made = {sandbox.deliver(MAYA, letter(str(n))).id for n in range(4)}
    sandbox.fault("duplicate", method="messages.delta")
    found = (await graph.get("/me/mailFolders/inbox/messages/delta")).ids
    assert (set(found), len(found)) == (made, 8)


async def test_the_home_page_plays_customer_and_rep(control: Control, sandbox: MicrosoftSandbox) -> None:
    async def submit(path: str, **form: str) -> str:
        async with control.session.post(f"{control.origin}/sandbox/pages/{path}", data=form) as answer:
            return await answer.text()

    home = await submit(
        "customer", from_name="P", from_address="p@x.example", to=MAYA, subject="<b>Hi</b>", body="x"
    )
    assert "&lt;b&gt;Hi&lt;/b&gt;" in home
    assert "Microsoft sandbox" in home
    (item,) = sandbox.mailbox(MAYA).in_folder("inbox")
    await submit("rep", **{"from": MAYA}, to="p@x.example", subject="Re: Hi", body="y")
    assert len(sandbox.mailbox(MAYA).in_folder("sentitems")) == 1
    await submit("move", address=MAYA, id=item.immutable_id, move="deleteditems")
    assert item.folder == "deleteditems"
    await submit("move", address=MAYA, id=item.immutable_id, move="delete")
    assert "gone" in await submit("move", address=MAYA, id=item.immutable_id, move="delete")
