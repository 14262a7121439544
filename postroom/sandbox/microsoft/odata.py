"""OData query options, as far as Graph's mail API takes them.

Sources: "Use query parameters to customize responses", "List messages" (using filter and orderby in the
same query), "message: delta". What is not understood is refused, never passed over.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from .errors import bad_request, no_property

Json = dict[str, Any]

_DATE = re.compile(
    r"(receivedDateTime|sentDateTime|lastModifiedDateTime|createdDateTime)\s+(ge|gt|le|lt|eq)\s+(\S+)"
)
_EQUAL = re.compile(
    r"(isRead|isDraft|hasAttachments|internetMessageId|conversationId)\s+eq\s+('[^']*'|true|false)"
)
_EXPAND = re.compile(r"\s*(\w+)\s*(?:\(\s*\$select\s*=([^()]*)\))?\s*")
_ID_IS = r"id\s+eq\s+'\w+ 0x[0-9A-Fa-f]{4}'"
_EXTENDED = re.compile(rf"singleValueExtendedProperties\(\$filter=({_ID_IS}(?:\s+or\s+{_ID_IS})*)\)")
_ORDER = re.compile(r"(\w+)(?:\s+(asc|desc))?")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "ge": lambda a, b: a >= b,
    "gt": lambda a, b: a > b,
    "le": lambda a, b: a <= b,
    "lt": lambda a, b: a < b,
    "eq": lambda a, b: a == b,
}

MESSAGE = frozenset(
    {
        *("id", "createdDateTime", "lastModifiedDateTime", "changeKey", "categories", "receivedDateTime"),
        *("sentDateTime", "hasAttachments", "internetMessageId", "internetMessageHeaders", "subject"),
        *("bodyPreview", "importance", "parentFolderId", "conversationId", "conversationIndex"),
        *("isDeliveryReceiptRequested", "isReadReceiptRequested", "isRead", "isDraft", "webLink"),
        *("inferenceClassification", "body", "uniqueBody", "sender", "from", "toRecipients"),
        *("ccRecipients", "bccRecipients", "replyTo", "flag"),
    }
)
ON_REQUEST = frozenset({"internetMessageHeaders", "uniqueBody"})
"""Properties that come only by ``$select``."""
ATTACHMENT = frozenset({"id", "lastModifiedDateTime", "name", "contentType", "size", "isInline"})
FILE_ATTACHMENT = frozenset({"contentId", "contentLocation", "contentBytes"})
USER = frozenset(
    {
        *("id", "displayName", "givenName", "surname", "mail", "userPrincipalName", "jobTitle"),
        *("mobilePhone", "officeLocation", "preferredLanguage", "businessPhones", "proxyAddresses"),
        *("accountEnabled", "userType", "otherMails"),
    }
)
USER_DEFAULT = USER - {"proxyAddresses", "accountEnabled", "userType", "otherMails"}
FOLDER = frozenset(
    {
        "id",
        "displayName",
        "parentFolderId",
        "childFolderCount",
        "unreadItemCount",
        "totalItemCount",
        "isHidden",
    }
)


@dataclass(frozen=True, slots=True)
class Query:
    """The options of one request."""

    select: frozenset[str] = frozenset()
    filter: str = ""
    orderby: str = ""
    top: int | None = None
    skip: int = 0
    count: bool = False
    expand: str = ""
    others: dict[str, str] = field(default_factory=dict)
    """Custom options: changeType, $skiptoken, $deltatoken."""


_KNOWN = frozenset(
    {"$select", "$filter", "$orderby", "$top", "$skip", "$count", "$expand", "$skiptoken", "$deltatoken"}
)


def read_query(text: str, allowed: Iterable[str]) -> Query:
    """Raises ``GraphError`` for what the method does not take."""
    values: dict[str, str] = {}
    may = frozenset(allowed)
    for name, value in parse_qsl(text, keep_blank_values=True):
        key = name if name.startswith("$") or name == "changeType" else f"${name}"
        key = {"$skipToken": "$skiptoken", "$deltaToken": "$deltatoken"}.get(key, key)
        if key not in may or (key not in _KNOWN and key != "changeType"):
            raise bad_request(
                f"Query option '{name}' was not recognized for this resource.", "ErrorInvalidUrlQuery"
            )
        values[key] = value
    return Query(
        select=frozenset(filter(None, (part.strip() for part in values.get("$select", "").split(",")))),
        filter=values.get("$filter", ""),
        orderby=values.get("$orderby", ""),
        top=_number(values, "$top"),
        skip=_number(values, "$skip") or 0,
        count=values.get("$count") == "true",
        expand=values.get("$expand", ""),
        others={name: values[name] for name in ("changeType", "$skiptoken", "$deltatoken") if name in values},
    )


def check_select(select: frozenset[str], known: frozenset[str], kind: str) -> frozenset[str]:
    """The selected properties, those of a derived type without its name."""
    found: set[str] = set()
    for name in select:
        derived, slash, rest = name.rpartition("/")
        if slash and derived.lower() == "microsoft.graph.fileattachment" and rest in FILE_ATTACHMENT:
            found.add(rest)
        elif name in known:
            found.add(name)
        else:
            raise no_property(name, kind)
    return frozenset(found)


Look = Callable[[str], Any]
"""A message's value by its property's name: times as seconds, the rest as in JSON."""


def check_filter(text: str) -> Callable[[Look], bool]:
    """A predicate over a message's values."""
    if not text:
        return lambda _: True
    tests = [_term(term.strip().strip("()").strip()) for term in re.split(r"\s+and\s+", text)]
    return lambda look: all(test(look) for test in tests)


def check_order(text: str, filtered: str) -> tuple[str, bool]:
    """Property and whether descending. What orders must come first in the filter ("List messages")."""
    if not text:
        return "receivedDateTime", True
    found = _ORDER.fullmatch(text.strip())
    if not found or found[1] not in {
        "receivedDateTime",
        "sentDateTime",
        "lastModifiedDateTime",
        "createdDateTime",
    }:
        raise bad_request(f"The $orderby '{text}' is not supported.", "ErrorInvalidUrlQueryFilter")
    if filtered and not filtered.strip().strip("()").startswith(found[1]):
        raise bad_request(
            "The restriction or sort order is too complex for this operation.", "InefficientFilter"
        )
    return found[1], found[2] == "desc"


def extended_properties(text: str) -> tuple[str, ...]:
    """The ids in an ``$expand`` of extended properties ("Get singleValueLegacyExtendedProperty")."""
    found = _EXTENDED.fullmatch(text.strip())
    return tuple(re.findall(r"'([^']+)'", found[1])) if found else ()


def check_expand(text: str) -> frozenset[str] | None:
    """The properties of ``attachments`` to expand; empty for all, None for no expansion."""
    if not text or extended_properties(text):
        return None
    found = _EXPAND.fullmatch(text)
    if not found or found[1] != "attachments":
        raise bad_request(f"The $expand '{text}' is not supported.", "ErrorInvalidUrlQuery")
    names = frozenset(filter(None, (part.strip() for part in (found[2] or "").split(","))))
    return check_select(names, ATTACHMENT, "attachment")


def reduce(values: Json, select: frozenset[str], default: Sequence[str] | frozenset[str]) -> Json:
    """What was selected, or what comes by default; ``id`` and annotations always."""
    wanted = select or frozenset(default)
    return {name: value for name, value in values.items() if name in wanted or name == "id" or "@" in name}


def moment(text: str) -> float:
    """Seconds since the epoch of a DateTimeOffset. Raises ``GraphError``."""
    try:
        found = datetime.fromisoformat(text.strip("'"))
    except ValueError:
        raise bad_request(f"The DateTimeOffset text '{text}' should be in format.", "BadRequest") from None
    return found.replace(tzinfo=found.tzinfo or UTC).timestamp()


def _term(term: str) -> Callable[[Look], bool]:
    if found := _DATE.fullmatch(term):
        name, compare, limit = found[1], _COMPARE[found[2]], moment(found[3])
        return lambda look: compare(look(name), limit)
    if found := _EQUAL.fullmatch(term):
        name, wanted = found[1], found[2]
        value: object = wanted == "true" if wanted in {"true", "false"} else wanted.strip("'")
        return lambda look: bool(look(name) == value)
    raise bad_request(f"Invalid filter clause: {term}", "ErrorInvalidUrlQueryFilter")


def _number(values: dict[str, str], name: str) -> int | None:
    value = values.get(name)
    if value is None:
        return None
    if not value.isdecimal() or (name == "$top" and not 1 <= int(value) <= 1000):
        raise bad_request(f"Invalid value '{value}' for {name} query option found.")
    return int(value)
