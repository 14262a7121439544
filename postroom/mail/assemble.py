"""A MIME tree to a ``Message``: which parts are the body, which are attachments, what the header says.

The one place that decides this, for raw mail as for a provider's parsed JSON, so that a mail reads the
same whichever way it came. What is unreasonably big is refused or cut, never silently.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from types import MappingProxyType
from urllib.parse import unquote

from postroom.errors import MessageError
from postroom.mail.addresses import parse_addresses
from postroom.mail.charsets import decode_text, storable
from postroom.mail.flowed import unflow
from postroom.mail.headers import decode_words, message_id, message_ids, parse_date, unfold
from postroom.mail.message import Address, Attachment, Message
from postroom.mail.parts import (
    MAX_DEPTH,
    MAX_PARTS,
    TOO_DEEP,
    TOO_MANY_PARTS,
    Described,
    Headers,
    Part,
    describe,
)
from postroom.mail.readable import html_to_text

MAX_HEADER_LENGTH = 1024 * 1024
"""Characters of all the mail's own header fields together."""
MAX_VALUE_LENGTH = 64 * 1024
"""Characters kept of one header field; addresses are read from the whole."""
MAX_BODY_SIZE = 5 * 1024 * 1024
"""Bytes read of one text part, and characters kept of each body."""

_TOO_LONG = "The body was cut at 5 MB."

_ATTACHED_TEXT = frozenset(
    f"text/{subtype}"
    for subtype in (
        *("calendar", "csv", "vcard", "x-vcard", "directory", "rtf", "xml", "css", "javascript", "json"),
        *("rfc822-headers", "tab-separated-values", "x-diff", "x-patch"),
    )
)
"""Text that is a document to its reader; every other subtype reads as plain (RFC 2046 section 4.1.4)."""
_OTHER_FORMS = frozenset({"text/enriched", "text/richtext", "text/x-amp-html", "text/watch-html"})
"""In a multipart/alternative, the same text once more."""
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_CID_URL = re.compile(r"cid:([^\"'\s<>)]{1,998})", re.IGNORECASE)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset=[\"']?([\w-]{1,40})", re.IGNORECASE)
_META_WITHIN = 2048
_PLAIN_IN_HTML = '<div style="white-space: pre-wrap">{}</div>'


def assemble(
    root: Part, *, id: str, thread: str, received_at: datetime, defects: Sequence[str] = ()
) -> Message:
    """The mail whose MIME tree is ``root``.

    Raises ``MessageError`` for one with too many parts, too deep, or with too long a header.
    """
    _refuse_hostile(root)
    fields = _Fields(root.headers)
    body = _Body()
    body.sort([root], "mixed")
    text, html = body.text(), body.html()
    kept = fields.kept()
    return Message(
        id=id,
        thread=thread,
        message_id=message_id(fields.first("message-id")),
        date=parse_date(fields.first("date")),
        received_at=received_at,
        subject=_one_line(fields.first("subject")[:MAX_VALUE_LENGTH]),
        from_=_first_address(fields.first("from")),
        sender=_first_address(fields.first("sender")),
        to=fields.addresses("to"),
        cc=fields.addresses("cc"),
        bcc=fields.addresses("bcc"),
        reply_to=fields.addresses("reply-to"),
        in_reply_to=next(iter(message_ids(fields.first("in-reply-to"))), ""),
        references=message_ids(" ".join(fields.all("references"))),
        text=text,
        html=html,
        attachments=_attachments(body.attached, html),
        headers=kept,
        defects=tuple(dict.fromkeys([*defects, *fields.defects, *body.defects])),
    )


def _refuse_hostile(root: Part) -> None:
    waiting = [(root, 0)]
    for count, (part, depth) in enumerate(waiting):
        if count >= MAX_PARTS:
            raise MessageError(TOO_MANY_PARTS)
        if depth > MAX_DEPTH:
            raise MessageError(TOO_DEEP)
        waiting += [(child, depth + 1) for child in part.children]


class _Fields:
    """The mail's header fields by lower-case name."""

    def __init__(self, headers: Headers) -> None:
        if sum(len(name) + len(value) for name, value in headers) > MAX_HEADER_LENGTH:
            raise MessageError("This mail's header is longer than 1 MB.")
        self.defects: list[str] = []
        self._values: dict[str, list[str]] = {}
        for name, value in headers:
            self._values.setdefault(storable(name.strip().lower()), []).append(storable(unfold(value)))

    def all(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def first(self, name: str) -> str:
        """The first value that says something; mail programs show that one of several."""
        return next(filter(None, self.all(name)), "")

    def addresses(self, name: str) -> tuple[Address, ...]:
        """Of all fields of this name: none of the people on a mail may be missed (R-037)."""
        return parse_addresses(", ".join(self.all(name)))

    def kept(self) -> MappingProxyType[str, tuple[str, ...]]:
        return MappingProxyType(
            {name: tuple(self._cut(name, each) for each in values) for name, values in self._values.items()}
        )

    def _cut(self, name: str, value: str) -> str:
        if len(value) > MAX_VALUE_LENGTH:
            self.defects.append(f"The header {name[:40]} was cut at 64 KB.")
        return value[:MAX_VALUE_LENGTH]


@dataclass(slots=True)
class _Body:
    """Parts sorted into text body, HTML body and attachments, as RFC 8621 section 4.1.4 suggests."""

    texts: list[Described] = field(default_factory=list[Described])
    htmls: list[Described] = field(default_factory=list[Described])
    attached: list[Described] = field(default_factory=list[Described])
    defects: list[str] = field(default_factory=list[str])

    def sort(self, parts: Sequence[Part], kind: str, within: str = "") -> None:
        """Sort the ``parts`` of a multipart/``kind``.

        ``within`` names the one body they stand for, text/plain or text/html, inside of a
        multipart/alternative; it is "" where they belong to both.
        """
        start = len(self.texts), len(self.htmls)
        main = _main_part(parts, kind)
        for part in parts:
            described = describe(part)
            if part.children and described.content_type.startswith("multipart/"):
                self._descend(described, kind, within)
            elif kind == "alternative" and described.content_type in _OTHER_FORMS:
                continue
            elif not _is_body(described, kind, first=part is main):
                self.attached.append(described)
            else:
                self._show(described, _form(described) if kind == "alternative" else within)
        if kind == "alternative":
            self._complete(*start)

    def text(self) -> str:
        """The text body; "" where it is only another view of the HTML."""
        if all(_form(each) == "text/html" for each in self.texts):
            return ""
        pieces = (self._decoded(each) for each in self.texts)
        plain = (
            html_to_text(piece) if _form(each) == "text/html" else piece.replace("\r\n", "\n")
            for each, piece in zip(self.texts, pieces, strict=True)
        )
        return self._cut("\n".join(plain))

    def html(self) -> str:
        """The HTML body; plain text beside it, such as a mailing list's footer, becomes part of it."""
        if all(_form(each) != "text/html" for each in self.htmls):
            return ""
        pieces = (self._decoded(each) for each in self.htmls)
        marked = (
            piece if _form(each) == "text/html" else _PLAIN_IN_HTML.format(escape(piece))
            for each, piece in zip(self.htmls, pieces, strict=True)
        )
        return self._cut("\n".join(marked))

    def _descend(self, described: Described, kind: str, within: str) -> None:
        """Into a multipart. One inside of an alternative stands for the first text in it."""
        inner = described.content_type.removeprefix("multipart/")
        if kind == "alternative" and inner != "alternative":
            within = within or _first_form(described.part)
        self.sort(described.part.children, inner, within)

    def _show(self, described: Described, within: str) -> None:
        if within != "text/html":
            self.texts.append(described)
        if within != "text/plain":
            self.htmls.append(described)

    def _complete(self, texts: int, htmls: int) -> None:
        """An alternative in one form only is that form's text in both bodies."""
        if len(self.texts) == texts:
            self.texts += self.htmls[htmls:]
        elif len(self.htmls) == htmls:
            self.htmls += self.texts[texts:]

    def _decoded(self, described: Described) -> str:
        data = described.part.data or b""
        charset = described.charset
        if not charset and _form(described) == "text/html":
            declared = _META_CHARSET.search(data, 0, _META_WITHIN)
            charset = declared[1].decode("ascii", "replace") if declared else ""
        text, defect = decode_text(data[:MAX_BODY_SIZE], charset)
        if defect:
            self.defects.append(defect)
        if len(data) > MAX_BODY_SIZE:
            self.defects.append(_TOO_LONG)
        return unflow(text, described.deletes_space) if described.flowed else text

    def _cut(self, text: str) -> str:
        if len(text) > MAX_BODY_SIZE:
            self.defects.append(_TOO_LONG)
        return text[:MAX_BODY_SIZE]


def _main_part(parts: Sequence[Part], kind: str) -> Part | None:
    """The part the others of a multipart serve: the first, or the first text of a related (RFC 2387)."""
    if kind != "related":
        return next(iter(parts), None)
    texts = (part for part in parts if describe(part).content_type.startswith(("multipart/", "text/")))
    return next(texts, None)


def _is_body(described: Described, kind: str, *, first: bool) -> bool:
    """A text to be read here and now rather than a file beside it."""
    if described.disposition == "attachment" or described.part.data is None:
        return False
    if described.content_type in _ATTACHED_TEXT or not _form(described):
        return False
    return first or (kind != "related" and not described.filename)


def _form(described: Described) -> str:
    """text/html, text/plain, or "" for what is no text. A multipart in one piece is text, too."""
    if described.content_type == "text/html":
        return "text/html"
    return "text/plain" if described.content_type.startswith(("text/", "multipart/")) else ""


def _first_form(part: Part) -> str:
    """The form of the first text inside of ``part``, "" for both."""
    for child in part.children:
        described = describe(child)
        if described.content_type == "multipart/alternative":
            return ""
        form = _first_form(child) if child.children else _form(described)
        if form:
            return form
    return ""


def _attachments(attached: Sequence[Described], html: str) -> tuple[Attachment, ...]:
    named = html if any(each.content_id for each in attached) else ""
    shown = {unquote(url).strip() for url in _CID_URL.findall(named)}
    return tuple(
        Attachment(
            part=each.part.path,
            filename=each.filename,
            content_type=each.content_type,
            size=len(each.part.data or b"") if each.part.size is None else each.part.size,
            inline=each.disposition == "inline" or bool(each.content_id and each.content_id in shown),
            content_id=each.content_id,
            ref=each.part.ref,
            content=each.part.data,
        )
        for each in attached
    )


def _first_address(value: str) -> Address | None:
    return next(iter(parse_addresses(value)), None)


def _one_line(value: str) -> str:
    return _CONTROL.sub(" ", decode_words(value)).strip()
