"""Raw mail to a ``Message``.

fast-mail-parser reads the structure, and ``tolerant`` what that refuses, such as damaged base64. The
mail's own header is always split here, for an encoded word may be decoded only once the address around
it is understood; the parser is shown just the fields that shape the body.
"""

import re
from dataclasses import replace
from datetime import datetime

from fast_mail_parser import MimeStructureError, ParseError, PyMimePart, parse_email_tree

from postroom.errors import MessageError
from postroom.mail.assemble import MAX_HEADER_LENGTH, assemble
from postroom.mail.headers import split_headers
from postroom.mail.message import Message
from postroom.mail.parts import MAX_DEPTH, TOO_DEEP, Headers, Part, header_of
from postroom.mail.tolerant import TolerantReader, split_part
from postroom.mail.transfer import undo_uuencoding

MAX_SIZE = 100 * 1024 * 1024
"""Bytes of one mail, which is also all that fast-mail-parser takes. Gmail takes 50 MB."""

_BEFORE_HEADER = re.compile(
    # A byte order mark, blank lines and the "From " line of an mbox (RFC 4155), if a header field follows.
    rb"(?:\xef\xbb\xbf)?+(?:[ \t]*+\r?\n)*+(?:>?From [^\r\n]*+\r?\n)?+(?=[!-9;-~]++[ \t]*+:)"
)
_SHAPING = ("content-type", "content-transfer-encoding", "content-disposition", "content-id")
_MANY_DASHES = 20_000
"""Lines with "--" in front, from which on parts are counted while they are read, not after."""
_MOST_WORD_BYTES = 10_000_000_000
"""Beginnings of encoded words (RFC 2047) times bytes, from which on the fast parser may take more than a
fraction of a second: at each it looks at the rest of the field again, an hour for 20 MB of them."""


def read_mime(raw: bytes, *, received_at: datetime, id: str = "", thread: str = "") -> Message:
    """The mail in ``raw``, with its attachments' bytes. Whatever the bytes are, they are some mail.

    Raises ``MessageError`` only for one beyond reason: over 100 MB, its header over 1 MB, over 1,000
    parts or 100 levels of them.
    """
    if len(raw) > MAX_SIZE:
        raise MessageError("This mail is larger than 100 MB.")
    before = _BEFORE_HEADER.match(raw)
    header, body = split_part(raw[before.end() :] if before else raw)
    if len(header) > MAX_HEADER_LENGTH:
        raise MessageError("This mail's header is longer than 1 MB.")
    defects: list[str] = []
    root = _read_tree(split_headers(header), body, defects)
    return assemble(root, id=id, thread=thread, received_at=received_at, defects=defects)


def _read_tree(headers: Headers, body: bytes, defects: list[str]) -> Part:
    shaping = ((name, header_of(headers, name)) for name in _SHAPING)
    head = "".join(f"{name}: {value}\r\n" for name, value in shaping if value)
    source = head.encode("utf-8", "replace") + b"\r\n" + body
    root = _fast(source, headers)
    if root is None or _is_hollow(root):
        reader = TolerantReader()
        root = replace(reader.read(source), headers=headers)
        defects += reader.defects
    return root


def _fast(source: bytes, headers: Headers) -> Part | None:
    """The tree as fast-mail-parser reads it, None where it does not."""
    if source.count(b"\n--") > _MANY_DASHES or source.count(b"=?") * len(source) > _MOST_WORD_BYTES:
        return None
    try:
        return _part(parse_email_tree(source), "", headers, 0)
    except MimeStructureError:
        raise MessageError(TOO_DEEP) from None
    except ParseError:
        return None


def _is_hollow(part: Part) -> bool:
    """Whether a multipart came out empty: its boundary is missing, or another's beginning.

    The parser takes a line for a delimiter that only begins like it ("--b" in "--b_alt"), and so breaks up
    a multipart inside of another.
    """
    if part.content_type.startswith("multipart/") and not part.children:
        return not part.data
    return any(_is_hollow(child) for child in part.children)


def _part(node: PyMimePart, path: str, headers: Headers, depth: int) -> Part:
    if depth > MAX_DEPTH:
        raise MessageError(TOO_DEEP)
    below = [
        (child, f"{path}.{number}".lstrip("."), _fields(child))
        for number, child in enumerate(node.children, 1)
    ]
    if node.is_message:
        # An embedded mail is one attachment; of what is inside only the subject matters.
        children = [Part(place, fields) for _, place, fields in below]
    else:
        children = [_part(child, place, fields, depth + 1) for child, place, fields in below]
    data = node.content and undo_uuencoding(node.content, header_of(headers, "content-transfer-encoding"))
    return Part(path or "1", headers, node.content_type, data=data, children=children)


def _fields(node: PyMimePart) -> Headers:
    return [(name, value) for name, values in node.headers.items() for value in values]
