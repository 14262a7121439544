"""A LeadSquared of their own for these tests, served over a real socket from a thread."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
import pytest
import pytest_asyncio

from postroom.sandbox.leadsquared import WELL_KNOWN, ActivityType, FieldOfType, LeadSquaredSandbox

JOHN = "john.smith@acmeconsulting.co"
RITA = "rita@northwind.example"
KEYS = {"x-LSQ-AccessKey": WELL_KNOWN[0], "x-LSQ-SecretKey": WELL_KNOWN[1]}
LEADS = "LeadManagement.svc/"
ACTIVITIES = "ProspectActivity.svc/"


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
    def kind(self) -> str:
        assert set(self.json) == {"Status", "ExceptionType", "ExceptionMessage"}
        assert self.json["Status"] == "Error"
        return self.json["ExceptionType"]


class Api:
    """A plain HTTP client of the API, with nothing of Postroom in it."""

    def __init__(self, session: aiohttp.ClientSession, origin: str) -> None:
        self.session = session
        self.origin = origin

    async def ask(
        self, verb: str, path: str, body: Any = None, headers: dict[str, str] | None = None, **query: str
    ) -> Answer:
        data = body if isinstance(body, bytes) or body is None else orjson.dumps(body)
        more = {"Content-Type": "application/json"} | (KEYS if headers is None else headers)
        url = f"{self.origin}/v2/{path}"
        async with self.session.request(verb, url, data=data, headers=more, params=query) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def get(self, path: str, **query: str) -> Answer:
        return await self.ask("GET", path, None, None, **query)

    async def post(self, path: str, body: Any, **query: str) -> Answer:
        return await self.ask("POST", path, body, None, **query)


@pytest.fixture(scope="package")
def _served() -> Iterator[tuple[LeadSquaredSandbox, str]]:
    made = LeadSquaredSandbox()
    with made.run() as origin:
        yield made, origin


@pytest.fixture
def sandbox(_served: tuple[LeadSquaredSandbox, str]) -> LeadSquaredSandbox:
    """As new, with keys of an administrator, and a sales user."""
    made, _ = _served
    made.reset()
    made.settings = type(made.settings)()
    made.add_key()
    made.add_user(RITA, "Rita Rossi")
    return made


@pytest.fixture
def origin(_served: tuple[LeadSquaredSandbox, str]) -> str:
    return _served[1]


@pytest_asyncio.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as made:
        yield made


@pytest.fixture
def api(sandbox: LeadSquaredSandbox, session: aiohttp.ClientSession, origin: str) -> Api:
    return Api(session, origin)


@pytest.fixture
def email_sent(sandbox: LeadSquaredSandbox) -> ActivityType:
    """A custom activity type with four fields, one of each common kind."""
    fields = [
        FieldOfType("mx_Custom_1", "Subject"),
        FieldOfType("mx_Custom_2", "Size", "Number"),
        FieldOfType("mx_Custom_3", "Folder", "SearchableDropdown", options=("Inbox", "Sent")),
        FieldOfType("mx_Custom_4", "Sent on", "DateTime"),
    ]
    return sandbox.add_activity_type("Email Sent", fields, outbound=True, score=5)


def pairs(**values: str) -> list[dict[str, str]]:
    """A lead as requests write it."""
    return [{"Attribute": name, "Value": value} for name, value in values.items()]
