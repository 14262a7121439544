"""Ten thousand keywords on a body of 100 kB: the policy's search beside what one would write first."""

import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from postroom.policy.keywords import Keywords, fold

KEYWORDS, BODY = 10_000, 100_000
PIECE = BODY // 100
SYLLABLES = [a + b for a in "bcdfghjklmnprstvw" for b in ("a", "e", "i", "o", "u", "an", "er", "in", "on")]
GERMAN = {"ban": "ä", "don": "ö", "lin": "ü", "ran": "ß", "tan": "Ä", "vin": "ü", "wer": "Ü"}
JAPANESE = "見積書御送特別価格新提案請求料金いろはにほへとちりぬるをオファーサービス"
FEW = (
    "offer",
    "special offer",
    "quote",
    "invoice",
    "C++",
    "50% off",
    "見積",
    "Angebot",
    "Rechnung",
    "urgent",
)

HITS_IN_WORDS, ONE_ROW = "a hit in every long word", "digits in a row"
HOSTILE = {HITS_IN_WORDS, ONE_ROW}

Row = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Case:
    """A kind of text, and keywords out of its own vocabulary that it does not hold."""

    name: str
    keywords: frozenset[str]
    body: str


def rows() -> Iterator[Row]:
    """What was measured, how long it took, the aim, and what it stands beside.

    No body holds a keyword as a word: that is the slowest case and, in a mailbox, the usual one. The first
    row has the other ways to do it; a loop of ``in``, which knows no edges of words, is beside each.
    """
    english = _english(random.Random(35))
    yield _making(english)
    for case in (english, *_others(english)):
        ready = Keywords.of(case.keywords)
        assert ready.find(case.body) is None
        taken = _milliseconds(lambda ready=ready, case=case: ready.find(case.body), 50)
        beside = f"a loop of `in`: {_loop(case):,.0f} ms"
        if case is english:
            beside = f"one pattern: {_pattern(case):,.0f} ms for a hundredth of it, {beside}"
        aim = "" if case.name in HOSTILE else "1.00 ms"
        yield f"{len(case.keywords):,} keywords, 100 kB, {case.name}", f"{taken:.2f} ms", aim, beside
    few = Keywords.of(frozenset(FEW))
    taken = _milliseconds(lambda: few.find(english.body), 50)
    yield f"{len(FEW)} keywords, 100 kB, {english.name}", f"{taken:.2f} ms", "", ""


def _english(rng: random.Random) -> Case:
    """Keywords of one to three words, and a body of lines and paragraphs."""
    vocabulary = ["".join(rng.choices(SYLLABLES, k=rng.choice((1, 2, 2, 3, 3, 4)))) for _ in range(8000)]
    words: list[str] = []
    while sum(map(len, words)) + len(words) < BODY:
        words += [*rng.choices(vocabulary, k=11), rng.choice((".\n", "\n", ",\n", ".\n\n"))]
    body = " ".join(words)[:BODY]
    flat, keywords = fold(body), set[str]()
    while len(keywords) < KEYWORDS:
        keyword = " ".join(rng.choices(vocabulary, k=rng.choice((1, 2, 2, 3)))) + rng.choice(("x", "q", ""))
        if keyword not in flat:
            keywords.add(keyword)
    return Case("English", frozenset(keywords), body)


def _others(english: Case) -> Iterator[Case]:
    rng = random.Random(36)
    yield Case("German", frozenset(map(_german, english.keywords)), _german(english.body))
    yield _japanese(rng)
    spaced = english.body.replace(" ", "  ").replace("\n", "\n \n\t")
    yield Case("two spaces for each", english.keywords, spaced[:BODY])
    yield Case(HITS_IN_WORDS, *_within(english))
    yield Case(ONE_ROW, frozenset("1" * length for length in range(1, 256)), "x" + "1" * BODY)


def _german(text: str) -> str:
    """With umlauts, capitals and typographic quotes, as a word processor sends them."""
    for plain, letter in GERMAN.items():
        text = text.replace(plain, letter)
    return re.sub(r"(\b\w)(\w*),", lambda found: f"„{found[1].upper()}{found[2]}“ –", text)


def _japanese(rng: random.Random) -> Case:
    characters = BODY // 3
    body = "".join("。\n" if rng.random() < 0.02 else rng.choice(JAPANESE) for _ in range(characters))
    keywords = set[str]()
    while len(keywords) < KEYWORDS:
        keyword = "".join(rng.choices(JAPANESE, k=rng.choice((5, 6, 7, 8))))
        if keyword not in body:
            keywords.add(keyword)
    return Case("Japanese", frozenset(keywords), body)


def _within(english: Case) -> tuple[frozenset[str], str]:
    """Every longer word of the body without its last letter: thousands of hits, none of them free."""
    words = english.body.split()
    whole = frozenset(word.strip(".,") for word in words)
    cut = frozenset(word[:-1] for word in whole if len(word) > 3) - whole
    return cut, english.body


def _pattern(case: Case) -> float:
    folded = sorted({fold(keyword) for keyword in case.keywords})
    one = re.compile("|".join(rf"(?<!\w){re.escape(each)}(?!\w)" for each in folded))
    flat = fold(case.body)[:PIECE]
    return _milliseconds(lambda: one.search(flat), 3)


def _loop(case: Case) -> float:
    flat, folded = fold(case.body), {fold(keyword) for keyword in case.keywords}
    return _milliseconds(lambda: [each in flat for each in folded], 3)


def _making(case: Case) -> Row:
    """Time and memory that a change of settings costs each process once."""
    before = _megabytes()
    kept: list[Keywords] = []
    taken = _milliseconds(lambda: kept.append(Keywords(case.keywords)), 5)
    grown = (_megabytes() - before) / len(kept)
    return f"Making {KEYWORDS:,} keywords ready", f"{taken:.0f} ms", "100 ms", f"{grown:.1f} MB"


def _megabytes() -> float:
    """Memory that this process takes, as far as it is in use."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def _milliseconds(work: Callable[[], object], times: int) -> float:
    """The processor's time of the best run: what else the machine does only ever adds."""
    taken: list[int] = []
    for _ in range(times):
        begun = time.process_time_ns()
        work()
        taken.append(time.process_time_ns() - begun)
    return min(taken) / 1e6


if __name__ == "__main__":
    for row in rows():
        print(" | ".join(row))
