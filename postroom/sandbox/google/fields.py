"""Partial responses: the ``fields`` parameter that every method of the API takes.

Source: "Improve performance: partial response". Commas separate, ``a/b`` goes down, ``a(b,c)`` groups,
``*`` stands for every field. Names that the answer cannot have are refused, as Google does, so that a
misspelt mask does not go unnoticed.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from .errors import invalid_fields

Mask = Mapping[str, "Mask | None"]
"""Field name (or ``*``) to what is wanted below it; None for all of it."""

_TOKEN = re.compile(r"\s*([A-Za-z0-9_\-]+|\*|[(),/])\s*")

_LEAF: Mapping[str, Any] = {}
_BODY = {"attachmentId": _LEAF, "data": _LEAF, "size": _LEAF}
_PART: dict[str, Any] = {
    "partId": _LEAF,
    "mimeType": _LEAF,
    "filename": _LEAF,
    "headers": {"name": _LEAF, "value": _LEAF},
    "body": _BODY,
}
_PART["parts"] = _PART
_MESSAGE = {
    "id": _LEAF,
    "threadId": _LEAF,
    "labelIds": _LEAF,
    "snippet": _LEAF,
    "payload": _PART,
    "sizeEstimate": _LEAF,
    "raw": _LEAF,
    "historyId": _LEAF,
    "internalDate": _LEAF,
    "classificationLabelValues": {"labelId": _LEAF, "fields": {"fieldId": _LEAF, "selection": _LEAF}},
}
_CHANGE = {"message": _MESSAGE, "labelIds": _LEAF}
_MOVE = {"message": _MESSAGE}
_HISTORY = {
    "id": _LEAF,
    "messages": _MESSAGE,
    "messagesAdded": _MOVE,
    "messagesDeleted": _MOVE,
    "labelsAdded": _CHANGE,
    "labelsRemoved": _CHANGE,
}
_THREAD = {"id": _LEAF, "snippet": _LEAF, "historyId": _LEAF, "messages": _MESSAGE}
_LABEL = dict.fromkeys(
    [
        "id",
        "name",
        "type",
        "messageListVisibility",
        "labelListVisibility",
        "messagesTotal",
        "messagesUnread",
        "threadsTotal",
        "threadsUnread",
    ],
    _LEAF,
) | {"color": {"textColor": _LEAF, "backgroundColor": _LEAF}}
_SEND_AS = dict.fromkeys(
    [
        "sendAsEmail",
        "displayName",
        "replyToAddress",
        "signature",
        "isPrimary",
        "isDefault",
        "treatAsAlias",
        "verificationStatus",
        "smtpMsa",
    ],
    _LEAF,
)
_PAGE = {"nextPageToken": _LEAF}

SHAPES: Mapping[str, Mapping[str, Any]] = {
    "Message": _MESSAGE,
    "MessagePartBody": _BODY,
    "ListMessagesResponse": {"messages": _MESSAGE, "resultSizeEstimate": _LEAF, **_PAGE},
    "ListHistoryResponse": {"history": _HISTORY, "historyId": _LEAF, **_PAGE},
    "Thread": _THREAD,
    "ListThreadsResponse": {"threads": _THREAD, "resultSizeEstimate": _LEAF, **_PAGE},
    "Profile": dict.fromkeys(("emailAddress", "messagesTotal", "threadsTotal", "historyId"), _LEAF),
    "ListLabelsResponse": {"labels": _LABEL},
    "Label": _LABEL,
    "WatchResponse": dict.fromkeys(("historyId", "expiration"), _LEAF),
    "ListSendAsResponse": {"sendAs": _SEND_AS},
    "": {},
}
"""The fields of each answer, by its schema name in the discovery document."""


@lru_cache(1024)
def parse(selection: str, shape: str) -> Mask | None:
    """The mask for an answer of ``shape``; None when everything is wanted. Raises ``ApiError`` 400."""
    if not selection:
        return None
    reader = _Reader(selection)
    mask = reader.group()
    if reader.tokens:
        raise invalid_fields(selection)
    _check(mask, SHAPES[shape], selection)
    return mask


def apply(value: Any, mask: Mask | None) -> Any:
    """The parts of a JSON value that the mask selects; lists are masked item by item."""
    if mask is None:
        return value
    if isinstance(value, list):
        return [apply(item, mask) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: apply(value[key], below(mask, key)) for key in value if wants(mask, key)}


def wants(mask: Mask | None, key: str) -> bool:
    return mask is None or key in mask or "*" in mask


def below(mask: Mask | None, key: str) -> Mask | None:
    """What the mask selects inside ``key``."""
    if mask is None:
        return None
    return mask[key] if key in mask else mask.get("*")


class _Reader:
    """A recursive-descent reader over the mask's tokens."""

    def __init__(self, selection: str) -> None:
        self.selection = selection
        self.tokens = [found[1] for found in _TOKEN.finditer(selection)]
        if "".join(self.tokens) != re.sub(r"\s", "", selection):
            raise invalid_fields(selection)
        self.tokens.reverse()

    def group(self) -> dict[str, Mask | None]:
        mask: dict[str, Mask | None] = {}
        while True:
            name, inner = self.path()
            mask[name] = _merge(mask[name], inner) if name in mask else inner
            if not self.take(","):
                return mask

    def path(self) -> tuple[str, Mask | None]:
        name = self.tokens.pop() if self.tokens else ""
        if not name or name in "(),/":
            raise invalid_fields(self.selection)
        if self.take("/"):
            child, inner = self.path()
            return name, {child: inner}
        if self.take("("):
            mask = self.group()
            if not self.take(")"):
                raise invalid_fields(self.selection)
            return name, mask
        return name, None

    def take(self, token: str) -> bool:
        if self.tokens and self.tokens[-1] == token:
            self.tokens.pop()
            return True
        return False


def _merge(first: Mask | None, second: Mask | None) -> Mask | None:
    if first is None or second is None:
        return None
    merged = dict(first)
    for name, inner in second.items():
        merged[name] = _merge(merged[name], inner) if name in merged else inner
    return merged


def _check(mask: Mask, shape: Mapping[str, Any], selection: str) -> None:
    for name, inner in mask.items():
        if name != "*" and name not in shape:
            raise invalid_fields(name)
        if inner is not None and name != "*":
            _check(inner, shape[name], selection)
