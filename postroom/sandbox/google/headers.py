"""Header fields as the Gmail API shows them, and the few facts threading and search need.

The documentation does not say whether values are decoded. Answers recorded from production beside the
raw mail show it: encoded-words are decoded (`=?iso-2022-jp?B?...?=` comes as Japanese text), a fold of
one space or tab becomes a space, and a longer fold keeps its white space. How Gmail writes a decoded
display name that holds a comma was not found; here it is put in quotes, which any address parser reads.
"""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from email.policy import compat32
from quopri import decodestring

_FOLD = re.compile(r"\r?\n([ \t]*)")
_WORD = r"=\?[^?\s*]+(?:\*[^?\s]*)?\?[bBqQ]\?[^?\r\n]*\?="
_WORDS = re.compile(rf"{_WORD}(?:\s+{_WORD})*")
_ONE_WORD = re.compile(r"=\?([^?\s*]+)(?:\*[^?\s]*)?\?([bBqQ])\?([^?\r\n]*)\?=")
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")
_MESSAGE_ID = re.compile(r"<([^<>\s]+)>")
_REPLY = re.compile(r"^(?:\s*(?:re|fwd?|aw|wg|sv|antw)\s*(?:\[\d+\])?\s*:\s*)+", re.IGNORECASE)
_SPECIALS = re.compile(r'[()<>\[\]:;@\\,."]')
_ADDRESSES = frozenset({"from", "to", "cc", "bcc", "sender", "reply-to"})

UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError)
"""What the standard library's parser raises on bytes that are no mail; Gmail accepts such bytes too."""

Header = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Envelope:
    """What delivery and search read of a mail's header."""

    message_id: str
    ancestors: tuple[str, ...]
    """In-Reply-To and References, nearest first."""
    subject: str
    topic: str
    """The subject without reply and forward marks, case-folded."""
    from_: str
    to: str
    """To, Cc and Bcc joined, decoded."""
    date: str


def envelope(raw: bytes) -> Envelope:
    """Read the header block of ``raw``; never raises, whatever the bytes."""
    values: dict[str, str] = {}
    for name, value in header_block(raw):
        key = name.lower()
        values[key] = f"{values[key]}, {value}" if key in values and key in _ADDRESSES else value
    subject = values.get("subject", "")
    return Envelope(
        message_id=_first_id(values.get("message-id", "")),
        ancestors=_ancestors(values.get("in-reply-to", ""), values.get("references", "")),
        subject=subject,
        topic=_REPLY.sub("", subject).strip().casefold(),
        from_=values.get("from", ""),
        to=", ".join(values[key] for key in ("to", "cc", "bcc") if key in values),
        date=values.get("date", ""),
    )


def header_block(raw: bytes) -> list[Header]:
    """The top header of a mail, without reading its body."""
    end = _END_OF_HEADERS.search(raw)
    block = raw[: end.end()] if end else raw
    try:
        return shown(BytesHeaderParser(policy=compat32).parsebytes(block).raw_items())
    except UNREADABLE:
        return []


def shown(items: Iterable[tuple[str, object]]) -> list[Header]:
    """Raw header fields (surrogate-escaped, folded) as the API shows them, in order."""
    return [(readable(name), _show(name, str(value))) for name, value in items]


def _show(name: str, value: str) -> str:
    text = unfold(readable(value))
    return decode_words(text, quote=name.lower() in _ADDRESSES) if "=?" in text else text


def readable(value: str) -> str:
    """Bytes that the parser escaped as surrogates, read as UTF-8 or else as Windows-1252."""
    if value.isascii():
        return value
    return to_text(value.encode("utf-8", "surrogateescape"), "utf-8")


def unfold(value: str) -> str:
    return _FOLD.sub(lambda fold: fold[1] if len(fold[1]) > 1 else " ", value).strip("\r\n")


def decode_words(text: str, *, quote: bool = False) -> str:
    """Decode RFC 2047 encoded-words, joining neighbours so that a split character survives."""
    return _WORDS.sub(
        lambda found: _decode_run(found[0], quote and not _in_quotes(text, found.start())), text
    )


def _decode_run(run: str, quote: bool) -> str:
    pieces: list[tuple[str, bytes]] = []
    for charset, encoding, data in _ONE_WORD.findall(run):
        if pieces and pieces[-1][0].lower() == charset.lower():
            pieces[-1] = (charset, pieces[-1][1] + _word_bytes(encoding, data))
        else:
            pieces.append((charset, _word_bytes(encoding, data)))
    text = "".join(to_text(data, charset) for charset, data in pieces)
    text = text.replace("\r", "").replace("\n", "")
    if quote and _SPECIALS.search(text):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return text


def _word_bytes(encoding: str, data: str) -> bytes:
    octets = data.encode("utf-8", "surrogateescape")
    if encoding in "qQ":
        return decodestring(octets, header=True)
    try:
        return b64decode(octets + b"=" * (-len(octets) % 4))
    except (Base64Error, ValueError):
        return octets


def to_text(data: bytes, charset: str) -> str:
    """Text in ``charset``; where that is unknown or does not fit, UTF-8, else Windows-1252."""
    for name in (charset or "utf-8", "utf-8"):
        try:
            return data.decode(name).encode("utf-8", "replace").decode("utf-8")
        except (LookupError, UnicodeError, ValueError):
            continue
    return data.decode("cp1252", "replace")


def _in_quotes(text: str, position: int) -> bool:
    return text.count('"', 0, position) % 2 == 1


def _first_id(value: str) -> str:
    found = _MESSAGE_ID.search(value)
    return found[1] if found else value.strip()


def _ancestors(in_reply_to: str, references: str) -> tuple[str, ...]:
    near = _MESSAGE_ID.findall(in_reply_to)
    return tuple(dict.fromkeys([*near, *reversed(_MESSAGE_ID.findall(references))]))
