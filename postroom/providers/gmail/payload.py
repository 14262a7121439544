"""Gmail's ``format=full`` payload as a ``Message``.

Source: "REST Resource: users.messages" of the Gmail API reference. It leaves open in which charset text
comes; Gmail is seen to convert it to UTF-8 whatever the part's header says, so UTF-8 is tried first.
"""

import binascii
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import cast

from postroom.errors import MessageError
from postroom.mail.assemble import assemble
from postroom.mail.message import Message
from postroom.mail.parts import Part

Json = dict[str, object]

MAX_DEPTH = 100
"""Containers inside each other; what is deeper is set aside before it costs memory."""
ROOT = "0"
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_ESCAPE = b"\x1b"
"""Begins the shifts of ISO-2022 charsets, whose bytes are valid UTF-8 and yet not meant so."""


def read_message(answer: Json) -> Message:
    """The mail of a ``users.messages.get`` answer. Raises ``MessageError``."""
    milliseconds = int(str(answer.get("internalDate") or 0))
    return assemble(
        _part(cast("Json", answer.get("payload") or {}), ROOT, 0),
        id=str(answer["id"]),
        thread=str(answer.get("threadId", "")),
        received_at=datetime.fromtimestamp(milliseconds / 1000, UTC),
    )


def texts_left_out(answer: Json) -> Iterator[Json]:
    """Bodies of readable text that Gmail sent as attachments, for their size; to be filled in."""
    waiting = [cast("Json", answer.get("payload") or {})]
    while waiting:
        part = waiting.pop()
        waiting += _children(part)
        body = cast("Json", part.get("body") or {})
        text = str(part.get("mimeType", "")).startswith("text/") and not part.get("filename")
        if text and body.get("attachmentId") and not body.get("data"):
            yield body


def fill_in(body: Json, content: bytes) -> None:
    """Put fetched text where Gmail left it out."""
    body["data"] = binascii.b2a_base64(content, newline=False).decode("ascii")
    body.pop("attachmentId", None)


def _part(part: Json, path: str, depth: int) -> Part:
    if depth > MAX_DEPTH:
        raise MessageError(f"This mail nests more than {MAX_DEPTH} parts inside each other.")
    body = cast("Json", part.get("body") or {})
    data = _data(body)
    size = int(str(body.get("size") or 0))
    return Part(
        path=str(part.get("partId") or path),
        headers=[(str(header["name"]), str(header.get("value", ""))) for header in _headers(part)],
        content_type=str(part.get("mimeType", "")).lower(),
        filename=str(part.get("filename", "")),
        charset=_charset(data),
        size=size if data is None else None,
        data=data,
        ref=str(body.get("attachmentId", "")),
        children=[
            _part(child, f"{path}.{number}", depth + 1) for number, child in enumerate(_children(part))
        ],
    )


def _children(part: Json) -> list[Json]:
    return cast("list[Json]", part.get("parts") or [])


def _headers(part: Json) -> list[Json]:
    return cast("list[Json]", part.get("headers") or [])


def _data(body: Json) -> bytes | None:
    text = body.get("data")
    if text is None:
        return None if body.get("attachmentId") else b""
    try:
        encoded = str(text).encode("ascii").translate(_URL_SAFE)
        return binascii.a2b_base64(encoded + b"=" * (-len(encoded) % 4))
    except (UnicodeEncodeError, binascii.Error) as error:
        raise MessageError("Gmail sent a part of this mail in no readable encoding.") from error


def _charset(data: bytes | None) -> str:
    """ "utf-8" where the bytes are; "" to believe the part's header."""
    if not data or _ESCAPE in data:
        return ""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return "utf-8"
