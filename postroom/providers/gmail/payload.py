"""Gmail's ``format=full`` payload as a ``Message``.

Source: "REST Resource: users.messages" of the Gmail API reference. It leaves open in which charset text
comes; Gmail is seen to convert it to UTF-8 whatever the part's header says, so UTF-8 is tried first.
"""

import binascii
from collections.abc import Iterator

from postroom.errors import MessageError, MessageGone
from postroom.mail.assemble import assemble
from postroom.mail.message import Message
from postroom.mail.parts import Part
from postroom.providers.answers import Json, child, moment, number, objects, text

MAX_DEPTH = 100
"""Containers inside each other; what is deeper is set aside before it costs memory."""
ROOT = "0"
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_ESCAPE = b"\x1b"
"""Begins the shifts of ISO-2022 charsets, whose bytes are valid UTF-8 and yet not meant so."""


def read_message(answer: Json) -> Message:
    """The mail of a ``users.messages.get`` answer. Raises ``MessageError``, ``ProviderError``."""
    return assemble(
        _part(child(answer, "payload"), ROOT, 0),
        id=text(answer, "id"),
        thread=text(answer, "threadId", ""),
        received_at=moment(answer, "internalDate", 0),
    )


def texts_left_out(answer: Json) -> Iterator[Json]:
    """Bodies of readable text that Gmail sent as attachments, for their size; to be filled in."""
    waiting = [child(answer, "payload")]
    while waiting:
        part = waiting.pop()
        waiting += reversed(objects(part, "parts"))
        body = child(part, "body")
        readable = text(part, "mimeType", "").startswith("text/") and not part.get("filename")
        if readable and body.get("attachmentId") and not body.get("data"):
            yield body


def fill_in(body: Json, content: bytes) -> None:
    """Put fetched text where Gmail left it out."""
    body["data"] = binascii.b2a_base64(content, newline=False).decode("ascii")
    body.pop("attachmentId", None)


def ref_of(answer: Json, path: str) -> str:
    """The present attachment id of the part at ``path``. Raises ``MessageGone`` where there is none."""
    waiting = [_part(child(answer, "payload"), ROOT, 0)]
    while waiting:
        part = waiting.pop()
        if part.path == path and part.ref:
            return part.ref
        waiting += part.children
    raise MessageGone("The attachment is no longer part of the mail.")


def _part(part: Json, path: str, depth: int) -> Part:
    if depth > MAX_DEPTH:
        raise MessageError(f"This mail nests more than {MAX_DEPTH} parts inside each other.")
    body = child(part, "body")
    data = _data(body)
    return Part(
        path=text(part, "partId", "") or path,
        headers=[(text(header, "name"), text(header, "value", "")) for header in objects(part, "headers")],
        content_type=text(part, "mimeType", "").lower(),
        filename=text(part, "filename", ""),
        charset=_charset(data),
        size=number(body, "size", 0) if data is None else None,
        data=data,
        ref=text(body, "attachmentId", ""),
        children=[
            _part(each, f"{path}.{position}", depth + 1)
            for position, each in enumerate(objects(part, "parts"))
        ],
    )


def _data(body: Json) -> bytes | None:
    """The decoded content, None where it comes only when asked for."""
    if "data" not in body:
        return None if body.get("attachmentId") else b""
    try:
        encoded = text(body, "data").encode("ascii").translate(_URL_SAFE)
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
