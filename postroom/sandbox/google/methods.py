"""What each method of the Gmail API answers.

Source: the API reference (developers.google.com/workspace/gmail/api/reference/rest) and the discovery
document. Numbers of 64 bits are strings and empty lists are left out, as in every answer of Google.
"""

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from itertools import islice
from typing import Any

import orjson

from . import fields, query
from .calls import Call, Method
from .errors import ApiError, invalid_argument, invalid_value, metadata_scope, not_found
from .fields import Mask, below, wants
from .mail import fill_attachment_ids, payload_mask
from .mailbox import HIDDEN, SYSTEM_LABELS, Change, StoredMessage
from .push import WATCH_SECONDS, Watch
from .scopes import (
    GMAIL_COMPOSE,
    GMAIL_LABELS,
    GMAIL_METADATA,
    GMAIL_MODIFY,
    GMAIL_READONLY,
    GMAIL_SEND,
    GMAIL_SETTINGS,
    MAIL,
)

_READ = frozenset({MAIL, GMAIL_MODIFY, GMAIL_READONLY})
_LOOK = _READ | {GMAIL_METADATA}
_CHANGE = frozenset({MAIL, GMAIL_MODIFY})
_FORMATS = ("full", "minimal", "raw", "metadata")
_BEHAVIOUR_KIND = "type.googleapis.com/google.apps.gmail.api.LabelFilterBehavior"
_FORMAT_KIND = "google.apps.gmail.api.MessageFormat"
_HISTORY_TYPES = {
    "messageAdded": "messagesAdded",
    "messageDeleted": "messagesDeleted",
    "labelAdded": "labelsAdded",
    "labelRemoved": "labelsRemoved",
}
_TOPIC = re.compile(r"projects/([^/\s]+)/topics/([A-Za-z][\w.~+%-]{2,254})\Z")
_ID = re.compile(r"[0-9a-f]{1,16}\Z")
_LARGEST_PAGE = 500
_TOKEN_BASE = 10**7
_TOKEN_DIGITS = 20
_HIDDEN_LABELS = frozenset(label for label in SYSTEM_LABELS if label.startswith("CATEGORY_")) | {"CHAT"}


def get_profile(call: Call) -> Any:
    mailbox = call.mailbox
    return {
        "emailAddress": mailbox.address,
        "messagesTotal": len(mailbox.messages),
        "threadsTotal": mailbox.thread_count,
        "historyId": str(mailbox.history_id),
    }


def list_messages(call: Call) -> Any:
    size = _page_size(call)
    found = list(islice(_search(call, _place(call)), size + 1))
    page = found[:size]
    answer: dict[str, Any] = {}
    if page:
        answer["messages"] = [{"id": m.id, "threadId": m.thread_id} for m in page]
    if len(found) > size:
        answer["nextPageToken"] = _token(page[-1])
    answer["resultSizeEstimate"] = _estimate(call, len(page), len(found) > size)
    return answer


def get_message(call: Call) -> Any:
    message = _message(call, call.ids[0])
    return _encode_message(call, message, _format(call), call.query.mask, call.query.selection)


def modify_message(call: Call) -> Any:
    changes = call.json(frozenset({"addLabelIds", "removeLabelIds"}))
    message = _message(call, call.ids[0])
    add, remove = changes.get("addLabelIds", []), changes.get("removeLabelIds", [])
    for label in (*add, *remove):
        if label in ("SENT", "DRAFT", "CHAT") or not call.mailbox.has_label(label):
            raise invalid_argument(f"Invalid label: {label}")
    return _brief(call.sandbox.modify(call.mailbox.address, message.id, add, remove))


def trash_message(call: Call) -> Any:
    return _brief(call.sandbox.trash(call.mailbox.address, _message(call, call.ids[0]).id))


def untrash_message(call: Call) -> Any:
    return _brief(call.sandbox.untrash(call.mailbox.address, _message(call, call.ids[0]).id))


def delete_message(call: Call) -> Any:
    call.sandbox.delete(call.mailbox.address, _message(call, call.ids[0]).id)


def send_message(call: Call) -> Any:
    raw = call.json(frozenset({"raw", "threadId"})).get("raw", "")
    if not raw:
        raise invalid_argument(
            "'raw' RFC822 payload message string or uploading message via /upload/* URL required"
        )
    try:
        content = urlsafe_b64decode(raw + "=" * (-len(raw) % 4))
    except (ValueError, binascii.Error) as error:
        raise invalid_value("raw", "TYPE_BYTES", "Base64 decoding failed") from error
    return _brief(call.sandbox.send(call.mailbox.address, content))


def get_attachment(call: Call) -> Any:
    message = _message(call, call.ids[0])
    part_id = _part_of(call, message, call.ids[1])
    encoded = call.sandbox.views.attachment(message.mail, part_id)
    if encoded is None:
        raise invalid_argument("Invalid attachment token")
    if call.query.mask is None:
        return encoded
    return orjson.loads(encoded)


def list_threads(call: Call) -> Any:
    size = _page_size(call)
    newest: dict[str, StoredMessage] = {}
    seen_before = _place(call)
    for message in _search(call, None):
        newest.setdefault(message.thread_id, message)
    threads = [m for m in newest.values() if seen_before is None or m.place < seen_before]
    page = threads[:size]
    answer: dict[str, Any] = {}
    if page:
        answer["threads"] = [_thread_entry(call, message) for message in page]
    if len(threads) > size:
        answer["nextPageToken"] = _token(page[-1])
    answer["resultSizeEstimate"] = _estimate(call, len(page), len(threads) > size)
    return answer


def get_thread(call: Call) -> Any:
    messages = call.mailbox.thread(_id(call.ids[0]))
    if not messages:
        raise not_found()
    shape = _format(call)
    mask, selection = call.query.mask, call.query.selection
    answer: dict[str, Any] = {
        "id": call.ids[0],
        "historyId": str(max(message.history_id for message in messages)),
    }
    if wants(mask, "messages"):
        inner = below(mask, "messages")
        answer["messages"] = [
            orjson.Fragment(_encode_message(call, m, shape, inner, f"messages({selection})"))
            for m in messages
        ]
    return orjson.dumps({key: value for key, value in answer.items() if wants(mask, key)})


def list_history(call: Call) -> Any:
    start = call.query.history("startHistoryId")
    if start is None:
        raise ApiError(400, "Required parameter is missing: startHistoryId", "required")
    mailbox = call.mailbox
    if start <= mailbox.oldest_history or start > mailbox.history_id:
        raise not_found()
    size = _page_size(call)
    found = list(islice(_changes(call, _after_page(call, start)), size + 1))
    answer: dict[str, Any] = {}
    if found:
        answer["history"] = [_history_entry(change) for change in found[:size]]
    if len(found) > size:
        answer["nextPageToken"] = str(found[size - 1].id)
    answer["historyId"] = str(mailbox.history_id)
    return answer


def list_labels(call: Call) -> Any:
    own = [_label(call, label) for label in call.mailbox.user_labels]
    return {"labels": [_label(call, label) for label in SYSTEM_LABELS] + own}


def get_label(call: Call) -> Any:
    if not call.mailbox.has_label(call.ids[0]):
        raise not_found()
    holders = [m for m in call.mailbox.messages.values() if call.ids[0] in m.labels]
    unread = [m for m in holders if "UNREAD" in m.labels]
    return _label(call, call.ids[0]) | {
        "messagesTotal": len(holders),
        "messagesUnread": len(unread),
        "threadsTotal": len({m.thread_id for m in holders}),
        "threadsUnread": len({m.thread_id for m in unread}),
    }


def create_label(call: Call) -> Any:
    wanted = call.json(frozenset({"name", "messageListVisibility", "labelListVisibility", "color"}))
    name = wanted.get("name", "")
    if not name:
        raise invalid_argument("Invalid label name")
    if name in call.mailbox.user_labels.values():
        raise ApiError(409, "Label name exists or conflicts", "aborted")
    return _label(call, call.mailbox.create_label(name))


def watch(call: Call) -> Any:
    wanted = call.json(frozenset({"topicName", "labelIds", "labelFilterAction", "labelFilterBehavior"}))
    topic = _checked_topic(call, wanted.get("topicName", ""))
    labels = frozenset(wanted.get("labelIds", ()))
    for label in labels:
        if not call.mailbox.has_label(label):
            raise invalid_argument(f"Invalid label: {label}")
    behaviour = str(wanted.get("labelFilterBehavior") or wanted.get("labelFilterAction") or "include")
    if behaviour.lower() not in ("include", "exclude"):
        raise invalid_value("labelFilterBehavior", _BEHAVIOUR_KIND, behaviour)
    expires = call.sandbox.clock.now() + WATCH_SECONDS
    made = Watch(topic, labels, behaviour.lower() == "exclude", expires)
    call.sandbox.push.watch(call.mailbox.address, _project(call), made, call.mailbox.history_id)
    return {"historyId": str(call.mailbox.history_id), "expiration": str(int(expires * 1000))}


def stop(call: Call) -> Any:
    call.sandbox.push.stop_watching(call.mailbox.address, _project(call))


def list_send_as(call: Call) -> Any:
    account = call.account
    primary = {
        "sendAsEmail": account.address,
        "displayName": account.name,
        "replyToAddress": "",
        "signature": "",
        "isPrimary": True,
        "isDefault": True,
    }
    verified = [_alias(call, alias, "accepted") for alias in account.aliases]
    pending = [_alias(call, alias, "pending") for alias in account.pending_aliases]
    return {"sendAs": [primary, *verified, *pending]}


def _alias(call: Call, address: str, verification: str) -> dict[str, Any]:
    return {
        "sendAsEmail": address,
        "displayName": call.account.name,
        "replyToAddress": "",
        "signature": "",
        "treatAsAlias": True,
        "verificationStatus": verification,
    }


def _encode_message(
    call: Call, message: StoredMessage, shape: str, mask: Mask | None, selection: str
) -> bytes:
    """A message as JSON; the heavy part is taken from the views as it is."""
    views, mail = call.sandbox.views, message.mail
    answer: dict[str, Any] = {"id": message.id, "threadId": message.thread_id}
    if message.labels:
        answer["labelIds"] = message.labels
    if wants(mask, "snippet"):
        answer["snippet"] = views.full(mail).snippet
    if shape in ("full", "metadata") and wants(mask, "payload"):
        answer["payload"] = orjson.Fragment(_payload(call, message, shape, mask, selection))
    answer["sizeEstimate"] = len(mail.raw)
    if shape == "raw" and wants(mask, "raw"):
        answer["raw"] = orjson.Fragment(b'"%s"' % urlsafe_b64encode(mail.raw))
    answer["historyId"] = str(message.history_id)
    answer["internalDate"] = str(message.internal_date)
    if mask is not None:
        answer = {key: value for key, value in answer.items() if wants(mask, key)}
    return orjson.dumps(answer)


def _payload(call: Call, message: StoredMessage, shape: str, mask: Mask | None, selection: str) -> bytes:
    views, mail = call.sandbox.views, message.mail
    inner = payload_mask(mask)[1]
    if shape == "metadata":
        names = frozenset(name.lower() for name in call.query.all("metadataHeaders"))
        view = views.metadata(mail, names, inner, selection)
    else:
        view = views.full(mail) if inner is None else views.masked(mail, inner, selection)
    return fill_attachment_ids(view, lambda part: _attachment_id(call, message, part))


def _attachment_id(call: Call, message: StoredMessage, part_id: str) -> str:
    """An opaque handle of Google's length, new on every get unless the settings keep it still."""
    settings, sandbox = call.sandbox.settings, call.sandbox
    moment = int(sandbox.clock.now()) if settings.attachment_id_seconds else 0
    chance = sandbox.random.getrandbits(64) if settings.changing_attachment_ids else 0
    inside = f"{message.id}/{part_id}/{moment:x}/{chance:016x}"
    encoded = urlsafe_b64encode(inside.encode().ljust(240, b"/")).decode("ascii").rstrip("=")
    return f"ANGjdJ{encoded}"


def _part_of(call: Call, message: StoredMessage, handle: str) -> str:
    """The part id behind an attachment id. Raises ``ApiError`` where the handle is not of this message."""
    try:
        inside = urlsafe_b64decode(handle.removeprefix("ANGjdJ").encode() + b"==").decode("ascii")
        message_id, part_id, moment, _ = inside.split("/")[:4]
    except (ValueError, UnicodeError) as error:
        raise invalid_argument("Invalid attachment token") from error
    lifetime = call.sandbox.settings.attachment_id_seconds
    stale = lifetime is not None and int(moment, 16) + lifetime < call.sandbox.clock.now()
    if message_id != message.id or stale:
        raise invalid_argument("Invalid attachment token")
    return part_id


def _search(call: Call, before: tuple[int, int] | None) -> Iterable[StoredMessage]:
    """The messages that ``labelIds``, ``q`` and ``includeSpamTrash`` select, newest first."""
    wanted = frozenset(call.query.all("labelIds"))
    for label in wanted:
        if not call.mailbox.has_label(label):
            raise invalid_argument(f"Invalid label: {label}")
    q = call.query.one("q")
    if q and GMAIL_METADATA in call.scopes:
        raise metadata_scope("Metadata scope does not support 'q' parameter")
    search = query.parse(q)
    scene = query.Scene(call.mailbox, call.sandbox.views, call.sandbox.clock.now())
    hidden_too = call.query.flag("includeSpamTrash") or search.opens_hidden or not wanted.isdisjoint(HIDDEN)
    for message in call.mailbox.newest_first(before):
        if (
            wanted.issubset(message.labels)
            and (hidden_too or not query.is_hidden(message))
            and search.matches(scene, message)
        ):
            yield message


def _changes(call: Call, after: int) -> Iterable[Change]:
    """The records to tell. ``labelId`` keeps those of messages that have the label, or just lost it: the
    reference says only "messages with a label matching", and leaving a label is a change of it.
    """
    wanted = _history_kinds(call)
    label = call.query.one("labelId")
    if label and not call.mailbox.has_label(label):
        raise invalid_argument(f"Invalid label: {label}")
    for change in call.mailbox.changes_after(after):
        if change.kind in wanted and (not label or change.touches(label)):
            yield change


def _history_kinds(call: Call) -> frozenset[str]:
    names = call.query.all("historyTypes")
    for name in names:
        if name not in _HISTORY_TYPES:
            raise invalid_value("historyTypes", "type.googleapis.com/google.apps.gmail.api.HistoryType", name)
    return frozenset(_HISTORY_TYPES[name] for name in names or _HISTORY_TYPES)


def _history_entry(change: Change) -> dict[str, Any]:
    short = {"id": change.message_id, "threadId": change.thread_id}
    entry: dict[str, Any] = {"message": short | ({"labelIds": change.labels} if change.labels else {})}
    if change.changed:
        entry["labelIds"] = change.changed
    return {"id": str(change.id), "messages": [short], change.kind: [entry]}


def _thread_entry(call: Call, newest: StoredMessage) -> dict[str, Any]:
    messages = call.mailbox.thread(newest.thread_id)
    return {
        "id": newest.thread_id,
        "snippet": call.sandbox.views.full(newest.mail).snippet,
        "historyId": str(max(message.history_id for message in messages)),
    }


def _label(call: Call, label_id: str) -> dict[str, Any]:
    if own := call.mailbox.user_labels.get(label_id):
        shown = {"messageListVisibility": "show", "labelListVisibility": "labelShow"}
        return {"id": label_id, "name": own, **shown, "type": "user"}
    entry = {"id": label_id, "name": label_id}
    if label_id in _HIDDEN_LABELS:
        entry |= {"messageListVisibility": "hide", "labelListVisibility": "labelHide"}
    return entry | {"type": "system"}


def _brief(message: StoredMessage) -> dict[str, Any]:
    answer: dict[str, Any] = {"id": message.id, "threadId": message.thread_id}
    return answer | ({"labelIds": message.labels} if message.labels else {})


def _message(call: Call, message_id: str) -> StoredMessage:
    message = call.mailbox.messages.get(_id(message_id))
    if message is None:
        raise not_found()
    return message


def _id(text: str) -> str:
    if not _ID.match(text):
        raise invalid_argument("Invalid id value")
    return text


def _format(call: Call) -> str:
    shape = call.query.choice("format", _FORMAT_KIND, _FORMATS)
    if shape in ("full", "raw") and GMAIL_METADATA in call.scopes:
        raise metadata_scope(f"Metadata scope doesn't allow format {shape.upper()}")
    return shape


def _page_size(call: Call) -> int:
    """``maxResults``; what is above the documented 500 is taken as 500, and 0 as the default."""
    return min(call.query.number("maxResults", 100) or 100, _LARGEST_PAGE)


def _token(message: StoredMessage) -> str:
    return f"{message.place[0] * _TOKEN_BASE + message.place[1]:0{_TOKEN_DIGITS}d}"


def _place(call: Call) -> tuple[int, int] | None:
    token = call.query.one("pageToken")
    if not token:
        return None
    if not token.isdecimal() or len(token) != _TOKEN_DIGITS:
        raise invalid_argument("Invalid pageToken")
    return divmod(int(token), _TOKEN_BASE)


def _after_page(call: Call, start: int) -> int:
    """Where the page begins: a token is good for the run of pages that gave it."""
    token = call.query.one("pageToken")
    if not token:
        return start
    if not token.isdecimal() or not start < int(token) <= call.mailbox.history_id:
        raise invalid_argument("Invalid pageToken")
    return int(token)


def _estimate(call: Call, shown: int, more: bool) -> int:
    """Rough on purpose while there are more pages; Gmail's is often 201 then."""
    return max(shown + 1, 201) if more else shown


def _checked_topic(call: Call, topic: str) -> str:
    if not topic:
        raise invalid_argument("topicName required")
    found = _TOPIC.match(topic)
    if not found:
        message = "Invalid topic name format. Should follow 'projects/my-project-id/topics/my-topic-id'"
        raise invalid_argument(message)
    if call.client.project and found[1] != call.client.project:
        raise invalid_argument(f"Invalid topicName does not match projects/{call.client.project}/topics/*")
    standing = call.sandbox.push.watches.get(call.mailbox.address, {}).get(_project(call))
    if standing and standing.topic != topic and standing.expires > call.sandbox.clock.now():
        message = "Only one user push notification client allowed per developer (call /stop then try again)"
        raise ApiError(400, message, "failedPrecondition", status="FAILED_PRECONDITION")
    return topic


def _project(call: Call) -> str:
    return call.client.project or call.client.client_id


_LISTING = frozenset({"includeSpamTrash", "labelIds", "maxResults", "pageToken", "q"})
_SHAPING = frozenset({"format", "metadataHeaders"})

METHODS: dict[tuple[str, str], Method] = {
    ("GET", "profile"): Method("getProfile", _LOOK | {GMAIL_COMPOSE}, get_profile, "Profile"),
    ("GET", "messages"): Method("messages.list", _LOOK, list_messages, "ListMessagesResponse", _LISTING),
    ("GET", "messages/*"): Method("messages.get", _LOOK, get_message, "Message", _SHAPING),
    ("DELETE", "messages/*"): Method("messages.delete", frozenset({MAIL}), delete_message),
    ("POST", "messages/*/modify"): Method("messages.modify", _CHANGE, modify_message, "Message"),
    ("POST", "messages/*/trash"): Method("messages.trash", _CHANGE, trash_message, "Message"),
    ("POST", "messages/*/untrash"): Method("messages.untrash", _CHANGE, untrash_message, "Message"),
    ("POST", "messages/send"): Method(
        "messages.send", _CHANGE | {GMAIL_COMPOSE, GMAIL_SEND}, send_message, "Message"
    ),
    ("GET", "messages/*/attachments/*"): Method(
        "messages.attachments.get", _READ, get_attachment, "MessagePartBody"
    ),
    ("GET", "threads"): Method("threads.list", _LOOK, list_threads, "ListThreadsResponse", _LISTING),
    ("GET", "threads/*"): Method("threads.get", _LOOK, get_thread, "Thread", _SHAPING),
    ("GET", "history"): Method(
        "history.list",
        _LOOK,
        list_history,
        "ListHistoryResponse",
        frozenset({"historyTypes", "labelId", "maxResults", "pageToken", "startHistoryId"}),
    ),
    ("GET", "labels"): Method("labels.list", _LOOK | {GMAIL_LABELS}, list_labels, "ListLabelsResponse"),
    ("GET", "labels/*"): Method("labels.get", _LOOK | {GMAIL_LABELS}, get_label, "Label"),
    ("POST", "labels"): Method("labels.create", _CHANGE | {GMAIL_LABELS}, create_label, "Label"),
    ("POST", "watch"): Method("watch", _LOOK, watch, "WatchResponse"),
    ("POST", "stop"): Method("stop", _LOOK, stop),
    ("GET", "settings/sendAs"): Method(
        "settings.sendAs.list", _READ | {GMAIL_SETTINGS}, list_send_as, "ListSendAsResponse"
    ),
}
"""Verb and path below ``/gmail/v1/users/{userId}/``, ids as ``*``."""


def finish(answer: Any, mask: Mask | None, *, pretty: bool = False) -> bytes:
    """The answer's bytes, reduced to what ``fields`` asked for; ``pretty`` with indentations."""
    if answer is None:
        return b""
    if isinstance(answer, bytes):
        return _indented(orjson.loads(answer)) if pretty else answer
    masked = fields.apply(answer, mask)
    return _indented(masked) if pretty else orjson.dumps(masked)


def _indented(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n"
