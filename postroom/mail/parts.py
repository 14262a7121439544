"""One node of a mail's MIME tree, the same from raw bytes as from a provider's JSON."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from postroom.mail.charsets import storable
from postroom.mail.headers import decode_words, message_id, unfold
from postroom.mail.parameters import parse_parameters

MAX_DEPTH = 100
"""Multiparts inside of multiparts."""
MAX_PARTS = 1000
"""Parts of one mail, containers included."""
TOO_DEEP = f"This mail has more than {MAX_DEPTH} parts inside of one another."
TOO_MANY_PARTS = f"This mail has more than {MAX_PARTS:,} parts."
MAX_FILENAME_LENGTH = 255
"""Characters of a file name; a longer one loses its end but keeps its extension."""

Headers = Sequence[tuple[str, str]]
"""Name and value of each field, in order."""

_NOT_IN_FILENAME = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_CHARSET = re.compile(r"[^\s();]+")


@dataclass(frozen=True, slots=True)
class Part:
    """A leaf with bytes, or a container with children (RFC 2045, RFC 2046)."""

    path: str
    """Such as "1.2"; unique in its mail."""
    headers: Headers = ()
    """The part's own fields; of the root, those of the mail. Encoded words may be decoded already."""
    content_type: str = ""
    """As the provider tells it; "" to take it from ``headers``."""
    filename: str = ""
    """As the provider tells it; "" to take it from ``headers``."""
    charset: str = ""
    """Of ``data``, where the provider has converted it; "" to believe ``headers``."""
    size: int | None = None
    """Decoded bytes; None to measure ``data``."""
    data: bytes | None = None
    """Decoded bytes; None where they come only when asked for."""
    ref: str = ""
    """The provider's handle for the bytes."""
    children: Sequence["Part"] = ()
    """Parts of a multipart; of a message/rfc822, the mail inside."""


@dataclass(frozen=True, slots=True)
class Described:
    """A part with what its fields say about it, read once."""

    part: Part
    content_type: str
    """Lower case; text/plain where it is missing or no type (RFC 2045 section 5.2)."""
    charset: str
    filename: str
    disposition: str
    """Lower case, "" where it is missing."""
    content_id: str
    flowed: bool = False
    """Plain text whose soft line breaks are to be undone (RFC 3676)."""
    deletes_space: bool = False
    """Whether the space before a soft line break goes with it (DelSp)."""


def describe(part: Part) -> Described:
    """Read the fields of ``part`` (RFC 2045, RFC 2183, RFC 2392, RFC 3676)."""
    declared, parameters = parse_parameters(header_of(part.headers, "content-type"))
    disposition, hints = parse_parameters(header_of(part.headers, "content-disposition"))
    content_type = part.content_type.strip().lower() or declared
    if content_type.count("/") != 1:
        content_type = "text/plain"
    charset = part.charset or parameters.get("charset", "")
    return Described(
        part=part,
        content_type=storable(content_type),
        charset=(_CHARSET.findall(charset) or [""])[0],
        filename=_filename(part, content_type, hints.get("filename") or parameters.get("name", "")),
        disposition=disposition,
        content_id=message_id(header_of(part.headers, "content-id")),
        flowed=content_type == "text/plain" and parameters.get("format", "").lower() == "flowed",
        deletes_space=parameters.get("delsp", "").lower() == "yes",
    )


def header_of(headers: Headers, name: str) -> str:
    """The first value of the field called ``name`` (lower case), unfolded; "" where it is missing."""
    for key, value in headers:
        if len(key) == len(name) and key.lower() == name:
            return unfold(value)
    return ""


def safe_filename(name: str) -> str:
    """The last component of a path, without control or direction characters, of at most 255 characters.

    Direction overrides would let ``exe.fdp`` be shown as ``pdf.exe`` (Unicode TR 36 section 2.10.2).
    """
    name = _NOT_IN_FILENAME.sub("", storable(name)).replace("\\", "/").rpartition("/")[2]
    name = " ".join(name.split()).strip(". ")
    if len(name) <= MAX_FILENAME_LENGTH:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > 20:
        return name[:MAX_FILENAME_LENGTH]
    return stem[: MAX_FILENAME_LENGTH - len(extension) - 1] + dot + extension


def _filename(part: Part, content_type: str, declared: str) -> str:
    name = safe_filename(decode_words(part.filename or declared))
    if name:
        return name
    if content_type in {"message/rfc822", "message/global"}:
        inner = part.children[0].headers if part.children else ()
        subject = decode_words(header_of(inner, "subject")).replace("/", "-").replace("\\", "-")
        return safe_filename(f"{subject or 'message'}.eml")
    return "invite.ics" if content_type == "text/calendar" else ""
