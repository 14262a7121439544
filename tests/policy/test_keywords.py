"""R-035: what a keyword hits."""

import random
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from postroom.policy.keywords import MAX_LENGTH, KeywordRefused, Keywords, fold, parse_keyword


def find(text: str, *keywords: str) -> str | None:
    return Keywords.of(frozenset(keywords)).find(text)


HITS = [
    # Case
    ("offer", "Our OFFER stands"),
    ("Offer", "our offer stands"),
    ("offer", "offer"),
    # A phrase, over white space of any kind
    ("special offer", "a special offer"),
    ("special offer", "a special\n  offer"),
    ("special offer", "a special\t\v\f\r\x1c\x1d\x1e\x1f offer"),
    ("special offer", "a special\r\noffer"),
    ("special offer", "a special\xa0offer"),
    ("special offer", "été special\u3000offer"),
    ("special  offer", "a special offer"),
    # Special characters are literal
    ("C++", "I write C++ and C"),
    ("C++", "C++11 is here"),
    ("50% off", "now 50% off!"),
    ("#42", "see #42."),
    ("#42", "issue#42"),
    ("a+", "a+b"),
    ("+a", "b+a"),
    (".NET", "ASP.NET"),
    ("a.b", "a.b"),
    ("[urgent]", "[URGENT] read"),
    ("$100", "US$100"),
    ("\\d+", "the pattern \\d+ is"),
    # Edges of words
    ("offer", "(offer)"),
    ("offer", "offer's"),
    ("offer", "pre-offer"),
    ("offer", "offer_2024"),
    ("offer", "coffer offer"),
    ("offer", "coffer, coffers, offer"),
    # Unicode
    ("café", "un CAFE\u0301 noir"),
    ("cafe\u0301", "un café noir"),
    ("Straße", "STRASSE 1"),
    ("strasse", "Straße 1"),
    ("STRAẞE", "straße"),
    ("istanbul", "İSTANBUL"),
    ("İstanbul", "istanbul"),
    ("ılık", "ILIK su"),
    ("ILIK", "ılık su"),
    ("ΟΔΟΣ", "η οδος"),
    ("οδος", "ΟΔΟΣ"),
    ("οδοσ", "οδος"),
    ("ПРЕДЛОЖЕНИЕ", "наше предложение"),
    ("हिन्दी", "यह हिन्दी है"),
    ("e\u0323\u0302", "ệ"),
    ("\u1fb4", "ΆΙ"),
    ("i\u0301", "İ\u0301"),
    # What a reader does not see
    ("offer", "of\xadfer"),
    ("offer", "of\u200bfer"),
    ("of\u200bfer", "offer"),
    ("offer", "\u200eoffer\u200f"),
    ("offer", "\ufeffoffer"),
    ("❤", "I ❤\ufe0f it"),
    ("❤\ufe0f", "I ❤ it"),
    # Emoji
    ("🎉", "won🎉🎉"),
    ("👩\u200d💻", "a 👩\u200d💻 writes"),
    ("👍🏽", "ok👍🏽"),
    ("🎉 party", "the 🎉 Party"),
    # Scripts without spaces
    ("見積", "御見積書を送ります"),
    ("見積書", "御見積\n書を送ります"),
    ("見積書", "御見積\r\n書を送ります"),
    ("オファー", "特別オファーです"),
    ("報價", "請看報價單"),
    ("ราคา", "ใบเสนอราคาใหม่"),
    ("PDF", "PDFを送ります"),
    ("PDF", "新しいPDF"),
    ("2024年", "令和6年2024年度"),
]


@pytest.mark.parametrize(("keyword", "text"), HITS)
def test_a_keyword_hits(keyword, text):
    assert find(text, keyword) == keyword


MISSES = [
    ("offer", "coffer"),
    ("offer", "offers"),
    ("offer", "offer2"),
    ("offer", "2offer"),
    ("offer", ""),
    ("special offer", "offer special"),
    ("special offer", "special, offer"),
    ("special offer", "specialoffer"),
    ("special offer", "special big offer"),
    ("specialoffer", "special offer"),
    ("#42", "see #421"),
    ("C++", "C+"),
    ("50% off", "50%off"),
    ("a.b", "axb"),
    ("été", "étés"),
    ("été", "éété"),
    ("ete", "été"),
    ("cafe", "cafe\u0301"),
    ("x", "x\u0331"),
    ("क", "कि"),
    ("हिन्द", "हिन्दी"),
    ("न्दी", "हिन्दी"),
    ("ਕ", "ਕਿਤਾਬ"),
    ("견적서", "견적서를"),
    ("предложен", "предложение"),
    ("👩", "👩\u200d💻"),
    ("💻", "👩\u200d💻"),
    ("👍", "👍🏽"),
    ("#", "#\ufe0f\u20e3"),
    ("🏴", "🏴\U000e0067\U000e0062\U000e007f"),
    ("ที", "ที่"),
    ("見積書", "見積\n\n書"),
    ("見積書", "見積 書"),
    ("見積a", "見積\na"),
    ("a見積", "a\n見積"),
    ("ab", "a\nb\xe9"),
    ("АВС", "ABC"),
]


@pytest.mark.parametrize(("keyword", "text"), MISSES)
def test_a_keyword_does_not_hit(keyword, text):
    assert find(text, keyword) is None


def test_without_keywords_nothing_is_found():
    assert find("offer") is None
    assert find("offer", "\u200b") is None


def test_the_keyword_that_ends_first_is_named_and_of_those_the_longest():
    assert find("b then a", "a", "b") == "b"
    assert find("a special offer", "offer", "special offer") == "special offer"
    assert find("a special offering", "special offer", "special") == "special"


def test_of_two_keywords_that_are_the_same_one_is_named_whatever_their_order():
    assert find("OFFER", "offer", "Offer", "OFFER") == "offer"


def test_a_set_of_keywords_is_made_ready_once():
    assert Keywords.of(frozenset({"a", "b"})) is Keywords.of(frozenset({"b", "a"}))


@pytest.mark.parametrize(
    ("typed", "kept"), [("offer", "offer"), ("  Special \t offer\n", "Special offer"), ("C++", "C++")]
)
def test_r032_a_keyword_is_kept_as_typed_with_tidy_spaces(typed, kept):
    assert parse_keyword(typed) == kept


@pytest.mark.parametrize("typed", ["", "  \n", "\u200b", "\xad \u200e", "x" * (MAX_LENGTH + 1)])
def test_a_keyword_without_a_character_or_with_too_many_is_refused(typed):
    with pytest.raises(KeywordRefused, match="A keyword has at least one character, and at most 255"):
        parse_keyword(typed)
    assert parse_keyword("x" * MAX_LENGTH)


letters = st.characters(categories=["L", "N"])
words = st.text(st.sampled_from("aAbBßéİıΣς#+-_ \n\t\u0301\u200b\u200d見कि👩🏽"), max_size=12)


@given(st.text())
@example("İ\u0301")
@example("\u03b1\u0345\u0301")
def test_folding_is_settled_after_once_and_blind_to_composition(text):
    folded = fold(text)
    assert fold(folded) == folded
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))


@given(st.text())
@example("i\u0307")
@example("ŉ")
def test_upper_and_lower_case_are_the_same(text):
    assert fold(text.upper()) == fold(text) == fold(text.lower())


@given(st.text(st.sampled_from(" \t\n\v\f\r\x1c\x1d\x1e\x1fab"), max_size=40))
@example("XX a XX")
def test_white_space_is_tidied_as_by_split(text):
    assert fold(text) == " ".join(text.split()).lower()
    assert fold(text + "é") == " ".join((text + "é").split()).lower()


@given(words, words, words)
def test_a_keyword_between_spaces_is_always_found(before, keyword, after):
    folded = fold(keyword)
    assume(folded and not unicodedata.category(folded[0]).startswith("M") and folded[0] not in "\u200d🏽")
    assert find(f"{before} {keyword} {after}", keyword) == keyword


@given(st.text(letters, min_size=1, max_size=5), st.text(letters, min_size=1, max_size=5))
def test_a_word_is_not_found_in_a_longer_one(keyword, rest):
    longer = fold(keyword + rest)
    unspaced = any(
        unicodedata.name(character, "").split(" ")[0] not in {"LATIN", "CYRILLIC", "GREEK", "DIGIT", "ARABIC"}
        for character in longer
    )
    assume(not unspaced)
    assume(fold(keyword) != fold(rest))
    assume(fold(keyword) not in longer[1:])
    assert find(keyword + rest, keyword) is None


@given(words, st.frozensets(words, max_size=5), words)
def test_one_keyword_more_never_hides_another(text, keywords, more):
    assert not (find(text, *keywords) and not find(text, *keywords, more))


@given(words, st.frozensets(words, max_size=5))
def test_many_keywords_find_what_each_alone_finds(text, keywords):
    alone = {keyword for keyword in keywords if find(text, keyword)}
    found = find(text, *keywords)
    assert (found is not None) is bool(alone)
    assert found is None or fold(found) in {fold(keyword) for keyword in alone}


def naively(text: str, keywords: frozenset[str]) -> str | None:
    """What ``find`` says: every place for every keyword, and both its edges."""
    folded, hits = fold(text), list[tuple[int, int, str]]()
    for keyword in sorted(keywords, reverse=True):
        wanted = fold(keyword)
        for start in range(len(folded)):
            end = start + len(wanted)
            if wanted and folded.startswith(wanted, start) and not (cut(folded, start) or cut(folded, end)):
                hits.append((end, -len(wanted), keyword))
    return min(hits, key=lambda hit: hit[:2])[2] if hits else None


def cut(text: str, place: int) -> bool:
    """Whether a word, or what a reader sees as one character, goes on over this place."""
    if place in {0, len(text)} or text[place] == " ":
        return False
    left, right = text[place - 1], text[place]
    clings = unicodedata.category(right)[0] == "M" or right in "\u200d\U0001f3fb\U0001f3fd"
    return left == "\u200d" or clings or (spaced(left) and spaced(right))


def spaced(character: str) -> bool:
    category, name = unicodedata.category(character)[0], unicodedata.name(character, "")
    return category in "LNM" and not name.startswith(("CJK", "HIRAGANA", "KATAKANA", "THAI"))


ALPHABETS = (
    *("ab 1.+\n", "aaaa1 ", "11112 ", "aAbBßéÉİıiΣσς#+-_ \n\t\u0301\u0307\u200b\xad\xa0"),
    *("見積書か。ガカ\u3099 \nab1", "कि\u093cन ी\u200d", "👩👨\u200d💻👍🏽🏻❤\ufe0f a", "ราคทีab "),
)
texts = st.sampled_from(ALPHABETS).flatmap(
    lambda alphabet: st.tuples(
        st.text(alphabet, max_size=60), st.frozensets(st.text(alphabet, max_size=25), max_size=8)
    )
)


@given(texts, st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), max_size=4))
@example(("\xe9a", frozenset({"\xe9", "a"})), [])
@example(("x aa", frozenset({"a", "aa", "aaaaaaaa"})), [])
def test_what_is_found_is_what_a_plain_search_finds(drawn, pieces):
    text, drawn_keywords = drawn
    keywords = drawn_keywords | {text[start : start + length] for start, length in pieces}
    assert find(text, *keywords) == naively(text, keywords)


LONG = "the quick brown fox jumps over the lazy dog"


@pytest.mark.parametrize(
    "keyword",
    [LONG, "dog", "lazy dog", "über den faulen hund hinweg", "👩\u200d💻 schreibt", "見積書を送ります"],
)
def test_a_keyword_is_found_wherever_it_stands_in_a_long_text(keyword):
    length = len(fold(keyword).encode())
    for place in (0, 65536 - length, 65536 - length // 2, 65535, 65536, 65537, 131072 - length // 2, 131072):
        filler = "x." * (place // 2) + "." * (place % 2)
        assert find(f"{filler}{keyword}", keyword, "absent") == keyword
        assert find(f"{filler}{keyword}", f"{keyword} now", "absent") is None


def test_keywords_with_the_same_end_are_told_apart():
    end = " which is longer than what is scanned for"
    assert find(f"an offer{end}", f"offer{end}", f"order{end}") == f"offer{end}"
    assert find(f"a coffer{end}", f"offer{end}", f"order{end}") is None
    assert find(f"a coffer{end}", f"offer{end}", f"order{end}", end) == end
    assert find(f"order{end}", f"an order{end}", f"der{end}") is None


def test_of_many_keywords_with_the_same_ends_the_longest_is_named():
    assert find("a z offer", "offer", "p", "z offer") == "z offer"
    assert find("a b-offer", "offer", "-offer", "b-offer", "ab", "z") == "b-offer"
    rng = random.Random(35)
    for _ in range(200):
        keywords = frozenset("".join(rng.choices("-+. ab", k=rng.randint(1, 6))) for _ in range(40))
        text = "".join(rng.choices("-+. ab", k=30))
        assert find(text, *keywords) == naively(text, keywords)


@pytest.mark.parametrize("letter", ["ŀ", "ѐ", "א", "\U00010400"])
def test_a_letter_whose_bytes_end_like_no_letter_of_ascii_holds_a_word_together(letter):
    assert find(f"{letter}a", "a") is None
    assert find(f"a{letter}", "a") is None
    assert find(f"{letter} a", "a") == "a"


def test_digits_in_a_row_are_found_only_where_they_stand_alone():
    keywords = ["1" * length for length in range(1, 256)]
    assert find("x" + "1" * 20_000, *keywords) is None
    assert find("x" + "1" * 20_000 + " " + "1" * 255 + " 1", *keywords) == "1" * 255


def test_of_ten_thousand_keywords_each_is_found():
    rng = random.Random(35)
    words = sorted({"".join(rng.choices("abcdefgäß見", k=rng.randint(2, 9))) for _ in range(4000)})
    keywords = [" ".join(rng.choices(words, k=rng.randint(1, 3))) for _ in range(10_000)]
    for keyword in rng.sample(keywords, 300):
        found = find(f"- {keyword} -", *keywords)
        assert found is not None
        assert fold(found) in fold(keyword)


def test_the_same_keywords_may_be_sought_from_many_threads():
    keywords = frozenset({"offer", "special", "order 1", "見積"})
    text = "coffers " * 20_000

    def seek(number: int) -> str | None:
        return Keywords.of(keywords).find(f"{text} order {number % 2}")

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(seek, range(64)))
    assert found == [None, "order 1"] * 32
