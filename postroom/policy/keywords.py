"""Keywords in text (R-035).

Text and keywords are folded alike, and an Aho-Corasick automaton then finds every keyword in one walk
over the text, however many there are. A hit counts unless it is part of a longer word.

How other scripts than Latin are read:

- Upper and lower case are one by full case folding (Unicode 3.13), so "STRASSE" hits "Straße" and a final
  sigma is a sigma. "I", "İ", "ı" and "i" are one letter: which of them is the other's upper case depends
  on the language, which a mail does not tell.
- What a reader cannot see does not matter: soft hyphens, zero-width spaces, marks of writing direction,
  and the selectors that make a character a coloured or a plain picture.
- A hit never splits what a reader sees as one character: a letter from its accents and vowel signs, an
  emoji from its skin tone or from the others that it is joined with.
- Scripts written without spaces (Chinese, Japanese, Thai and those like them) show no edges of words, so
  a hit between their characters counts, and a line break between two of them is no space.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Protocol, cast

from ahocorasick import Automaton  # pyright: ignore[reportUnknownVariableType]

from postroom.errors import PostroomError

MAX_LENGTH = 255
"""Characters of a keyword."""

_ASCII_SPACES = "\t\n\v\f\r\x1c\x1d\x1e\x1f"
_INVISIBLE = re.compile(
    "[\xad\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe0e\ufe0f\ufeff]"
)
_UNSPACED = (
    "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\ua9e0-\ua9ff\uaa60-\uaadf"
    "\u3001-\u312f\u31a0-\u31ff\u3400-\u9fff\ua000-\ua4cf\uf900-\ufaff\uff66-\uff9f"
    "\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
"""Ranges of scripts without spaces: line breaking classes ID and SA of letters (Unicode annex 14)."""
_OF_UNSPACED = re.compile(f"[{_UNSPACED}]")
_WRAP = re.compile(f"\n(?<=[{_UNSPACED}]\n)(?=[{_UNSPACED}])")
_JOINER = "\u200d"
_JOINS_ON = re.compile(f"[{_JOINER}\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
"""What belongs to the character before: a joiner, a skin tone, a tag of a flag (Unicode annex 29)."""


class KeywordRefused(PostroomError):
    """A keyword has at least one character, and at most 255."""


def parse_keyword(text: str) -> str:
    """A keyword as it is kept: as typed, its white space tidied. Raises ``KeywordRefused``."""
    keyword = " ".join(text.split())
    if not fold(keyword) or len(keyword) > MAX_LENGTH:
        raise KeywordRefused
    return keyword


def fold(text: str) -> str:
    """The text as it is compared: what differs only in what R-035 ignores becomes the same."""
    if text.isascii():
        return _single_spaced(text).lower()
    text = _WRAP.sub("", _INVISIBLE.sub("", text).replace("\r\n", "\n"))
    folded = unicodedata.normalize("NFC", " ".join(text.split())).casefold()
    # Before the second normalisation, which folding makes necessary: an accent may follow on the "i".
    return unicodedata.normalize("NFC", folded.replace("i\u0307", "i").replace("ı", "i"))


class _Automaton(Protocol):
    """As much of pyahocorasick, which has no types, as is used."""

    def __len__(self) -> int: ...
    def add_word(self, word: str, value: tuple[int, str], /) -> bool: ...
    def make_automaton(self) -> None: ...
    def iter(self, text: str, /) -> Iterator[tuple[int, tuple[int, str]]]: ...


_new_automaton = cast("Callable[[], _Automaton]", Automaton)


class Keywords:
    """A set of keywords made ready; made once for a set and then kept (``Keywords.of``)."""

    def __init__(self, keywords: frozenset[str]) -> None:
        self._automaton = _new_automaton()
        # The last of two that fold alike stays, whatever order the set has.
        for keyword in sorted(keywords):
            folded = fold(keyword)
            if folded:
                self._automaton.add_word(folded, (len(folded), keyword))
        self._automaton.make_automaton()

    @staticmethod
    @lru_cache(maxsize=64)
    def of(keywords: frozenset[str]) -> "Keywords":
        """These keywords made ready; takes some 20 ms for 10,000 the first time."""
        return Keywords(keywords)

    def find(self, text: str) -> str | None:
        """The keyword that ends first in the text, the longest of those, as typed; None for no hit."""
        if not len(self._automaton):
            return None
        folded = fold(text)
        for last, (length, keyword) in self._automaton.iter(folded):
            if _is_free(folded, last + 1 - length, last + 1):
                return keyword
        return None


def _is_free(text: str, start: int, end: int) -> bool:
    """Whether what stands there is not part of a longer word or character."""
    if start > 0 and _holds(text[start - 1], text[start]):
        return False
    return end == len(text) or not _holds(text[end - 1], text[end])


def _holds(left: str, right: str) -> bool:
    """Whether two neighbours belong to one word, or to one character as a reader sees it."""
    if right == " ":
        return False
    if left == _JOINER or _is_mark(right) or _JOINS_ON.match(right):
        return True
    return _is_of_word(left) and _is_of_word(right)


def _is_of_word(character: str) -> bool:
    """Whether it is a letter, digit or accent of a script that parts its words by spaces."""
    if not (character.isalnum() or _is_mark(character)):
        return False
    return not _OF_UNSPACED.match(character)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")


def _single_spaced(text: str) -> str:
    """``" ".join(text.split())`` of ASCII, in a third of the time where most runs are single spaces."""
    for space in _ASCII_SPACES:
        text = text.replace(space, " ")
    while "  " in text:
        text = text.replace("  ", " ")
    return text.strip(" ")
