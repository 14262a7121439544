"""Outlook's sandbox as a ``Mailroom``, and the parts that Outlook's own tests need."""

import asyncio
from datetime import UTC, datetime, timedelta

import aiohttp
from aiohttp import web

from postroom.providers.base import Client, OAuth, TokenSet
from postroom.providers.held_tokens import TokenTable
from postroom.providers.outlook.client import GraphClient
from postroom.providers.outlook.endpoints import Endpoints
from postroom.providers.outlook.notifications import Push, client_state
from postroom.providers.outlook.oauth import SCOPES, AppTokens, MicrosoftOAuth
from postroom.providers.outlook.quota import Pace
from postroom.providers.outlook.source import OutlookSource
from postroom.sandbox.microsoft import MicrosoftSandbox
from tests.providers.contract import ADDRESS, ALIAS, Call, Fault, Folder, Mailroom

CLIENT = Client("5a1c2f0e-7c1d-4b6e-9a55-0d6f5e1a9b10", "sandbox~secret")
CALLBACK = "http://testserver/oauth/microsoft/callback/"
STATE = client_state(b"a secret of the deployment", "1")
METHODS = {
    Call.START: "messages.delta",
    Call.CHANGES: "messages.delta",
    Call.MESSAGE: "messages.get",
    Call.CONTENT: "attachments.value",
    Call.ADDRESS: "users.get",
    Call.ALIASES: "users.get",
    Call.WATCH: "subscriptions.list",
    Call.UNWATCH: "subscriptions.list",
}
FOLDERS = {
    Folder.INBOX: "inbox",
    Folder.SENT: "sentitems",
    Folder.DRAFTS: "drafts",
    Folder.SPAM: "junkemail",
    Folder.TRASH: "deleteditems",
    Folder.ARCHIVE: "archive",
}


class HeldTokens:
    """The ``Tokens`` port in memory."""

    def __init__(self, oauth: OAuth, tokens: TokenSet) -> None:
        self._oauth = oauth
        self._tokens = tokens
        self._turn = asyncio.Lock()

    async def access_token(self, rejected: str = "") -> str:
        async with self._turn:
            if self._tokens.access_token == rejected:
                fresh = await self._oauth.refresh(self._tokens.refresh_token)
                self._tokens = TokenSet(
                    fresh.access_token, fresh.expires_at, fresh.refresh_token or self._tokens.refresh_token
                )
            return self._tokens.access_token


class Clock:
    """Seconds that pass only by sleeping, which takes no time."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Intake:
    """A web address that answers the handshake and keeps what is posted to it."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.deaf = False

    async def handle(self, request: web.Request) -> web.Response:
        if self.deaf:
            return web.Response(status=500)
        if token := request.query.get("validationToken"):
            return web.Response(text=token, content_type="text/plain")
        self.bodies.append(await request.read())
        return web.Response(status=202)


def prepare(sandbox: MicrosoftSandbox) -> None:
    sandbox.add_app(CLIENT.id, CLIENT.secret, [CALLBACK])
    sandbox.add_account(ADDRESS, "Rita Rossi", upn="rita.rossi@northwind.example", aliases=[ALIAS])


class OutlookRoom(Mailroom):
    """Rita's mailbox."""

    def __init__(
        self, microsoft: MicrosoftSandbox, origin: str, session: aiohttp.ClientSession, intake: str = ""
    ) -> None:
        self.microsoft = microsoft
        self.origin = origin
        self.endpoints = Endpoints.at(origin)
        self.session = session
        self.oauth = MicrosoftOAuth(session, CLIENT, self.endpoints)
        self.clock = Clock()
        self.table = TokenTable()
        self.push = Push(intake or f"{origin}/nowhere", STATE)

    def tokens(self, address: str = ADDRESS) -> HeldTokens:
        issued = self.microsoft.issue_tokens(address, SCOPES)
        expires = datetime.now(UTC) + timedelta(hours=1)
        return HeldTokens(self.oauth, TokenSet(issued.access_token, expires, issued.refresh_token))

    def client(self) -> GraphClient:
        pace = Pace(clock=self.clock, sleep=self.clock.sleep)
        return GraphClient(self.session, self.tokens(), self.endpoints, pace)

    def source(self) -> OutlookSource:
        return OutlookSource(self.client(), self.push)

    def source_without_push(self) -> OutlookSource:
        return OutlookSource(self.client(), None)

    def application_source(self, user: str = ADDRESS, tenant: str = "northwind.example") -> OutlookSource:
        """The mailbox as the application itself reads it, with nobody signed in."""
        endpoints = Endpoints.at(self.origin, tenant)
        tokens = AppTokens(MicrosoftOAuth(self.session, CLIENT, endpoints), self.table)
        pace = Pace(clock=self.clock, sleep=self.clock.sleep)
        return OutlookSource(GraphClient(self.session, tokens, endpoints, pace, user), self.push)

    def deliver(self, raw: bytes, folder: Folder = Folder.INBOX, at: datetime | None = None) -> str:
        moment = None if at is None else at.timestamp()
        return self.microsoft.deliver(ADDRESS, raw, FOLDERS[folder], moment).immutable_id

    def send(self, raw: bytes) -> str:
        return self.microsoft.send(ADDRESS, raw).immutable_id

    def move(self, id: str, folder: Folder) -> None:
        self.microsoft.move(ADDRESS, id, FOLDERS[folder])

    def delete(self, id: str) -> None:
        self.microsoft.delete(ADDRESS, id)

    def expire_cursor(self) -> None:
        self.microsoft.expire_delta(ADDRESS)

    def expire_access(self) -> None:
        self.microsoft.expire_access(ADDRESS)

    def revoke(self) -> None:
        """Entra lets an access token that is out live on to its end, an hour at the most."""
        self.microsoft.revoke(ADDRESS)
        self.microsoft.expire_access(ADDRESS)

    def fault(self, fault: Fault, call: Call, times: int | None = 1, wait: int | None = None) -> None:
        kinds: dict[Fault, dict[str, object]] = {
            Fault.THROTTLED: {
                "kind": "error",
                "status": 429,
                "reason": "ApplicationThrottled",
                "retry_after": wait,
            },
            Fault.UNAVAILABLE: {"kind": "error", "status": 503},
            Fault.PAGE: {"kind": "html", "status": 502},
            Fault.TRUNCATED: {"kind": "truncate"},
            Fault.DROPPED: {"kind": "drop"},
        }
        self.microsoft.fault(**kinds[fault], method=METHODS[call], times=times)  # type: ignore[arg-type]

    def garble(
        self, call: Call, body: str, status: int = 200, content_type: str = "application/json"
    ) -> None:
        self.microsoft.fault(
            "garble", method=METHODS[call], body=body, status=status, content_type=content_type
        )

    def requests(self) -> int:
        return self.microsoft.received

    def allow_at_once(self, requests: int) -> None:
        self.microsoft.limit(concurrent=requests)

    def is_watched(self) -> bool:
        return bool(self.microsoft.notifier.live(ADDRESS))
