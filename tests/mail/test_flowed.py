"""RFC 3676: soft line breaks are no line breaks."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from postroom.mail.flowed import unflow
from postroom.mail.readable import readable_text
from postroom.policy.keywords import Keywords


@pytest.mark.parametrize(
    ("text", "paragraphs"),
    [
        ("special \noffer", "special offer"),
        ("special \r\noffer\r\nnow", "special offer\nnow"),
        ("one \ntwo \nthree\nfour", "one two three\nfour"),
        ("one\n\ntwo \n\nthree", "one\n\ntwo \nthree"),
        ("fixed\nlines", "fixed\nlines"),
        ("", ""),
        ("\n", "\n"),
        # Space-stuffing (section 4.4)
        (" From us", "From us"),
        ("  two", " two"),
        (" \n \nx", "\n\nx"),
        (" > no quote", " > no quote"),
        # Quotes (section 4.5)
        ("> special \n> offer", "> special offer"),
        (">> special \n>> offer\n> yes", ">> special offer\n> yes"),
        (">special \n>offer", "> special offer"),
        ("> special \n>> offer", "> special\n>> offer"),
        ("> special \nmine", "> special\nmine"),
        ("mine \n> special \n> offer", "mine\n> special offer"),
        ("> > not deeper", "> > not deeper"),
        (">\n> x", ">\n> x"),
        ("> no end ", "> no end"),
        ("no end ", "no end"),
        # Signatures (section 4.3)
        ("Bye\n-- \nRita", "Bye\n-- \nRita"),
        ("Bye \n-- \nRita \nRep", "Bye\n-- \nRita Rep"),
        ("> -- \n> Rita", "> -- \n> Rita"),
    ],
)
def test_paragraphs_are_made_of_flowed_lines(text, paragraphs):
    assert unflow(text, deletes_space=False) == paragraphs


@pytest.mark.parametrize(
    ("text", "paragraphs"),
    [
        ("見積 \n書を", "見積書を"),
        ("spe \ncial  \noffer", "special offer"),
        ("> spe \n> cial", "> special"),
        ("Bye\n-- \nRita", "Bye\n-- \nRita"),
    ],
)
def test_with_delsp_the_space_of_a_soft_break_goes_with_it(text, paragraphs):
    assert unflow(text, deletes_space=True) == paragraphs


@pytest.mark.parametrize(
    ("parameters", "text", "keyword"),
    [
        ("", "a special \noffer", "special offer"),
        ("", "> a special \n> offer", "special offer"),
        ("", ">> a special \n>> offer", "a special offer"),
        ("; delsp=yes", "a special of \nfer", "special offer"),
        ("; delsp=yes", "> a special of \n> fer", "special offer"),
    ],
)
def test_r035_a_keyword_hits_across_a_soft_line_break(read, parameters, text, keyword):
    message = read(f"Content-Type: text/plain; format=flowed{parameters}\n\n{text}\n")
    assert Keywords.of(frozenset({keyword})).find(readable_text(message)) == keyword


LINES = st.lists(
    st.sampled_from(["a", " b", "c ", "d  ", "", " ", "-- ", "> e", "> f ", ">> g ", ">", "> -- "])
)


@given(LINES, st.booleans())
@example(["> f ", ">> g ", "c "], False)
def test_quotes_stay_as_deep_and_no_word_is_lost(lines, deletes_space):
    made = unflow("\n".join(lines), deletes_space).split("\n")
    words = "".join("".join(lines).replace(">", "").split())
    assert "".join("".join(made).replace(">", "").split()) == words
    depths = [len(line) - len(line.lstrip(">")) for line in lines]
    assert {len(line) - len(line.lstrip(">")) for line in made} <= {*depths, 0}
    assert len(made) <= max(1, len(lines))


@given(st.lists(st.sampled_from(["a", "b", "", "> c", ">> d"]), min_size=1))
def test_text_without_soft_breaks_is_left_alone(lines):
    assert unflow("\n".join(lines), deletes_space=False) == "\n".join(lines)
