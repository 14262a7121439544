"""Content-Transfer-Encoding: a part's bytes as they were before sending (RFC 2045 section 6)."""

import binascii
import re

BROKEN_BASE64 = "Some base64 was damaged; what could be decoded was kept."

_UUENCODED = frozenset({"x-uuencode", "x-uue", "uuencode", "x-uu", "uue"})
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} [^\r\n]*\r?\n", re.MULTILINE)
_BASE64_LINE = re.compile(rb"^[A-Za-z0-9+/]++=*+[ \t]*+\r?$", re.MULTILINE)
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]+")
_PADDING = re.compile(rb"=+")


def decode_transfer(data: bytes, encoding: str) -> tuple[bytes, str]:
    """The decoded bytes, and what had to be repaired, "" for nothing.

    An unknown encoding leaves the bytes as they are, as RFC 2045 section 6.4 has it for 7bit and 8bit.
    """
    encoding = encoding.strip().lower()
    if encoding == "base64":
        decoded, sound = base64_bytes(data)
        return decoded, "" if sound else BROKEN_BASE64
    if encoding == "quoted-printable":
        return binascii.a2b_qp(data), ""
    return undo_uuencoding(data, encoding), ""


def base64_bytes(data: bytes) -> tuple[bytes, bool]:
    """What decodes of ``data``, and whether it was sound.

    Of damaged data the lines that are base64 count, so that a footer put below does not; where there is
    none, every character that is. Padding may be missing, or come in the middle.
    """
    try:
        return binascii.a2b_base64(b"".join(data.split()), strict_mode=True), True
    except binascii.Error:
        kept = _NOT_BASE64.sub(b"", b"".join(_BASE64_LINE.findall(data)) or data)
    return b"".join(_unpadded(chunk) for chunk in _PADDING.split(kept)), False


def undo_uuencoding(data: bytes, encoding: str) -> bytes:
    """The file in a uuencoded part, by the habit that POSIX names ``uuencode``; other data unchanged."""
    begin = _UU_BEGIN.search(data) if encoding.strip().lower() in _UUENCODED else None
    if not begin:
        return data
    decoded: list[bytes] = []
    for line in data[begin.end() :].splitlines():
        if line.strip() in {b"", b"`", b"end"}:
            break
        decoded.append(_uu_line(line))
    return b"".join(decoded)


def _unpadded(chunk: bytes) -> bytes:
    chunk = chunk[:-1] if len(chunk) % 4 == 1 else chunk
    return binascii.a2b_base64(chunk + b"=" * (-len(chunk) % 4))


def _uu_line(line: bytes) -> bytes:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        # Some encoders count the line short of its characters; its length byte says what is real.
        characters = (((line[0] - 32) & 63) * 4 + 5) // 3
        try:
            return binascii.a2b_uu(line[:characters])
        except binascii.Error:
            return b""
