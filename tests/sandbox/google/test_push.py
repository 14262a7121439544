"""Notifications, received by a real server that verifies them."""

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import jwt
import orjson
import pytest
import pytest_asyncio
from aiohttp import ClientSession, web

from postroom.sandbox.google import GoogleSandbox

from .conftest import MAYA, letter

AUDIENCE = "https://crm.example/push"


@dataclass
class Receiver:
    """A push endpoint that keeps what it gets and answers ``statuses`` in turn, then 204."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    requests: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)

    async def receive(self, request: web.Request) -> web.Response:
        self.requests.append((dict(request.headers), orjson.loads(await request.read())))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 204)

    def notifications(self) -> list[dict[str, Any]]:
        return [orjson.loads(b64decode(body["message"]["data"])) for _, body in self.requests]


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    app = web.Application()
    app.router.add_post("/push", made.receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/push"
    yield made
    await runner.cleanup()


@pytest_asyncio.fixture
async def address(sandbox: GoogleSandbox, receiver: Receiver) -> AsyncIterator[str]:
    """A served sandbox that notifies the receiver, without the pause of a second between notifications."""
    sandbox.subscribe(receiver.url, audience=AUDIENCE, min_interval=0, backoff=0.001)
    async with sandbox.serve() as origin:
        yield origin


async def _watch(sandbox: GoogleSandbox, origin: str, **options: Any) -> dict[str, Any]:
    token = sandbox.issue_tokens(MAYA).access_token
    body = {"topicName": "projects/sandbox/topics/mail"} | options
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        ClientSession(headers=headers) as session,
        session.post(f"{origin}/gmail/v1/users/me/watch", json=body) as answer,
    ):
        assert answer.status == 200, await answer.text()
        made = await answer.json()
    await sandbox.push.settle()
    return made


@pytest.mark.asyncio
async def test_a_change_is_notified_in_pubsubs_shape_and_signed(
    sandbox: GoogleSandbox, receiver: Receiver, address: str
) -> None:
    await _watch(sandbox, address)
    receiver.requests.clear()
    message = sandbox.deliver(MAYA, letter())
    await sandbox.push.settle()
    ((headers, body),) = receiver.requests
    assert receiver.notifications() == [{"emailAddress": MAYA, "historyId": message.history_id}]
    assert body["message"]["messageId"] == body["message"]["message_id"]
    assert body["message"]["publishTime"] == body["message"]["publish_time"]
    assert body["subscription"].startswith("projects/")
    claims = await asyncio.to_thread(_verify, address, headers["Authorization"])
    assert claims["email"] == sandbox.push.subscription.service_account
    assert claims["email_verified"] is True
    assert claims["exp"] - claims["iat"] == 3_600


def _verify(origin: str, authorization: str) -> dict[str, Any]:
    kind, _, token = authorization.partition(" ")
    assert kind == "Bearer"
    key = jwt.PyJWKClient(f"{origin}/oauth2/v3/certs").get_signing_key_from_jwt(token)
    return jwt.decode(token, key, ["RS256"], audience=AUDIENCE, issuer="https://accounts.google.com")


@pytest.mark.asyncio
async def test_a_watch_notifies_at_once(sandbox: GoogleSandbox, receiver: Receiver, address: str) -> None:
    made = await _watch(sandbox, address)
    assert receiver.notifications() == [{"emailAddress": MAYA, "historyId": int(made["historyId"])}]


@pytest.mark.asyncio
async def test_nothing_is_sent_unwatched_stopped_or_expired(
    sandbox: GoogleSandbox, receiver: Receiver, address: str
) -> None:
    sandbox.subscribe(receiver.url, min_interval=0, on_watch=False)
    sandbox.deliver(MAYA, letter("before any watch"))
    await _watch(sandbox, address)
    sandbox.push.stop_watching(MAYA, "sandbox.apps.googleusercontent.com")
    sandbox.deliver(MAYA, letter("after stop"))
    await _watch(sandbox, address)
    sandbox.clock.advance(7 * 86_400)
    sandbox.deliver(MAYA, letter("after seven days"))
    await sandbox.push.settle()
    assert receiver.requests == []


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("behaviour", "labels", "count"),
    [
        ("include", ["INBOX"], 1),
        ("include", ["SENT"], 0),
        ("exclude", ["INBOX"], 0),
        ("exclude", ["SENT"], 1),
    ],
)
async def test_labels_filter(
    sandbox: GoogleSandbox, receiver: Receiver, address: str, behaviour: str, labels: list[str], count: int
) -> None:
    sandbox.subscribe(receiver.url, min_interval=0, on_watch=False)
    await _watch(sandbox, address, labelIds=labels, labelFilterBehavior=behaviour)
    sandbox.deliver(MAYA, letter())
    await sandbox.push.settle()
    assert len(receiver.requests) == count


@pytest.mark.asyncio
async def test_it_tries_until_acknowledged(sandbox: GoogleSandbox, receiver: Receiver, address: str) -> None:
    receiver.statuses = [500, 429, 404]
    await _watch(sandbox, address)
    assert len(receiver.requests) == 4
    assert len({body["message"]["messageId"] for _, body in receiver.requests}) == 1
    assert sandbox.push.log[-1].outcome == "acknowledged"


@pytest.mark.asyncio
async def test_a_dead_endpoint_never_holds_up_delivery(sandbox: GoogleSandbox, address: str) -> None:
    sandbox.subscribe("http://127.0.0.1:9/", min_interval=0, attempts=2, backoff=0.001)
    await _watch(sandbox, address)
    assert sandbox.push.log[-1].outcome == "given up"
    assert sandbox.deliver(MAYA, letter()).id


@pytest.mark.asyncio
async def test_above_one_a_second_they_are_dropped(
    sandbox: GoogleSandbox, receiver: Receiver, address: str
) -> None:
    sandbox.subscribe(receiver.url, min_interval=3_600)
    await _watch(sandbox, address)
    sandbox.deliver(MAYA, letter())
    await sandbox.push.settle()
    assert len(receiver.requests) == 1
    assert sandbox.push.log[-1].outcome == "dropped"
    sandbox.clock.advance(3_600)
    sandbox.deliver(MAYA, letter())
    await sandbox.push.settle()
    assert len(receiver.requests) == 2


@pytest.mark.asyncio
async def test_or_gathered_into_one_that_comes_later(
    sandbox: GoogleSandbox, receiver: Receiver, address: str
) -> None:
    sandbox.subscribe(receiver.url, min_interval=0.05, too_soon="coalesce")
    await _watch(sandbox, address)
    for number in range(5):
        sandbox.deliver(MAYA, letter(f"Mail {number}"))
    await sandbox.push.settle()
    assert receiver.notifications()[-1]["historyId"] == sandbox.mailbox(MAYA).history_id
    assert len(receiver.requests) < 6


@pytest.mark.asyncio
async def test_lost_and_doubled_on_demand(sandbox: GoogleSandbox, receiver: Receiver, address: str) -> None:
    sandbox.subscribe(receiver.url, min_interval=0, on_watch=False, numeric_history_id=False)
    await _watch(sandbox, address)
    sandbox.fault("lose_push")
    sandbox.deliver(MAYA, letter())
    await sandbox.push.settle()
    assert receiver.requests == []
    sandbox.fault("duplicate_push")
    sandbox.deliver(MAYA, letter())
    await sandbox.push.settle()
    assert [type(n["historyId"]) for n in receiver.notifications()] == [str, str]
