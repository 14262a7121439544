"""A Microsoft of their own for these tests, served over a real socket from a thread."""

import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
import pytest
import pytest_asyncio
from aiohttp import web
from yarl import URL

from postroom.sandbox.google.compose import Letter, write
from postroom.sandbox.microsoft import MicrosoftSandbox
from postroom.sandbox.microsoft.oauth import DEFAULT_SCOPES

MAYA = "maya@northwind.example"
OMAR = "omar@northwind.example"
BOSS = "boss@northwind.example"
PRIVATE = "maya.private@outlook.example"
CALLBACK = "http://testserver/callback"


def letter(subject: str = "Hello", **options: Any) -> bytes:
    """A mail from a customer to Maya, unless told otherwise."""
    fields: dict[str, Any] = {"from_address": "priya@lighthouse.example", "to": MAYA, "text": "Good day."}
    wanted: dict[str, Any] = fields | {"subject": subject} | options
    return write(Letter(**wanted), time.time())


@dataclass(frozen=True)
class Answer:
    """What came over the wire."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def code(self) -> str:
        return self.json["error"]["code"]

    @property
    def ids(self) -> list[str]:
        return [entry["id"] for entry in self.json["value"]]


class Graph:
    """A plain HTTP client of one mailbox, with nothing of Postroom in it."""

    def __init__(self, session: aiohttp.ClientSession, origin: str, token: str) -> None:
        self.session = session
        self.origin = origin
        self.token = token

    async def ask(self, verb: str, path: str, prefer: str = "", json: Any = None) -> Answer:
        url = path if path.startswith("http") else f"{self.origin}/v1.0{path}"
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if prefer:
            headers["Prefer"] = prefer
        target = URL(url.replace(" ", "%20"), encoded=True)
        async with self.session.request(verb, target, headers=headers, json=json) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def get(self, path: str, prefer: str = "") -> Answer:
        return await self.ask("GET", path, prefer)

    async def post(self, path: str, json: Any, prefer: str = "") -> Answer:
        return await self.ask("POST", path, prefer, json)


@pytest.fixture(scope="package")
def _served() -> Iterator[tuple[MicrosoftSandbox, str]]:
    made = MicrosoftSandbox()
    with made.run() as origin:
        yield made, origin


@pytest.fixture
def sandbox(_served: tuple[MicrosoftSandbox, str]) -> MicrosoftSandbox:
    """As new; served for all these tests, because its signing keys cost most."""
    made, _ = _served
    made.reset()
    made.settings = type(made.settings)()
    made.add_account(
        MAYA, "Maya Lindqvist", aliases=["sales@northwind.example"], upn="maya.l@northwind.example"
    )
    made.add_account(OMAR, "Omar Haddad")
    made.add_account(BOSS, "Bo Strand", admin=True)
    made.add_account(PRIVATE, "Maya", personal=True)
    made.add_app(redirect_uris=[CALLBACK])
    return made


@pytest.fixture
def origin(_served: tuple[MicrosoftSandbox, str]) -> str:
    return _served[1]


@pytest_asyncio.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as made:
        yield made


@pytest.fixture
def graph(sandbox: MicrosoftSandbox, session: aiohttp.ClientSession, origin: str) -> Graph:
    """Maya's mailbox."""
    return Graph(session, origin, sandbox.issue_tokens(MAYA, DEFAULT_SCOPES).access_token)


class Webhook:
    """Answers the handshake and keeps what is posted to it."""

    def __init__(self) -> None:
        self.url = ""
        self.received: list[Any] = []
        self.handshakes: list[web.Request] = []
        self.spoil = ""

    async def handle(self, request: web.Request) -> web.Response:
        if token := request.query.get("validationToken"):
            self.handshakes.append(request)
            return web.Response(text=token + self.spoil, content_type="text/plain")
        self.received += (await request.json())["value"]
        return web.Response(status=202)


@pytest_asyncio.fixture
async def webhook() -> AsyncIterator[Webhook]:
    made, app = Webhook(), web.Application()
    app.router.add_post("/{path:.*}", made.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield made
    await runner.cleanup()
