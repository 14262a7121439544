"""Keywords in text (R-035).

Text and keywords are folded alike, and Hyperscan then finds every place where one may end in one walk over
the text, however many there are (docs/decisions/0013). A hit counts unless it is part of a longer word.

- A hit never splits what a reader sees as one character: a letter from its accents and vowel signs, an
  emoji from its skin tone or from the others that it is joined with.
- Scripts written without spaces (Chinese, Japanese, Thai and those like them) show no edges of words, so
  a hit between their characters counts.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from threading import Lock

import hyperscan

from postroom.errors import PostroomError
from postroom.policy.folding import UNSPACED, fold, fold_to_bytes

MAX_LENGTH = 255
"""Characters of a keyword."""

_TAIL = 16
"""Bytes at a keyword's end that are scanned for; the rest is compared where they are found."""
_STRETCH = 64 * 1024
"""Bytes scanned at a time: what one call may find has to fit into memory."""
_LONGEST_CHARACTER = 4
"""Bytes of a character in UTF-8."""
_ASCII_WORD = frozenset(b"0123456789abcdefghijklmnopqrstuvwxyz")
_OF_UNSPACED = re.compile(f"[{UNSPACED}]")
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


class Keywords:
    """A set of keywords made ready; made once for a set and then kept (``Keywords.of``)."""

    def __init__(self, keywords: frozenset[str]) -> None:
        # The last of two that fold alike stays, whatever order the set has.
        self._typed = {fold_to_bytes(keyword): keyword for keyword in sorted(keywords)}
        self._typed.pop(b"", None)
        lengths = _lengths_by_tail(self._typed)
        self._lengths = list(lengths.values())
        self._tails = _Tails(list(lengths)) if lengths else None

    @staticmethod
    @lru_cache(maxsize=64)
    def of(keywords: frozenset[str]) -> "Keywords":
        """These keywords made ready; takes some 100 ms for 10,000 the first time."""
        return Keywords(keywords)

    def find(self, text: str) -> str | None:
        """The keyword that ends first in the text, the longest of those, as typed; None for no hit."""
        if not self._tails:
            return None
        folded = fold_to_bytes(text)
        for end, tail in self._tails.ends(folded):
            if not _is_edge(folded, end):
                continue
            for start in (end - length for length in self._lengths[tail] if length <= end):
                keyword = self._typed.get(folded[start:end])
                if keyword is not None and _is_edge(folded, start):
                    return keyword
        return None


def _lengths_by_tail(keywords: dict[bytes, str]) -> dict[bytes, list[int]]:
    """The tails to look for, each with the lengths of the keywords that it ends, the longest first.

    No tail is the end of another, so that at one place in a text at most one of them ends. Otherwise "1",
    "11", "111" and so on would be found in a row of digits as often as its length squared.
    """
    lengths: dict[bytes, set[int]] = {}
    shortest = b""
    # Read backwards and sorted, what ends with a tail comes right behind it.
    for keyword in sorted(keywords, key=lambda keyword: keyword[: -_TAIL - 1 : -1]):
        tail = keyword[-_TAIL:]
        if not shortest or not tail.endswith(shortest):
            shortest = tail
        lengths.setdefault(shortest, set()).add(len(keyword))
    return {tail: sorted(each, reverse=True) for tail, each in lengths.items()}


class _Tails:
    """Finds where one of many short strings of bytes ends."""

    def __init__(self, tails: list[bytes]) -> None:
        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        self._database.compile(expressions=tails, literal=True)
        # Its scratch space serves one scan at a time, and a scan lets other threads run.
        self._scanning = Lock()

    def ends(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Each place in ``data`` where a tail ends, from left to right, and the tail's number."""
        for begin in range(0, len(data), _STRETCH):
            before = max(0, begin - _TAIL)
            for end, tail in self._scan(data[before : begin + _STRETCH]):
                yield before + end, tail

    def _scan(self, stretch: bytes) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []

        def note(tail: int, _start: int, end: int, _flags: int, _context: object) -> None:
            found.append((end, tail))

        with self._scanning:
            self._database.scan(stretch, note)
        # Hyperscan does not promise to report what it finds in order.
        return sorted(found)


def _is_edge(data: bytes, place: int) -> bool:
    """Whether a word or character that is whole may begin or end there."""
    if place in {0, len(data)}:
        return True
    left, right = data[place - 1], data[place]
    if left < 128 and right < 128:
        return left not in _ASCII_WORD or right not in _ASCII_WORD
    before = data[max(0, place - _LONGEST_CHARACTER) : place].decode(errors="ignore")
    after = data[place : place + _LONGEST_CHARACTER].decode(errors="ignore")
    return not _holds(before[-1:], after[:1])


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
