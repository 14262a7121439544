"""Header fields of a mail: unfolding, encoded words, dates and message ids (RFC 5322, RFC 2047).

Everything here takes what senders really write, gives what can be saved, and raises nothing.
"""

import binascii
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz

from postroom.mail.charsets import codec_named, decode_text, storable
from postroom.mail.transfer import base64_bytes

MAX_ID_LENGTH = 998
"""Characters of one message id; a line of a mail is no longer (RFC 5322 section 2.1.1)."""
MAX_IDS = 1000
"""Ids kept of one References field."""
FIRST_YEAR, LAST_YEAR = 1970, 2100
"""A Date outside of these is a broken clock, not a date."""

ENCODED_WORD = (
    r"=\?(?P<charset>[^?\s*]*+)(?:\*[^?\s]*+)?\?(?P<encoding>[bBqQ])\?"
    # The text may hold "?" and "=" against the rules, yet never the beginning of a further word; that
    # also keeps the search linear.
    r"(?P<text>(?:[^?=]++|\?(?!=)|=(?!\?(?!=)))*+)\?="
)
_WORDS = re.compile(ENCODED_WORD)
_FOLD = re.compile(r"(?:[\r\n]++[ \t]*+)++")
_BRACKETED_ID = re.compile(r"<([^<>]+)>")
_WHITE = re.compile(r"\s+")
_DATE_LENGTH = 200


def unfold(value: str) -> str:
    """One line: each fold becomes one space (RFC 5322 section 2.2.3)."""
    folded = "\n" in value or "\r" in value
    return (_FOLD.sub(" ", value) if folded else value).strip()


def header_text(raw: bytes) -> str:
    """The bytes of a header as text: UTF-8 (RFC 6532), else windows-1252 as old mailers wrote."""
    return decode_text(raw, "")[0]


def split_headers(block: bytes) -> list[tuple[str, str]]:
    """Name and value of every field in a header block, in order, as written but for unfolding.

    A line that is no field and continues none is passed over.
    """
    text = header_text(block)
    fields: list[tuple[str, str]] = []
    for field in re.split(r"(?:\r\n|\n|\r(?!\n))(?![ \t])", text):
        name, colon, value = field.partition(":")
        name = name.strip()
        if colon and name and not _WHITE.search(name):
            fields.append((name, unfold(value)))
    return fields


def decode_words(value: str) -> str:
    """``value`` with its encoded words (RFC 2047) decoded; what cannot be decoded stays as written.

    White space between two encoded words goes (section 6.2). Bytes of neighbours in one charset are
    joined first, for mailers do split characters between words against section 5.
    """
    value = unfold(value)
    if "=?" not in value:
        return storable(value)
    return storable("".join(_decoded_pieces(value)))


def parse_date(value: str) -> datetime | None:
    """The time in UTC that a Date field names (RFC 5322 sections 3.3 and 4.3); None for no real date.

    A missing or unknown zone counts as UTC. ISO 8601 is understood too, as some programs write it.
    """
    text = _WHITE.sub(" ", without_comments(storable(value[:_DATE_LENGTH]))).strip()
    try:
        moment = _rfc_date(text) or datetime.fromisoformat(text)
        if not FIRST_YEAR <= moment.year <= LAST_YEAR:
            return None
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def message_ids(value: str) -> tuple[str, ...]:
    """Every message id in a Message-ID, In-Reply-To or References value, without angle brackets.

    Without any bracket, each word with "@" is taken (RFC 5322 section 4.5.4 allows phrases beside ids).
    """
    found = _BRACKETED_ID.findall(value) or [word for word in value.split() if "@" in word]
    ids = (_WHITE.sub("", storable(each)).strip("<>,;") for each in found)
    return tuple(dict.fromkeys(each[:MAX_ID_LENGTH] for each in ids if each))[:MAX_IDS]


def message_id(value: str) -> str:
    """The id in a Message-ID value without angle brackets, "" where there is none."""
    found = message_ids(value)
    if found:
        return found[0]
    return _WHITE.sub("", storable(value)).strip("<>")[:MAX_ID_LENGTH]


def without_comments(value: str) -> str:
    """``value`` with each comment (RFC 5322 section 3.2.2) as one space; comments nest."""
    if "(" not in value:
        return value
    kept: list[str] = []
    depth = 0
    for piece in re.split(r"(\\.|[()])", value):
        if piece == "(":
            depth += 1
            kept.append(" ")
        elif piece == ")":
            depth = max(0, depth - 1)
        elif not depth:
            kept.append(piece)
    return "".join(kept)


def _decoded_pieces(value: str) -> Iterator[str]:
    pending: list[bytes] = []
    charset, end = "", 0
    for word in _WORDS.finditer(value):
        between = value[end : word.start()]
        apart = bool(between) and not between.isspace()
        if pending and (apart or word["charset"].lower() != charset):
            yield decode_text(b"".join(pending), charset)[0]
            pending.clear()
        if not end or not between.isspace():
            yield between
        pending.append(_word_bytes(word["encoding"], word["text"], word["charset"]))
        charset, end = word["charset"].lower(), word.end()
    yield decode_text(b"".join(pending), charset)[0]
    yield value[end:]


def _word_bytes(encoding: str, text: str, charset: str) -> bytes:
    """The bytes an encoded word stands for; raw 8-bit characters in it are in its charset, if they can be."""
    try:
        raw = text.encode("ascii" if text.isascii() else codec_named(charset) or "utf-8")
    except UnicodeError:
        raw = text.encode("utf-8", "replace")
    if encoding in "bB":
        return base64_bytes(raw)[0]
    return binascii.a2b_qp(raw, header=True)


def _rfc_date(text: str) -> datetime | None:
    fields = parsedate_tz(text)
    if fields is None:
        return None
    year, month, day, hour, minute, second = fields[:6]
    # Three digits count from 1900 (RFC 5322 section 4.3); a leap second has no datetime of its own.
    year = year + 1900 if 100 <= year < 1000 else year
    zone = timezone(timedelta(seconds=fields[9] or 0))
    return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone)
