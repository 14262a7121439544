"""Bytes of a mail to text that every store and page can take.

A declared charset is believed where it decodes, for it is right more often than any guess. Whatever
comes, the result holds no U+0000 (PostgreSQL refuses it) and no lone surrogate (UTF-8 refuses it).
"""

import codecs
import re
from functools import lru_cache

_ALIASES = {
    # Mailers name the narrow charset and write its superset, as browsers assume (WHATWG Encoding Standard).
    "ascii": "utf-8",
    "us-ascii": "utf-8",
    "ansi_x3.4-1968": "utf-8",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252",
    "latin1": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "iso-8859-6-i": "iso-8859-6",
    "iso-8859-6-e": "iso-8859-6",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "ksc5601": "cp949",
    "euc-kr": "cp949",
    "gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "cp936": "gb18030",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
    "big5": "big5hkscs",
    "x-big5": "big5hkscs",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "unicode-1-1-utf-7": "utf-7",
    "unicode-1-1-utf-8": "utf-8",
    "utf8": "utf-8",
    "cp65001": "utf-8",
    "unicode": "utf-16",
}
_TEXT_CODECS = re.compile(
    r"(ascii|utf[-_]|iso|cp\d|koi8|mac|gb|big5|euc|shift|hz|johab|kz1048|ptcp154|hp)", re.ASCII
)
_SURROGATES = re.compile("[\ud800-\udfff]")
_FALLBACK = "cp1252"
_UTF8_MARK = codecs.BOM_UTF8


def decode_text(data: bytes, charset: str) -> tuple[str, str]:
    """``data`` as text, and what had to be repaired, "" where nothing was.

    ``charset`` as the mail declares it, "" where it does not. What it does not decode is read as UTF-8
    where that fits, else by whichever of the declared charset and windows-1252 loses less.
    """
    if data.isascii() and _reads_ascii(charset):
        return data.decode("ascii").replace("\0", ""), ""
    codec = "utf-8" if data.startswith(_UTF8_MARK) else codec_named(charset)
    for candidate in dict.fromkeys((codec, "utf-8")):
        text = _decode_strictly(data, candidate) if candidate else None
        if text is not None:
            return storable(text), _repair(charset, codec, candidate)
    return _decode_lossily(data, codec, charset)


def storable(text: str) -> str:
    """``text`` without U+0000 and with lone surrogates replaced by U+FFFD."""
    if "\0" in text:
        text = text.replace("\0", "")
    if text.isascii():
        return text
    return _SURROGATES.sub("\ufffd", text)


@lru_cache(maxsize=256)
def codec_named(charset: str) -> str:
    """The Python codec that reads what mail calls ``charset``; "" for an unknown one.

    Only charsets of mail: Python also lists codecs such as ``punycode`` that are no charset, and slow
    on long input.
    """
    name = re.sub(r"[^a-z0-9_.:-]", "", charset.lower())[:40]
    try:
        codec = codecs.lookup(_ALIASES.get(name, name or "utf-8")).name
    except LookupError:
        return ""
    return codec if _TEXT_CODECS.match(codec) else ""


def _reads_ascii(charset: str) -> bool:
    """Whether ASCII bytes are just ASCII text: not so in UTF-7, UTF-16, HZ and ISO 2022 (RFC 1468)."""
    return not codec_named(charset).startswith(("utf-7", "utf-16", "utf-32", "iso2022", "hz"))


def _decode_strictly(data: bytes, codec: str) -> str | None:
    try:
        text = data.decode(codec)
    except UnicodeError:
        return None
    return text.removeprefix("\ufeff")


def _repair(charset: str, codec: str, used: str) -> str:
    if not codec:
        return f"The charset {charset[:40]!r} is unknown; the text was read as {used}."
    if codec != used and charset:
        return f"The text is not {charset[:40]}; it was read as {used}."
    return ""


def _decode_lossily(data: bytes, codec: str, charset: str) -> tuple[str, str]:
    """One damaged character in a long text must not cost all the others their charset."""
    if codec:
        text = data.decode(codec, "replace")
        foreign = len(text) - len(text.encode("ascii", "ignore"))
        if text.count("\ufffd") * 10 <= foreign:
            return storable(text), f"Some characters are not {charset[:40] or codec}."
    text = data.decode(_FALLBACK, "replace")
    return storable(text), f"The text is not {charset[:40] or 'utf-8'}; it was read as windows-1252."
