"""Gmail's sandbox as a ``Mailroom``, and the parts that Gmail's own tests need."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import aiohttp

from postroom.providers.base import Client, OAuth, TokenSet
from postroom.providers.gmail.client import GmailClient
from postroom.providers.gmail.endpoints import Endpoints
from postroom.providers.gmail.oauth import SCOPES, GoogleOAuth
from postroom.providers.gmail.quota import Budget
from postroom.providers.gmail.source import GmailSource
from postroom.sandbox.google import GoogleSandbox
from tests.providers.contract import ADDRESS, ALIAS, STRANGER, Call, Fault, Folder, Mailroom

CLIENT = Client("client.apps.example", "client-secret")
CALLBACK = "http://testserver/oauth/google/callback/"
TOPIC = "projects/postroom/topics/gmail"
METHODS = {
    Call.START: "getProfile",
    Call.CHANGES: "history.list",
    Call.MESSAGE: "messages.get",
    Call.CONTENT: "messages.attachments.get",
    Call.ADDRESS: "getProfile",
    Call.ALIASES: "settings.sendAs.list",
    Call.WATCH: "watch",
    Call.UNWATCH: "stop",
}
LABELS = {
    Folder.INBOX: ["UNREAD", "INBOX"],
    Folder.SENT: ["SENT"],
    Folder.DRAFTS: ["DRAFT"],
    Folder.SPAM: ["UNREAD", "SPAM"],
    Folder.TRASH: ["TRASH"],
    Folder.ARCHIVE: ["UNREAD"],
}
MOVES: dict[Folder, Callable[[GoogleSandbox, str, str], object]] = {
    Folder.INBOX: GoogleSandbox.to_inbox,
    Folder.SPAM: GoogleSandbox.spam,
    Folder.TRASH: GoogleSandbox.trash,
    Folder.ARCHIVE: GoogleSandbox.archive,
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


def prepare(sandbox: GoogleSandbox) -> None:
    sandbox.add_client(CLIENT.id, CLIENT.secret, [CALLBACK], project="postroom")
    sandbox.add_account(ADDRESS, "Rita Rossi", aliases=[ALIAS], pending_aliases=[STRANGER])


class GmailRoom(Mailroom):
    """Rita's mailbox."""

    def __init__(self, google: GoogleSandbox, origin: str, session: aiohttp.ClientSession) -> None:
        self.google = google
        self.endpoints = Endpoints.at(origin)
        self.session = session
        self.oauth = GoogleOAuth(session, CLIENT, self.endpoints)
        self.clock = Clock()

    def tokens(self) -> HeldTokens:
        issued = self.google.issue_tokens(ADDRESS, SCOPES)
        expires = datetime.now(UTC) + timedelta(hours=1)
        return HeldTokens(self.oauth, TokenSet(issued.access_token, expires, issued.refresh_token))

    def client(self, units_per_minute: int = 0) -> GmailClient:
        budget = Budget(units_per_minute, clock=self.clock, sleep=self.clock.sleep)
        return GmailClient(self.session, self.tokens(), self.endpoints, budget)

    def source(self, units_per_minute: int = 0) -> GmailSource:
        return GmailSource(self.client(units_per_minute), TOPIC)

    def source_without_push(self) -> GmailSource:
        return GmailSource(self.client(), "")

    def deliver(self, raw: bytes, folder: Folder = Folder.INBOX, at: datetime | None = None) -> str:
        moment = None if at is None else round(at.timestamp() * 1000)
        return self.google.deliver(ADDRESS, raw, LABELS[folder], moment).id

    def send(self, raw: bytes) -> str:
        return self.google.send(ADDRESS, raw).id

    def move(self, id: str, folder: Folder) -> None:
        MOVES[folder](self.google, ADDRESS, id)

    def delete(self, id: str) -> None:
        self.google.delete(ADDRESS, id)

    def expire_cursor(self) -> None:
        self.google.expire_history(ADDRESS)

    def expire_access(self) -> None:
        self.google.tokens.expire_access(ADDRESS)

    def revoke(self) -> None:
        self.google.revoke(ADDRESS)

    def fault(self, fault: Fault, call: Call, times: int | None = 1, wait: int | None = None) -> None:
        kinds: dict[Fault, dict[str, object]] = {
            Fault.THROTTLED: {
                "kind": "error",
                "status": 429,
                "reason": "rateLimitExceeded",
                "retry_after": wait,
            },
            Fault.UNAVAILABLE: {"kind": "error", "status": 503},
            Fault.PAGE: {"kind": "html", "status": 502},
            Fault.TRUNCATED: {"kind": "truncate"},
            Fault.DROPPED: {"kind": "drop"},
        }
        self.google.fault(**kinds[fault], method=METHODS[call], times=times)  # type: ignore[arg-type]

    def garble(
        self, call: Call, body: str, status: int = 200, content_type: str = "application/json"
    ) -> None:
        self.google.fault("garble", method=METHODS[call], body=body, status=status, content_type=content_type)

    def requests(self) -> int:
        return self.google.received

    def allow_at_once(self, requests: int) -> None:
        self.google.limit("off", concurrent=requests)

    def is_watched(self) -> bool:
        return bool(self.google.push.watches.get(ADDRESS))
