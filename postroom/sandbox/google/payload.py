"""A raw mail as the ``payload`` of the Gmail API: a tree of parts, text inside, attachments by reference.

Read with the standard library's ``email`` package. Source: the ``MessagePart`` resource of the API
reference. What it leaves open was settled by answers recorded from production beside the raw mail:
text parts come as UTF-8 whatever their charset while ``size`` counts the bytes before that conversion;
every leaf that is not text, or has a file name, is an attachment even without a name; containers carry
``{"size": 0}``; an attached mail is an attachment *and* has its own tree in ``parts``.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from html import escape, unescape
from typing import Any

from .headers import UNREADABLE, Header, decode_words, header_block, readable, shown, to_text

Part = dict[str, Any]
"""A JSON object of the API; its values are strings, numbers, lists and such objects."""

_TAGS = re.compile(r"(?is)<(script|style|head|title)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>")
_SNIPPET = 200
_NAMING = frozenset({"content-type", "content-disposition"})


def build(raw: bytes, marker: str, inline_limit: int | None = None) -> Part:
    """The whole tree. ``attachmentId`` is ``marker`` + part id, for the caller to replace.

    Text longer than ``inline_limit`` bytes, when given, is left out as an attachment, which the API's
    reference allows. Never raises: bytes that are no MIME message come as one text part.
    """
    try:
        return _part(_parse(raw), "", marker, inline_limit)
    except UNREADABLE:
        return _unreadable(raw)


def attachment(raw: bytes, part_id: str) -> bytes | None:
    """The decoded bytes of one part, None where there is no such part."""
    for found, message in _leaves(_parse(raw), ""):
        if found == part_id:
            return _content(message)
    return None


def text_of(part: Part) -> str:
    """The readable text of a tree: its first plain part, else its first HTML part without tags."""
    texts = dict(reversed(list(_texts(part))))
    if plain := texts.get("text/plain", "").strip():
        return plain
    return unescape(_TAGS.sub(" ", texts.get("text/html", "")))


def snippet(part: Part) -> str:
    """About 200 characters of text, escaped for HTML as Gmail's snippets are."""
    words = " ".join(text_of(part)[: _SNIPPET * 20].split())[:_SNIPPET]
    return escape(words).replace("&#x27;", "&#39;").strip()


def has_attachment(part: Part) -> bool:
    return bool(part["filename"]) or any(has_attachment(child) for child in part.get("parts", ()))


def filenames(part: Part) -> list[str]:
    """Every file name in a tree."""
    here = [part["filename"]] if part["filename"] else []
    return here + [name for child in part.get("parts", ()) for name in filenames(child)]


def _parse(raw: bytes) -> Message:
    return BytesParser(policy=compat32).parsebytes(raw)


def _part(message: Message, part_id: str, marker: str, limit: int | None) -> Part:
    part: Part = {
        "partId": part_id,
        "mimeType": message.get_content_type(),
        "filename": _filename(message),
    }
    if headers := shown(message.raw_items()):
        part["headers"] = [_header(header) for header in headers]
    children = _children(message)
    part["body"] = _body(message, part, marker, limit) if _is_leaf(message) else {"size": 0}
    if children:
        parts = enumerate(children)
        part["parts"] = [_part(child, _child_id(part_id, n), marker, limit) for n, child in parts]
    return part


def _body(message: Message, part: Part, marker: str, limit: int | None) -> Part:
    content = _content(message)
    size = len(content)
    textual = part["mimeType"].startswith("text/") or part["mimeType"].startswith("multipart/")
    if not textual or part["filename"] or (limit is not None and size > limit):
        return {"attachmentId": marker + part["partId"], "size": size}
    if not content:
        return {"size": 0}
    text = to_text(content, _charset(message))
    return {"size": size, "data": urlsafe_b64encode(text.encode("utf-8", "replace")).decode("ascii")}


def _is_leaf(message: Message) -> bool:
    """Whether the part has bytes of its own: anything but a container that was read as one."""
    return not (message.get_content_maintype() == "multipart" and message.is_multipart())


def _children(message: Message) -> list[Message]:
    """Parts to show below this one; a delivery status is a leaf although the parser splits it."""
    payload = message.get_payload()
    if not isinstance(payload, list) or message.get_content_type() == "message/delivery-status":
        return []
    return [child for child in payload if isinstance(child, Message)]


def _content(message: Message) -> bytes:
    payload = message.get_payload()
    if isinstance(payload, list):
        return b"".join(_serialise(child) for child in payload if isinstance(child, Message))
    try:
        decoded = message.get_payload(decode=True)
    except UNREADABLE:  # a broken transfer encoding: the bytes as they stand
        decoded = None
    if isinstance(decoded, bytes):
        return decoded
    return str(payload or "").encode("utf-8", "surrogateescape")


def _serialise(message: Message) -> bytes:
    try:
        return message.as_bytes()
    except UNREADABLE:  # the generator refuses some header bytes that the parser took
        return readable(str(message.get_payload())).encode("utf-8", "replace")


def _filename(message: Message) -> str:
    try:
        name = _legible(message).get_filename() or ""
    except UNREADABLE:  # a broken RFC 2231 parameter
        return ""
    return decode_words(readable(name)).replace("\r", "").replace("\n", "")


def _legible(message: Message) -> Message:
    """A message with the fields that name it; the parser hides their 8-bit characters."""
    fields = [(name, str(value)) for name, value in message.raw_items() if name.lower() in _NAMING]
    if all(value.isascii() for _, value in fields):
        return message
    legible = Message(policy=compat32)
    for name, value in fields:
        legible[name] = readable(value)
    return legible


def _charset(message: Message) -> str:
    try:
        return message.get_content_charset() or ""
    except UNREADABLE:  # a broken RFC 2231 parameter
        return ""


def _leaves(message: Message, part_id: str) -> Iterator[tuple[str, Message]]:
    if _is_leaf(message):
        yield part_id, message
    for number, child in enumerate(_children(message)):
        yield from _leaves(child, _child_id(part_id, number))


def _texts(part: Part) -> Iterator[tuple[str, str]]:
    if data := part["body"].get("data"):
        yield part["mimeType"], urlsafe_b64decode(data).decode("utf-8", "replace")
    for child in part.get("parts", ()):
        yield from _texts(child)


def _child_id(parent: str, number: int) -> str:
    return f"{parent}.{number}" if parent else str(number)


def _header(header: Header) -> Part:
    return {"name": header[0], "value": header[1]}


def _unreadable(raw: bytes) -> Part:
    text = to_text(raw, "utf-8").encode("utf-8", "replace")
    body = {"size": len(raw), "data": urlsafe_b64encode(text).decode("ascii")}
    part: Part = {"partId": "", "mimeType": "text/plain", "filename": ""}
    if headers := header_block(raw):
        part["headers"] = [_header(header) for header in headers]
    return part | {"body": body}
