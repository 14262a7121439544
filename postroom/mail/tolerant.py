"""A MIME reader that refuses nothing, for what fast-mail-parser refuses.

It cuts exactly along the delimiters (RFC 2046 section 5.1) and keeps what lies between them as it is.
The standard library's parser is not used: it costs time in lines times depth, and of an embedded mail it
gives a rewriting rather than the bytes.
"""

import re
from collections.abc import Iterator

from postroom.errors import MessageError
from postroom.mail.headers import split_headers
from postroom.mail.parameters import parse_parameters
from postroom.mail.parts import MAX_DEPTH, MAX_PARTS, TOO_DEEP, TOO_MANY_PARTS, Headers, Part, header_of
from postroom.mail.transfer import decode_transfer

_HEADER_END = re.compile(rb"\n\r?\n|\r\r|\r\n\r\n")
_FIELD = re.compile(rb"(?:[ \t][^\r\n]*+\r?\n)*+[!-9;-~]++[ \t]*+:")
_BLANK_LINE = re.compile(rb"\r?\n")
_MESSAGES = frozenset({"message/rfc822", "message/global"})


class TolerantReader:
    """Reads one mail; ``defects`` says afterwards what had to be repaired."""

    def __init__(self) -> None:
        self.defects: list[str] = []
        self._parts = 0

    def read(self, source: bytes, path: str = "", default: str = "text/plain", depth: int = 0) -> Part:
        """The part in ``source``, header and body, and all parts below it.

        ``default`` is its content type where it names none (message/rfc822 in a digest, RFC 2046
        section 5.1.5). Raises ``MessageError`` for too many parts, or too deep.
        """
        self._refuse_hostile(depth)
        head, body = split_part(source)
        headers = split_headers(head)
        declared, parameters = parse_parameters(header_of(headers, "content-type"))
        content_type = declared or default
        boundary = parameters.get("boundary", "") if content_type.startswith("multipart/") else ""
        below = "message/rfc822" if content_type == "multipart/digest" else "text/plain"
        children = [
            self.read(piece, f"{path}.{number}".lstrip("."), below, depth + 1)
            for number, piece in enumerate(_pieces(body, boundary), 1)
        ]
        if children:
            return Part(path or "1", headers, content_type, children=children)
        return self._leaf(body, headers, content_type, path)

    def _refuse_hostile(self, depth: int) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise MessageError(TOO_MANY_PARTS)
        if depth > MAX_DEPTH:
            raise MessageError(TOO_DEEP)

    def _leaf(self, body: bytes, headers: Headers, content_type: str, path: str) -> Part:
        if content_type.startswith("multipart/"):
            content_type = "text/plain"
        data, defect = decode_transfer(body, header_of(headers, "content-transfer-encoding"))
        if defect:
            self.defects.append(defect)
        inner = [Part(f"{path}.1", split_headers(split_part(data)[0]))] if content_type in _MESSAGES else []
        return Part(path or "1", headers, content_type, data=data, children=inner)


def split_part(source: bytes) -> tuple[bytes, bytes]:
    """Header and body of a part. Where nothing like a header field begins it, all is body."""
    blank = _BLANK_LINE.match(source)
    if blank:
        return b"", source[blank.end() :]
    if not _FIELD.match(source):
        return b"", source
    end = _HEADER_END.search(source)
    return (source[: end.start()], source[end.end() :]) if end else (source, b"")


def _pieces(body: bytes, boundary: str) -> Iterator[bytes]:
    """What lies between the delimiter lines; the line break before one belongs to it.

    The closing delimiter may be missing, for mails get cut off.
    """
    start = -1
    for begin, end, closing in _delimiters(body, b"--" + boundary.encode("utf-8", "replace")):
        if start >= 0:
            yield body[start : max(start, begin)]
        start = -1 if closing else end
        if closing:
            return
    if start >= 0:
        yield body[start:]


def _delimiters(body: bytes, marker: bytes) -> Iterator[tuple[int, int, bool]]:
    """Where each delimiter with its line break before begins and ends, and whether it closes."""
    position = 0 if len(marker) > 2 else len(body)
    while (found := body.find(marker, position)) >= 0:
        position = found + len(marker)
        line_end = body.find(b"\n", position)
        line_end = len(body) if line_end < 0 else line_end + 1
        rest = body[position:line_end].strip()
        if (found == 0 or body[found - 1] in b"\r\n") and rest in {b"", b"--"}:
            begin = found - body[max(0, found - 2) : found].count(b"\n") - body.startswith(b"\r\n", found - 2)
            yield begin, line_end, rest == b"--"
            position = line_end
