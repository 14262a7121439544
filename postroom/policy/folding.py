"""Text as keywords are compared (R-035): what differs only in what a reader ignores becomes the same.

How other scripts than Latin are read:

- Upper and lower case are one by full case folding (Unicode 3.13), so "STRASSE" is "Straße" and a final
  sigma is a sigma. "I", "İ", "ı" and "i" are one letter: which of them is the other's upper case depends
  on the language, which a mail does not tell.
- What a reader cannot see does not matter: soft hyphens, zero-width spaces, marks of writing direction,
  and the selectors that make a character a coloured or a plain picture.
- A run of white space is one space. Scripts written without spaces (Chinese, Japanese, Thai and those
  like them) are wrapped anywhere, so there a line break between two characters is no space.
"""

import re
import unicodedata
from functools import lru_cache

UNSPACED = (
    "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\ua9e0-\ua9ff\uaa60-\uaadf"
    "\u3001-\u312f\u31a0-\u31ff\u3400-\u9fff\ua000-\ua4cf\uf900-\ufaff\uff66-\uff9f"
    "\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
"""Ranges of scripts without spaces: line breaking classes ID and SA of letters (Unicode annex 14)."""

_INVISIBLE = re.compile(
    "[\xad\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe0e\ufe0f\ufeff]"
)
_WRAP = re.compile(f"\n(?<=[{UNSPACED}]\n)(?=[{UNSPACED}])")
_ALONE = re.compile("[\x80-\u024f\u2000-\u206f\u20a0-\u20bf\u2190-\u27bf\ufe0e\ufe0f\U0001f300-\U0001faff]*+")
"""Latin letters, signs and pictures: what becomes of each does not depend on its neighbours."""
_MOSTLY_ASCII = 1.25
"""Bytes of UTF-8 a character."""
_BEGINNING, _MANY = 4096, 200
"""Bytes that tell how the rest of a text is spaced, and double spaces in them that are many."""
_ASCII = bytes(range(128))
_ASCII_SPACES = b"\t\n\v\f\r\x1c\x1d\x1e\x1f"
_OTHER_SPACES = "\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_LOWER = bytes.maketrans(b"\0" + _ASCII_SPACES, b"\x01" + b" " * len(_ASCII_SPACES)).lower()
"""Lower case, and spaces. U+0000, which no mail and no keyword holds, would end a string of C."""


def fold(text: str) -> str:
    """The text as it is compared. Folding what is folded changes nothing."""
    return fold_to_bytes(text).decode(errors="surrogatepass")


def fold_to_bytes(text: str) -> bytes:
    """The same in UTF-8."""
    text = text if text.isascii() else _beyond_ascii(text)
    return _single_spaced(text.encode(errors="surrogatepass").translate(_LOWER))


def _beyond_ascii(text: str) -> str:
    """The text with all but ASCII folded, and with a space for every character that is one.

    Text in Latin letters, which is nearly all ASCII, is not folded as a whole: it is quicker to look at
    what else is in it, and to replace those few characters one after another.
    """
    data = text.encode(errors="surrogatepass")
    if len(data) > len(text) * _MOSTLY_ASCII:
        return _in_any_script(text)
    others = data.translate(None, _ASCII).decode(errors="surrogatepass")
    if not _ALONE.fullmatch(others):
        return _in_any_script(text)
    for character in set(others):
        text = text.replace(character, _alone(character))
    return text


@lru_cache(maxsize=4096)
def _alone(character: str) -> str:
    return _in_any_script(character)


def _in_any_script(text: str) -> str:
    text = _WRAP.sub("", _INVISIBLE.sub("", text).replace("\r\n", "\n"))
    folded = unicodedata.normalize("NFC", text).casefold()
    # Before the second normalisation, which folding makes necessary: an accent may follow on the "i".
    text = unicodedata.normalize("NFC", folded.replace("i\u0307", "i").replace("ı", "i"))
    for space in _OTHER_SPACES:
        text = text.replace(space, " ")
    return text


def _single_spaced(data: bytes) -> bytes:
    """``b" ".join(data.split())`` where spaces are the only white space; quicker where most are single."""
    if data[:_BEGINNING].count(b"  ") > _MANY:
        return b" ".join(data.split())
    return b" ".join(filter(None, map(bytes.strip, data.split(b"  "))))
