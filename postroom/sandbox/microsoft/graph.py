"""Graph v1.0's endpoint: who asks, what may be asked, faults, limits, and the answer.

Sources: "Use the Microsoft Graph API" (paths, request-id and client-request-id), "Outlook mail API
overview", "Microsoft Graph permissions reference", "Limiting application permissions to specific Exchange
Online mailboxes", "Role Based Access Control for Applications in Exchange Online", "Claims challenges,
claims requests, and client capabilities". Names in paths may be written ``mailFolders('inbox')`` or
``mailFolders/inbox``, in any case.
"""

import asyncio
import re
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from uuid import uuid4

import orjson

from . import errors
from .accounts import Account
from .errors import GraphError
from .mailbox import Mailbox
from .oauth import Access
from .resource import Writer

if TYPE_CHECKING:
    from ..faults import Fault
    from .sandbox import MicrosoftSandbox

Json = dict[str, Any]
_KEY = re.compile(r"\('((?:[^']|'')*)'\)")
_PREFERENCE = re.compile(r'\s*([\w.\-]+)\s*(?:=\s*"?([^",;]*)"?)?\s*')
_MAIL = frozenset({"Mail.Read", "Mail.ReadWrite"})
_CLAIMS = b'{"access_token":{"nbf":{"essential":true,"value":"%d"}}}'


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One request, by itself or out of a batch."""

    verb: str
    path: str
    """Behind ``/v1.0``, still percent-encoded."""
    query: str
    headers: Mapping[str, str]
    """Lower-case names."""
    body: bytes
    origin: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Its answer; ``mishap`` is what a fault does to it on the wire."""

    status: int
    body: bytes
    headers: dict[str, str]
    mishap: str = ""


@dataclass(slots=True)
class Call:
    """Everything a method needs to answer."""

    sandbox: "MicrosoftSandbox"
    inquiry: Inquiry
    access: Access
    account: Account | None
    """Whose resources the path names; None for ``/subscriptions``."""
    names: tuple[str, ...]
    """From the path, outermost first."""
    prefer: dict[str, str]
    applied: list[str] = field(default_factory=list)
    """For Preference-Applied."""

    @property
    def owner(self) -> Account:
        """Whose resources the path names. Raises ``GraphError`` where it names nobody's."""
        if self.account is None:
            raise errors.not_found()
        return self.account

    @property
    def mailbox(self) -> Mailbox:
        if not self.owner.licensed:
            raise errors.no_mailbox()
        return self.sandbox.mailboxes[self.owner.address]

    def writer(self) -> Writer:
        if self.prefer.get("idtype", "").lower() == "immutableid":
            self.applied.append('IdType="ImmutableId"')
        if "outlook.body-content-type" in self.prefer:
            self.applied.append(f'outlook.body-content-type="{self.prefer["outlook.body-content-type"]}"')
        return Writer(self.sandbox, self.mailbox, self.prefer)

    def page_size(self) -> int | None:
        value = self.prefer.get("odata.maxpagesize", "")
        if not value.isdecimal() or not 1 <= int(value) <= 1000:
            return None
        self.applied.append(f"odata.maxpagesize={value}")
        return int(value)

    def url(self) -> str:
        """The address that was asked for, without its query."""
        return f"{self.inquiry.origin}/v1.0{self.inquiry.path}"

    def json(self) -> Json:
        try:
            value = orjson.loads(self.inquiry.body or b"{}")
        except orjson.JSONDecodeError:
            raise errors.bad_request("Unable to read JSON request payload.") from None
        if not isinstance(value, dict):
            raise errors.bad_request("Unable to read JSON request payload.")
        return value


Play = Callable[[Call], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Method:
    """One method of the API."""

    name: str
    verb: str
    pattern: re.Pattern[str]
    play: Play
    scopes: frozenset[str] = _MAIL
    """Any one of them suffices."""
    status: int = 200


async def respond(sandbox: "MicrosoftSandbox", methods: "tuple[Method, ...]", inquiry: Inquiry) -> Answer:
    """Answer one request, whatever happens."""
    request_id = str(uuid4())
    headers = {
        "request-id": request_id,
        "client-request-id": inquiry.headers.get("client-request-id", request_id),
        "OData-Version": "4.0",
        "Cache-Control": "private",
    }
    method, names, who = _find(methods, inquiry)
    name = method.name if method else "unknown"
    access = sandbox.tokens.find_access(inquiry.headers.get("authorization", "").partition(" ")[2])
    account = _account(sandbox, access, who)
    address = account.address if account else (access.account.address if access and access.account else "")
    faults = _faults(sandbox, name, inquiry.path, address)
    try:
        if method is None:
            raise errors.bad_request(f"Resource not found for the segment '{inquiry.path}'.")
        granted = _check(inquiry, access, account, who, method)
        call = Call(
            sandbox, inquiry, granted, account, names, _preferences(inquiry.headers.get("prefer", ""))
        )
        status, body, more = await _play(call, method, address, faults)
        answer = Answer(status, body, headers | more)
    except GraphError as refused:
        body = orjson.dumps(refused.body(request_id, headers["client-request-id"], sandbox.clock.now()))
        answer = Answer(
            refused.status, body, headers | {"Content-Type": "application/json"} | refused.headers
        )
    answer = _spoilt(answer, faults)
    sandbox.ledger.record(address, name, len(answer.body), answer.status)
    return answer


async def _play(
    call: Call, method: Method, address: str, faults: "list[Fault]"
) -> tuple[int, bytes, dict[str, str]]:
    sandbox, app = call.sandbox, call.access.app.client_id
    await asyncio.sleep(0)
    sandbox.ledger.enter(app, address)
    try:
        if wait := sandbox.settings.latency + sum(f.seconds for f in faults if f.kind == "latency"):
            await asyncio.sleep(wait)
        for fault in faults:
            if fault.kind == "error":
                raise errors.by_name(fault.status, fault.reason, fault.message, fault.retry_after)
        value = await method.play(call)
    finally:
        sandbox.ledger.leave(app, address)
    headers = {"Preference-Applied": ", ".join(call.applied)} if call.applied else {}
    if isinstance(value, tuple):
        content, kind = value
        return method.status, content, headers | {"Content-Type": kind}
    if value is None:
        return 204, b"", headers
    for fault in faults:
        if fault.kind in {"duplicate", "reorder"} and "value" in value:
            entries = list(value["value"]) * (2 if fault.kind == "duplicate" else 1)
            sandbox.random.shuffle(entries)
            value = value | {"value": entries}
    kind = (
        "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
    )
    return method.status, orjson.dumps(value), headers | {"Content-Type": kind}


def _find(methods: "tuple[Method, ...]", inquiry: Inquiry) -> tuple[Method | None, tuple[str, ...], str]:
    """The method, the names in its path, and whose resources it names ("me", or a name, or "")."""
    path = _KEY.sub(
        lambda found: "/" + found[1].replace("''", "'"), unquote(inquiry.path.replace("%2F", "%252F"))
    )
    path = path.replace("/microsoft.graph.delta()", "/delta").replace("/delta()", "/delta").rstrip("/")
    path = path.replace("%2F", "/") if "%2F" in path and "/messages/" not in path else path
    parts = path.split("/")
    who = ""
    if len(parts) > 1 and parts[1].lower() == "me":
        who, path = "me", "/" + "/".join(parts[2:])
    elif len(parts) > 2 and parts[1].lower() == "users":
        who, path = parts[2], "/" + "/".join(parts[3:])
    for method in methods:
        found = method.pattern.fullmatch(path)
        if (
            found
            and method.verb == inquiry.verb
            and bool(who) == (not method.name.startswith("subscriptions"))
        ):
            return method, tuple(found.groups()), who
    return None, (), who


def _account(sandbox: "MicrosoftSandbox", access: Access | None, who: str) -> Account | None:
    if access is None or not who:
        return None
    return access.account if who == "me" else sandbox.account_called(who)


def _check(
    inquiry: Inquiry,
    access: Access | None,
    account: Account | None,
    who: str,
    method: Method,
) -> Access:
    """The access that the request has. Raises ``GraphError`` for too little."""
    if not inquiry.headers.get("authorization"):
        raise errors.no_token()
    if access is None:
        raise errors.dead_token()
    person = access.account
    if person and access.issued <= person.blocked_before:
        raise errors.claims_challenge(b64encode(_CLAIMS % int(person.blocked_before)).decode())
    if who == "me" and person is None:
        message = "/me request is only valid with delegated authentication flow."
        raise errors.bad_request(message)
    by_role = person is None and _has_role(access, account, method)
    if not method.scopes & access.scopes and not by_role:
        raise errors.directory_denied() if method.name == "users.get" else GraphError(403)
    if not who:
        return access
    if account is None or account.tid != access.tenant:
        raise errors.no_user(who) if method.name == "users.get" else errors.no_mailbox_user(who)
    if person and account is not person:
        raise errors.directory_denied() if method.name == "users.get" else GraphError(403)
    allowed = access.app.allowed_mailboxes
    kept_out = allowed is not None and account.address not in allowed and not by_role
    if person is None and kept_out and method.name != "users.get":
        raise errors.blocked_by_policy()
    return access


def _has_role(access: Access, account: Account | None, method: Method) -> bool:
    """Whether Exchange lets the application read this mailbox, which its token does not show.

    Of a subscription, the mailbox is checked by its resource.
    """
    scope = access.app.scoped_mailboxes
    if scope is None or "Mail.Read" not in method.scopes:
        return False
    return account.address in scope if account else method.name.startswith("subscriptions")


def _preferences(value: str) -> dict[str, str]:
    """Prefer (RFC 7240) by lower-case name."""
    found = (_PREFERENCE.match(part) for part in value.split(","))
    return {each[1].lower(): each[2] or "" for each in found if each}


def _faults(sandbox: "MicrosoftSandbox", method: str, path: str, address: str) -> "list[Fault]":
    with sandbox.lock:
        return sandbox.faults.take(method, f"/v1.0{path}", address)


def _spoilt(answer: Answer, faults: "list[Fault]") -> Answer:
    for fault in faults:
        if fault.kind == "html":
            page = f"<html><body><h1>{fault.status}</h1>Our services aren't available right now</body></html>"
            return Answer(fault.status, page.encode(), {"Content-Type": "text/html"})
        if fault.kind == "garble":
            return Answer(fault.status, fault.body.encode(), {"Content-Type": fault.content_type})
        if fault.kind in {"truncate", "drop"}:
            return Answer(answer.status, answer.body, answer.headers, fault.kind)
    return answer
