"""One call of the API: who calls, what may be called, faults, limits, the answer.

Sources: "Authentication" (the keys as query parameters or as the headers ``x-LSQ-AccessKey`` and
``x-LSQ-SecretKey``), "API Host", "Error Handling", "Rate Limits". Left open and chosen: paths and the names
of query parameters may be written in any case; headers win over query parameters; what does not exist is
answered with the service's HTML page rather than with JSON.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from . import errors
from .errors import LsqError
from .people import User

if TYPE_CHECKING:
    from ..faults import Fault
    from .sandbox import LeadSquaredSandbox

_JSON = {"Content-Type": "application/json; charset=utf-8"}
_HTML = {"Content-Type": "text/html; charset=UTF-8"}
_KINDS = (
    "error",
    "html",
    "garble",
    "latency",
    "truncate",
    "drop",
    "lose_answer",
    "late_error",
    "duplicate",
    "reorder",
)
_UNHEARD = frozenset({"truncate", "lose_answer", "late_error"})
_LISTS = ("Leads", "ProspectActivities", "List")


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One request."""

    verb: str
    path: str
    """Behind ``/v2/``, decoded."""
    query: Mapping[str, str]
    """Lower-case names."""
    headers: Mapping[str, str]
    """Lower-case names."""
    body: bytes
    origin: str


@dataclass(slots=True)
class Answer:
    """Its answer; ``mishap`` is what a fault does to it on the wire ("drop" or "truncate")."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    mishap: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """Everything a method needs to answer."""

    sandbox: "LeadSquaredSandbox"
    user: User
    """Whose keys they are."""
    query: Mapping[str, str]
    body: Any
    """The JSON that came, or None."""
    origin: str

    @property
    def now(self) -> float:
        return self.sandbox.clock.now()

    def asked(self, name: str, purpose: str) -> str:
        """A query parameter that must be there. Raises ``LsqError``."""
        value = self.query.get(name.lower(), "").strip()
        if not value:
            raise errors.missing(name, purpose)
        return value

    def object(self) -> dict[str, Any]:
        """The body, where it must be an object. Raises ``LsqError``."""
        if not isinstance(self.body, dict):
            raise errors.ill_formed("The body must be an object.")
        return self.body

    def array(self, most: int = 0) -> list[Any]:
        """The body, where it must be a list with something in it. Raises ``LsqError``."""
        if not isinstance(self.body, list) or not self.body:
            raise errors.ill_formed("The body must be a list that is not empty.")
        if most and len(self.body) > most:
            raise errors.too_many_items(most)
        return self.body


Play = Callable[[Call], Any]


@dataclass(frozen=True, slots=True)
class Method:
    """One method of the API; its path is its name."""

    verb: str
    name: str
    play: Play
    writes: bool = False
    bulk: bool = False
    """Whether the bulk limit holds for it."""


Table = Mapping[str, Mapping[str, Method]]
"""Path in lower case, then verb."""


def table(*methods: Method) -> Table:
    found: dict[str, dict[str, Method]] = {}
    for method in methods:
        found.setdefault(method.name.lower(), {})[method.verb] = method
    return found


async def respond(sandbox: "LeadSquaredSandbox", methods: Table, inquiry: Inquiry) -> Answer:
    """Answer one request, whatever happens."""
    verbs = methods.get(inquiry.path.lower().strip("/"))
    if not verbs:
        return _page(404, "Endpoint not found.")
    method = verbs.get(inquiry.verb)
    if method is None:
        return _page(405, "Method not allowed.")
    with sandbox.lock:
        faults = sandbox.faults.take(method.name, f"/v2/{inquiry.path}", kinds=_KINDS)
    if wait := sandbox.settings.latency + sum(f.seconds for f in faults if f.kind == "latency"):
        await asyncio.sleep(wait)
    with sandbox.lock:
        return _counted(sandbox, method, inquiry, faults)


def user_of(sandbox: "LeadSquaredSandbox", access: str, secret: str) -> User:
    """Whose keys these are. Raises ``LsqError`` for keys that open nothing."""
    key = sandbox.keys.get(access)
    if key is None or not key.opens(secret):
        raise errors.bad_keys()
    return key.user


def _counted(
    sandbox: "LeadSquaredSandbox", method: Method, inquiry: Inquiry, faults: "list[Fault]"
) -> Answer:
    counts = sandbox.ledger.counts[method.name]
    before = sandbox.revision
    counts.made += 1
    try:
        answer = _answer(sandbox, method, inquiry, faults)
    except LsqError as refused:
        counts.refused += 1
        counts.limited += refused.kind == "MXAPICallsExceededException"
        return Answer(refused.status, orjson.dumps(refused.body()), _JSON)
    took_effect = answer.status < 400 and answer.mishap != "drop"
    counts.wasted += method.writes and took_effect and sandbox.revision == before
    answer = _spoilt(answer, faults)
    counts.refused += answer.status >= 400
    counts.unheard += took_effect and method.writes and any(fault.kind in _UNHEARD for fault in faults)
    return answer


def _answer(sandbox: "LeadSquaredSandbox", method: Method, inquiry: Inquiry, faults: "list[Fault]") -> Answer:
    """Raises ``LsqError``."""
    for fault in faults:
        if fault.kind == "drop":
            return Answer(200, b"", _JSON, "drop")
    user = _user(sandbox, inquiry)
    sandbox.ledger.charge(bulk=method.bulk, users=len(sandbox.users))
    for fault in faults:
        if fault.kind == "error":
            raise errors.by_name(fault.status, fault.reason, fault.message)
        if fault.kind == "html":
            return _page(fault.status, "The server encountered a temporary error.")
        if fault.kind == "garble":
            return Answer(fault.status, fault.body.encode(), {"Content-Type": fault.content_type})
    call = Call(sandbox, user, inquiry.query, _json(inquiry.body), inquiry.origin)
    value = method.play(call)
    for fault in faults:
        value = _disturbed(sandbox, fault.kind, value)
    return Answer(200, orjson.dumps(value), _JSON)


def _user(sandbox: "LeadSquaredSandbox", inquiry: Inquiry) -> User:
    host = sandbox.settings.api_host
    if host and inquiry.headers.get("host") != host and "authentication.svc" not in inquiry.path.lower():
        raise errors.wrong_host(host)
    headers, query = inquiry.headers, inquiry.query
    access = headers.get("x-lsq-accesskey") or query.get("accesskey", "")
    secret = headers.get("x-lsq-secretkey") or query.get("secretkey", "")
    return user_of(sandbox, access, secret)


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body) if body.strip() else None
    except orjson.JSONDecodeError:
        raise errors.unreadable_body() from None


def _disturbed(sandbox: "LeadSquaredSandbox", kind: str, value: Any) -> Any:
    """Entries come twice, or shuffled."""
    if kind not in {"duplicate", "reorder"}:
        return value
    if isinstance(value, dict):
        return {
            name: _disturbed(sandbox, kind, part) if name in _LISTS else part for name, part in value.items()
        }
    entries = [entry for entry in value for _ in range(2)] if kind == "duplicate" else list(value)
    if kind == "reorder":
        sandbox.random.shuffle(entries)
    return entries


def _spoilt(answer: Answer, faults: "list[Fault]") -> Answer:
    """What a fault does to a call that took effect."""
    for fault in faults:
        if fault.kind == "late_error":
            refused = errors.by_name(fault.status, fault.reason, fault.message)
            return Answer(refused.status, orjson.dumps(refused.body()), _JSON)
        if fault.kind in {"lose_answer", "truncate"}:
            answer.mishap = "drop" if fault.kind == "lose_answer" else "truncate"
    return answer


def _page(status: int, words: str) -> Answer:
    page = f"<html><head><title>Service</title></head><body><p>{words}</p></body></html>"
    return Answer(status, page.encode(), _HTML)
