"""The syntax of an address field, before anything is judged an address (RFC 5322 sections 3.4 and 4.4)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mail.address_field import mailboxes, phrase


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("Carol <c@x>", [("Carol", "c@x")]),
        ("Carol<c@x>", [("Carol", "c@x")]),
        ('"a\\"b" <c@x>', [('a"b', "c@x")]),
        ('"a, b" c <c@x>', [("a, b c", "c@x")]),
        ("<c@x> Carol", [("Carol", "c@x")]),
        ("<c@x> (Carol)", [("Carol", "c@x")]),
        ("c@x (a \\) b)", [("a \\) b", "c@x")]),
        ("A <a@x> B <b@x>", [("A", "a@x"), ("B", "b@x")]),
        ("Smith, John <j@x>, Doe, Jane <d@x>", [("Smith, John", "j@x"), ("Doe, Jane", "d@x")]),
        ("a@x, John <j@x>", [("", "a@x"), ("John", "j@x")]),
        ("Team: A <a@x>; b@x", [("A", "a@x"), ("", "b@x")]),
        ("<a@x, b@x>", [("", "a@x"), ("", "b@x")]),
        ("<@r1,@r2:c@x>", [("", "c@x")]),
        ("words only", []),
        ("", []),
        ("<>", [("", "")]),
        ("a@x (never closed, b@x", [("never closed", "a@x"), ("", "b@x")]),
        ('"never closed <a@x>, b@x', [("never closed", "a@x"), ("", "b@x")]),
        ("=?utf-8?q?A=2C_B?= <c@x>", [("A, B", "c@x")]),
        ("=?utf-8?q?A?= =?utf-8?q?B?= <c@x>", [("AB", "c@x")]),
    ],
)
def test_a_field_is_cut_into_names_and_spellings(value, found):
    assert list(mailboxes(value)) == found


def test_a_phrase_reads_as_its_words():
    assert phrase(['"a  \\"b\\""', " ", "=?utf-8?q?=C3=A4?="]) == 'a "b" ä'


@given(st.text())
def test_any_field_can_be_cut(value):
    for name, spelling in mailboxes(value):
        assert isinstance(name, str)
        assert isinstance(spelling, str)
