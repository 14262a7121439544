"""R-035: text as it is compared, beside a definition that says it in the plainest way."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from postroom.policy.folding import fold, fold_to_bytes

INVISIBLE = {0xAD, 0x200B, 0x200C, 0x200E, 0x200F, 0xFE0E, 0xFE0F, 0xFEFF} | {
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2065),
    *range(0x2066, 0x206A),
}
SIGNS = (
    "aAiI .\n\r\t\x1c\x85\xa0\u2003\u2028\u3000\xad\u200b\u200d\u0301\u0307\u0308éÉÄßẞſİıŉǰµÿŸ„…€😀❤\ufe0f"
)
SCRIPTS = f"{SIGNS}ΣσςΆΐ\u0345Жй\u0306见見書か\u3099क\u093cि각\u1100\u1161ทีＡ"


def plainly(text: str) -> str:
    """What ``fold`` says, one step after the other over the whole text."""
    text = "".join(character for character in text if ord(character) not in INVISIBLE)
    text = text.replace("\r\n", "\n")
    seen = "".join(
        character
        for place, character in enumerate(text)
        if not (character == "\n" and _unspaced(text[place - 1 : place]) and _unspaced(text[place + 1 :]))
    )
    folded = unicodedata.normalize("NFC", " ".join(seen.split())).casefold()
    return unicodedata.normalize("NFC", folded.replace("i\u0307", "i").replace("ı", "i"))


def _unspaced(text: str) -> bool:
    scripts = ("CJK", "HIRAGANA", "KATAKANA", "COMBINING KATAKANA", "THAI", "IDEOGRAPHIC FULL")
    return text != "" and unicodedata.name(text[0], "").startswith(scripts)


@given(st.text(st.sampled_from(SCRIPTS), max_size=40))
@example("見\n書")
@example("見\r\n書")
@example("見\n\n書")
@example("a\n書")
def test_folding_is_what_its_steps_say(text):
    assert fold(text) == plainly(text)


@given(st.text(st.sampled_from(SIGNS), max_size=20))
@example("İ\u0301")
@example("A\u0308")
def test_latin_letters_among_much_ascii_fold_as_they_do_elsewhere(text):
    much = "Lorem ipsum dolor sit amet " * 20
    assert fold(much + text) == plainly(much + text)


@pytest.mark.parametrize("first", range(0x80, 0x3000, 0x80))
def test_each_character_folds_alike_among_much_ascii_and_alone(first):
    much = "a" * 60
    for character in map(chr, range(first, first + 0x80)):
        assert fold(f"{much}{character}b") == plainly(f"{much}{character}b")
        assert fold(f"a{character}b") == plainly(f"a{character}b")


def test_folded_bytes_are_the_folded_text_in_utf_8():
    assert fold_to_bytes("ÄRGER im  Büro\n") == "ärger im büro".encode()
    assert fold_to_bytes("見積\n書") == "見積書".encode()
    assert fold_to_bytes(" \n ") == b""


def test_a_lone_surrogate_is_a_character_like_any_other():
    assert fold("a \ud800 B") == "a \ud800 b"
    assert fold("A" * 60 + "\ud800 B") == "a" * 60 + "\ud800 b"


@given(st.text(st.sampled_from("  \n\ta"), max_size=60))
@example("a" + " " * 40 + "b")
@example("a  b\n\n " * 900)
@example("a b" * 2000 + "  a   b")
@example(" " * 7)
def test_any_run_of_spaces_is_one(text):
    assert fold_to_bytes(text) == b" ".join(text.encode().split())
