"""The Gmail API's front door: finds the method, checks who calls, counts units, lets faults happen.

Order of refusals as at Google: unknown path, credentials, scopes, delegation, quota, parameters.
"""

import asyncio
import zlib
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote

import orjson
from aiohttp import web

from ..faults import Fault
from ..server import break_connection
from . import errors
from .calls import Call, Method, read_query
from .errors import ApiError
from .methods import METHODS, finish
from .oauth import Access

if TYPE_CHECKING:
    from .sandbox import GoogleSandbox

_PREFIX = "/gmail/v1/users/"
_JSON = {"Content-Type": "application/json; charset=UTF-8", "Cache-Control": "private"}
_ENTRIES = ("messages", "history", "threads")
_FRONTEND_PAGE = (
    "<!DOCTYPE html>\n<html lang=en>\n<meta charset=utf-8>\n<title>Error {status}</title>\n"
    "<p><b>{status}.</b> That’s an error.\n<p>{words}  <ins>That’s all we know.</ins>\n"
)


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A request, free of the web framework."""

    verb: str
    path: str
    """Decoded."""
    query: str
    """As sent, without the question mark."""
    authorization: str
    body: bytes = b""


@dataclass(slots=True)
class Answer:
    """What goes back, and what should go wrong on the way."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=lambda: dict(_JSON))
    wire: str = ""
    """"drop" or "truncate"."""


def routes(sandbox: "GoogleSandbox") -> list[web.RouteDef]:
    async def handle(request: web.Request) -> web.StreamResponse:
        raw_path, _, query = request.raw_path.partition("?")
        path = unquote(raw_path) if "%" in raw_path else raw_path
        body = await request.read() if request.can_read_body else b""
        authorization = request.headers.get("Authorization", "")
        answer = await respond(sandbox, Inquiry(request.method, path, query, authorization, body))
        if sandbox.settings.gzip and _wants_gzip(request):
            _compress(answer)
        if answer.wire:
            halfway = answer.wire == "truncate"
            return await break_connection(
                request, answer.status, answer.headers, answer.body, halfway=halfway
            )
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)

    return [web.route("*", _PREFIX + "{tail:.*}", handle)]


async def respond(sandbox: "GoogleSandbox", inquiry: Inquiry) -> Answer:
    """Answer one call, in full: also used by the batch endpoint."""
    method, user, ids = resolve(inquiry.verb, inquiry.path)
    if method is None:
        return _frontend_error(
            404, f"The requested URL <code>{escape(inquiry.path)}</code> was not found on this server."
        )
    try:
        access = _authenticate(sandbox, inquiry)
    except ApiError as error:
        return _refusal(error)
    address = access.grant.account.address
    with sandbox.lock:
        faults = sandbox.faults.take(method.name, inquiry.path, address)
    try:
        sandbox.ledger.enter(address)
    except ApiError as error:
        return _recorded(sandbox, address, method, 0, _refusal(error))
    try:
        pause = sandbox.settings.latency + sum(f.seconds for f in faults if f.kind == "latency")
        if pause:
            await asyncio.sleep(pause)
        with sandbox.lock:
            return _answer(sandbox, inquiry, method, user, ids, access, faults)
    finally:
        sandbox.ledger.leave(address)


def resolve(verb: str, path: str) -> tuple[Method | None, str, tuple[str, ...]]:
    """The method, the ``userId``, and the ids in a path."""
    user, _, rest = path.removeprefix(_PREFIX).partition("/")
    steps = rest.split("/")
    if method := METHODS.get((verb, rest)):
        return method, user, ()
    pattern = "/".join("*" if position % 2 else step for position, step in enumerate(steps))
    return METHODS.get((verb, pattern)), user, tuple(steps[1::2])


def _answer(
    sandbox: "GoogleSandbox",
    inquiry: Inquiry,
    method: Method,
    user: str,
    ids: tuple[str, ...],
    access: Access,
    faults: list[Fault],
) -> Answer:
    address = access.grant.account.address
    client = access.grant.client
    units = 0
    try:
        _check_access(method, user, access)
        units = sandbox.ledger.charge(client.project or client.client_id, address, method.name)
        _raise_fault(faults)
        query = read_query(inquiry.query, method)
        mailbox = sandbox.mailboxes[address]
        call = Call(sandbox, access.grant.account, client, access.scopes, mailbox, ids, query, inquiry.body)
        body = finish(method.play(call), query.mask, pretty=query.pretty)
    except ApiError as error:
        return _recorded(sandbox, address, method, units, _refusal(error))
    answer = Answer(200 if body else 204, body)
    for fault in faults:
        _spoil(sandbox, fault, answer)
    return _recorded(sandbox, address, method, units, answer)


def _authenticate(sandbox: "GoogleSandbox", inquiry: Inquiry) -> Access:
    kind, _, token = inquiry.authorization.partition(" ")
    if kind.lower() != "bearer":
        token = _token_in_query(inquiry.query) if "token=" in inquiry.query else ""
    if not token:
        raise errors.missing_credentials()
    access = sandbox.tokens.find_access(token)
    if access is None:
        raise errors.invalid_credentials()
    return access


def _token_in_query(query: str) -> str:
    values = parse_qs(query)
    return (values.get("access_token") or values.get("oauth_token") or [""])[0]


def _check_access(method: Method, user: str, access: Access) -> None:
    if method.scopes.isdisjoint(access.scopes):
        raise errors.insufficient_scopes(_internal_name(method.name), sorted(method.scopes))
    if user != "me" and user.lower() != access.grant.account.address:
        raise errors.delegation_denied(access.grant.account.address)


@lru_cache(64)
def _internal_name(name: str) -> str:
    """The method as Google's error details name it."""
    words = name.split(".")
    verb, noun = words[-1], "".join(word[:1].upper() + word[1:] for word in words[:-1])
    return f"caribou.api.proto.MailboxService.{verb[:1].upper()}{verb[1:]}{noun}"


def _raise_fault(faults: list[Fault]) -> None:
    for fault in faults:
        if fault.kind == "error":
            raise errors.by_name(fault.status, fault.reason, fault.message, fault.retry_after)


def _spoil(sandbox: "GoogleSandbox", fault: Fault, answer: Answer) -> None:
    """Let a fault act on a good answer."""
    if fault.kind in ("drop", "truncate"):
        answer.wire = fault.kind
    elif fault.kind == "html":
        page = _frontend_error(fault.status, "The server encountered a temporary error.")
        answer.status, answer.body, answer.headers = page.status, page.body, page.headers
    elif fault.kind == "garble":
        answer.status, answer.body = fault.status, fault.body.encode("utf-8", "surrogateescape")
        answer.headers = {"Content-Type": fault.content_type}
    elif fault.kind in ("duplicate", "reorder") and answer.body:
        answer.body = _disturbed(sandbox, fault.kind, answer.body)


def _disturbed(sandbox: "GoogleSandbox", kind: str, body: bytes) -> bytes:
    document = orjson.loads(body)
    for name in _ENTRIES:
        entries = document.get(name)
        if isinstance(entries, list) and kind == "duplicate":
            document[name] = [entry for entry in entries for _ in range(2)]
        elif isinstance(entries, list):
            sandbox.random.shuffle(entries)
    return orjson.dumps(document)


def _recorded(sandbox: "GoogleSandbox", address: str, method: Method, units: int, answer: Answer) -> Answer:
    sandbox.ledger.record(address, method.name, units, len(answer.body), answer.status)
    return answer


def _refusal(error: ApiError) -> Answer:
    return Answer(error.code, error.body(), _JSON | error.headers)


def _frontend_error(status: int, words: str) -> Answer:
    page = _FRONTEND_PAGE.format(status=status, words=words).encode()
    return Answer(status, page, {"Content-Type": "text/html; charset=UTF-8"})


def _wants_gzip(request: web.Request) -> bool:
    """Both headers must say so ("Performance tips")."""
    headers = request.headers
    return "gzip" in headers.get("Accept-Encoding", "") and "gzip" in headers.get("User-Agent", "")


def _compress(answer: Answer) -> None:
    """Fast rather than small: a test's machine is the server as well."""
    if answer.body:
        packer = zlib.compressobj(level=1, wbits=31)
        answer.body = packer.compress(answer.body) + packer.flush()
        answer.headers = answer.headers | {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
