"""A call of the Gmail API, checked and ready to be played."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson

from . import fields
from .accounts import Account, Client
from .errors import ApiError, invalid_value, unknown_parameter
from .fields import Mask
from .mailbox import Mailbox

if TYPE_CHECKING:
    from .sandbox import GoogleSandbox

COMMON = frozenset(
    [
        "$.xgafv",
        "access_token",
        "alt",
        "callback",
        "fields",
        "key",
        "oauth_token",
        "prettyPrint",
        "quotaUser",
        "uploadType",
        "upload_protocol",
    ]
)
"""Query parameters of every method (the discovery document's top-level ``parameters``)."""

_TRUTH = {"true": True, "1": True, "": True, "false": False, "0": False}
_UINT64 = 2**64


@dataclass(frozen=True, slots=True)
class Method:
    """One method of the API, as the discovery document has it."""

    name: str
    """Without ``gmail.users.``, such as ``messages.get``."""
    scopes: frozenset[str]
    """Any one of them suffices."""
    play: Callable[["Call"], Any]
    """Gives the JSON value of the answer, or bytes that are JSON already."""
    answer: str = ""
    """The schema of the answer; "" for none."""
    parameters: frozenset[str] = frozenset()
    """Its own query parameters."""


class Query:
    """Query parameters, checked against the method's list."""

    __slots__ = ("_values", "mask", "pretty", "selection")

    def __init__(self, text: str, method: Method) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in parse_qsl(text, keep_blank_values=True):
            if name not in method.parameters and name not in COMMON:
                raise unknown_parameter(name)
            self._values.setdefault(name, []).append(value)
        self.pretty = self.flag("prettyPrint", default=True)
        self.selection = self.one("fields")
        self.mask: Mask | None = fields.parse(self.selection, method.answer)

    def one(self, name: str, default: str = "") -> str:
        """The last value of a parameter."""
        values = self._values.get(name)
        return values[-1] if values else default

    def all(self, name: str) -> tuple[str, ...]:
        return tuple(self._values.get(name, ()))

    def number(self, name: str, default: int) -> int:
        """An unsigned number of 32 bits."""
        value = self.one(name)
        if not value:
            return default
        if not value.isdecimal() or int(value) >= 2**32:
            raise invalid_value(name, "TYPE_UINT32", value)
        return int(value)

    def history(self, name: str) -> int | None:
        """An unsigned number of 64 bits; None where it is missing."""
        value = self.one(name)
        if not value:
            return None
        if not value.isdecimal() or int(value) >= _UINT64:
            raise invalid_value(name, "TYPE_UINT64", value)
        return int(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.one(name, str(default))
        if value.lower() not in _TRUTH:
            raise invalid_value(name, "TYPE_BOOL", value)
        return _TRUTH[value.lower()]

    def choice(self, name: str, kind: str, allowed: tuple[str, ...]) -> str:
        """One of ``allowed``, in any case; the first where it is missing."""
        value = self.one(name, allowed[0])
        if value.lower() not in allowed:
            raise invalid_value(name, f"type.googleapis.com/{kind}", value)
        return value.lower()


@lru_cache(8192)
def read_query(text: str, method: Method) -> Query:
    """The same query comes thousands of times: read it once."""
    return Query(text, method)


@dataclass(slots=True)
class Call:
    """Everything a method needs to answer."""

    sandbox: "GoogleSandbox"
    account: Account
    client: Client
    scopes: frozenset[str]
    mailbox: Mailbox
    ids: tuple[str, ...]
    """Ids from the path, outermost first."""
    query: Query
    body: bytes

    def json(self, allowed: frozenset[str]) -> Mapping[str, Any]:
        """The request's JSON object; fields beyond ``allowed`` are refused, as Google does."""
        try:
            value = orjson.loads(self.body or b"{}")
        except orjson.JSONDecodeError as error:
            raise ApiError(400, f"Invalid JSON payload received. {error}", "parseError") from error
        if not isinstance(value, dict):
            raise ApiError(400, "Invalid JSON payload received. Unexpected token.", "parseError")
        for name in value:
            if name not in allowed:
                message = f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.'
                raise ApiError(400, message, "badRequest")
        return value
