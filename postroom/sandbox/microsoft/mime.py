"""A raw mail as Exchange takes it apart: one body, a flat list of attachments, the header fields.

Read with the standard library's ``email`` package. Sources: "message resource type" (body, bodyPreview of
255 characters, hasAttachments without inline ones, internetMessageId), "attachment resource type" and its
three kinds. Exchange keeps one body only: the HTML where there is some. Graph gives bodies as HTML unless
asked otherwise ("Get message", Prefer: outlook.body-content-type).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from email.utils import getaddresses, parsedate_to_datetime
from functools import lru_cache
from html import escape, unescape

from ..google.headers import UNREADABLE, decode_words, header_block, readable, to_text, unfold
from ..google.mail import Mail

Header = tuple[str, str]

_TAGS = re.compile(r"(?is)<(script|style|head|title)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>")
_UNSAFE = re.compile(r"(?is)<script\b.*?</script\s*>|\son\w+\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s>]+)")
_PREVIEW = 255
_PLAIN = '<html><head></head><body><div class="PlainText">{}</div></body></html>'
_DECLARED = re.compile(rb"<meta[^>]{0,200}charset=[\"']?([\w-]{1,40})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Body:
    """The one body that is kept."""

    is_html: bool
    content: str

    def html(self, *, unsafe: bool) -> str:
        """As HTML; without script unless ``unsafe`` (Prefer: outlook.allow-unsafe-html)."""
        if not self.is_html:
            return _PLAIN.format(escape(self.content).replace("\n", "<br>\r\n"))
        return self.content if unsafe else _UNSAFE.sub("", self.content)

    def text(self) -> str:
        return unescape(_TAGS.sub(" ", self.content)) if self.is_html else self.content

    def preview(self) -> str:
        return " ".join(self.text()[: _PREVIEW * 20].split())[:_PREVIEW]


@dataclass(frozen=True, slots=True)
class Attached:
    """One attachment of the flat list."""

    kind: str
    """file, item or reference."""
    name: str
    content_type: str
    content: bytes
    inline: bool = False
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A mail taken apart."""

    headers: tuple[Header, ...]
    """As on the wire, unfolded; encoded words stay."""
    shown: tuple[Header, ...]
    """Decoded."""
    body: Body
    attachments: tuple[Attached, ...]

    def first(self, name: str) -> str:
        return next((value for key, value in self.shown if key.lower() == name), "")

    def people(self, name: str) -> list[tuple[str, str]]:
        """Name and address of everyone in a field."""
        values = [value for key, value in self.shown if key.lower() == name]
        return [(who, address) for who, address in getaddresses(values) if address]

    def sent_at(self) -> float | None:
        """The Date field, in seconds since the epoch."""
        try:
            return parsedate_to_datetime(self.first("date")).timestamp()
        except (TypeError, ValueError, OverflowError):
            return None


@lru_cache(4096)
def parse(mail: Mail) -> Parsed:
    """Take a mail apart; never raises, whatever the bytes."""
    shown = tuple(header_block(mail.raw))
    try:
        root = BytesParser(policy=compat32).parsebytes(mail.raw)
        headers = tuple((readable(n), unfold(readable(str(v)))) for n, v in root.raw_items())
        parts = list(_leaves(root, alternative=False))
        main = _main(parts)
        body = Body(main is not None and main.get_content_type() == "text/html", _text(main))
        attached = tuple(
            _attached(part, body.content) for part, spare in parts if part is not main and not spare
        )
    except UNREADABLE:
        return Parsed(shown, shown, Body(False, to_text(mail.raw, "utf-8")), ())
    return Parsed(headers, shown, body, attached)


def _leaves(part: Message, *, alternative: bool) -> Iterator[tuple[Message, bool]]:
    """Every leaf, and whether it is only another form of the body."""
    payload = part.get_payload()
    if part.is_multipart() and part.get_content_maintype() == "multipart" and isinstance(payload, list):
        is_alternative = part.get_content_subtype() == "alternative"
        for child in payload:
            if isinstance(child, Message):
                yield from _leaves(child, alternative=alternative or is_alternative)
    else:
        yield part, alternative and part.get_content_maintype() == "text" and not _is_file(part)


def _main(parts: list[tuple[Message, bool]]) -> Message | None:
    texts = [part for part, _ in parts if part.get_content_maintype() == "text" and not _is_file(part)]
    for kind in ("text/html", "text/plain"):
        for part in texts:
            if part.get_content_type() == kind:
                return part
    return None


def _is_file(part: Message) -> bool:
    return part.get_content_disposition() == "attachment" or bool(part.get_filename())


def _text(part: Message | None) -> str:
    if part is None:
        return ""
    data = _content(part)
    charset = str(part.get_content_charset() or "")
    declared = _DECLARED.search(data[:2048]) if not charset else None
    text = to_text(data, declared[1].decode("ascii") if declared else charset)
    return text.replace("\r\n", "\n")


def _attached(part: Message, body: str) -> Attached:
    kind = part.get_content_type()
    content_id = str(part.get("Content-ID", "")).strip().strip("<>")
    shown = bool(content_id) and f"cid:{content_id}" in body
    inline = shown or part.get_content_disposition() == "inline"
    if kind == "message/rfc822":
        inner = part.get_payload()
        mail = inner[0] if isinstance(inner, list) and isinstance(inner[0], Message) else part
        subject = next((v for n, v in header_block(mail.as_bytes()) if n.lower() == "subject"), "")
        return Attached("item", subject or "Message", kind, mail.as_bytes())
    name = _filename(part) or ("image" if inline else "attachment")
    return Attached("file", name, kind, _content(part), inline, content_id)


def _filename(part: Message) -> str:
    return decode_words(unfold(readable(part.get_filename() or "")))


def _content(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""
