"""Header fields as senders write them: folds, encoded words, dates, message ids."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mail.headers import (
    MAX_IDS,
    decode_words,
    header_text,
    message_id,
    message_ids,
    parse_date,
    split_headers,
    unfold,
    without_comments,
)


@pytest.mark.parametrize("newline", ["\r\n", "\n", "\r"])
def test_a_folded_field_is_one_value_whatever_ends_its_lines(newline):
    block = "Subject: one\n two\n\tthree\nTo: a@x.example,\n  b@x.example\n".replace("\n", newline)
    assert split_headers(block.encode()) == [
        ("Subject", "one two three"),
        ("To", "a@x.example, b@x.example"),
    ]


@pytest.mark.parametrize(
    ("block", "fields"),
    [
        (b"", []),
        (b"Subject:", [("Subject", "")]),
        (b"Subject :x", [("Subject", "x")]),
        (b"no field\r\nSubject: x", [("Subject", "x")]),
        (b"two words: x\r\nSubject: y", [("Subject", "y")]),
        (b"A: 1\r\nA: 2\r\na: 3", [("A", "1"), ("A", "2"), ("a", "3")]),
        (b"A: b: c", [("A", "b: c")]),
        (b"A: x\r\n \r\n\ty", [("A", "x y")]),
        ("A: Grüße".encode(), [("A", "Grüße")]),
        ("A: Grüße".encode("cp1252"), [("A", "Grüße")]),
        (b" continues nothing\r\nA: x", [("A", "x")]),
    ],
)
def test_a_block_splits_into_fields_in_order(block, fields):
    assert split_headers(block) == fields


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?UTF-8?B?R3LDvMOfZQ==?=", "Grüße"),
        ("=?utf-8?B?R3LDvMOfZQ?=", "Grüße"),
        ("=?iso-8859-1?q?a_b=20c?=", "a b c"),
        ("=?utf-8*de?q?a?=", "a"),
        ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        ("=?utf-8?q?a?=\r\n =?utf-8?q?b?=", "ab"),
        ("=?utf-8?q?a?= and =?utf-8?q?b?=", "a and b"),
        ("x=?utf-8?q?a?=y", "xay"),
        ("=?utf-8?B?8J+Y?= =?utf-8?B?gA==?=", "😀"),
        ("=?utf-8?q?=F0=9F?= =?utf-8?q?=98=80?=", "😀"),
        ("=?iso-2022-jp?B?GyRCJUYlOSVIGyhC?=", "テスト"),
        ("=?gb2312?B?xOO6ww==?=", "你好"),
        ("=?unknown-8bit?q?caf=E9?=", "café"),
        ("=?utf-8?q?caf=E9?=", "café"),
        ("=?iso-8859-1?Q?Fr\u00f6sche?=", "Frösche"),
        ("=?utf-8?Q?Fr\u00f6sche?=", "Frösche"),
        ("=?utf-8?q?a?b?=", "a?b"),
        ("=?utf-8?q?unfinished", "=?utf-8?q?unfinished"),
        ("=?utf-8?x?a?=", "=?utf-8?x?a?="),
        ("=?utf-8?q??=", ""),
        ("=?utf-8?q?=00a?=", "a"),
        ("a\x00b\ud800", "ab\ufffd"),
    ],
)
def test_encoded_words_read_as_they_are_shown(value, text):
    assert decode_words(value) == text


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("Mon, 4 May 2026 12:00:00 +0000", datetime(2026, 5, 4, 12, tzinfo=UTC)),
        ("Mon, 4 May 2026 12:00:00 +0530", datetime(2026, 5, 4, 6, 30, tzinfo=UTC)),
        ("4 May 2026 12:00 -0700 (PDT)", datetime(2026, 5, 4, 19, tzinfo=UTC)),
        ("Mon, 4 May 2026 12:00:00 (EDT) -0400", datetime(2026, 5, 4, 16, tzinfo=UTC)),
        ("Mon, 4 May 2026 12:00:00 GMT", datetime(2026, 5, 4, 12, tzinfo=UTC)),
        ("Mon, 4 May 2026 12:00:00", datetime(2026, 5, 4, 12, tzinfo=UTC)),
        ("Mon, 4 May 2026 12:00:60 +0000", datetime(2026, 5, 4, 12, 0, 59, tzinfo=UTC)),
        ("Mon, 4\r\n May 2026 12:00:00 +0000", datetime(2026, 5, 4, 12, tzinfo=UTC)),
        ("4 May 126 12:00:00 +0000", datetime(2026, 5, 4, 12, tzinfo=UTC)),
        ("4 May 99 12:00:00 +0000", datetime(1999, 5, 4, 12, tzinfo=UTC)),
        ("Thu, 1 Jan 1970 00:00:00 +0000", datetime(1970, 1, 1, tzinfo=UTC)),
        ("Fri, 31 Dec 2100 23:59:59 +0000", datetime(2100, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2026-05-04T12:00:00Z", datetime(2026, 5, 4, 12, tzinfo=UTC)),
        ("2026-05-04 12:00:00+02:00", datetime(2026, 5, 4, 10, tzinfo=UTC)),
        ("Thu, 1 Jan 1969 00:00:00 +0000", None),
        ("Fri, 1 Jan 2101 00:00:00 +0000", None),
        ("Mon, 31 Feb 2026 12:00:00 +0000", None),
        ("Mon, 4 May 2026 25:00:00 +0000", None),
        ("Mon, 4 May 2026 12:00:00 +9999999", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_a_date_is_a_moment_in_utc(value, moment):
    assert parse_date(value) == moment


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("<a@x>", ("a@x",)),
        ("<a@x> <b@x>\r\n <c@x>", ("a@x", "b@x", "c@x")),
        ("<a@x><a@x>", ("a@x",)),
        ("Your mail of <a@x>", ("a@x",)),
        ("a@x b@x", ("a@x", "b@x")),
        ("<a b@x>", ("ab@x",)),
        ("no id", ()),
        ("<>", ()),
        ("", ()),
    ],
)
def test_every_message_id_of_a_field_is_found(value, ids):
    assert message_ids(value) == ids


@pytest.mark.parametrize(
    ("value", "found"), [("<a@x> <b@x>", "a@x"), ("no-at-sign", "no-at-sign"), ("<no-at>", "no-at"), ("", "")]
)
def test_the_message_id_is_the_first(value, found):
    assert message_id(value) == found


def test_a_field_of_many_ids_is_cut():
    assert len(message_ids(" ".join(f"<{n}@x>" for n in range(2 * MAX_IDS)))) == MAX_IDS


def test_comments_nest_and_go():
    assert without_comments("a (b (c) \\) d) e").split() == ["a", "e"]


def test_a_fold_is_one_space():
    assert unfold("  a\r\n  b\n\tc\rd ") == "a b c d"


ENCODED = st.text(alphabet=st.sampled_from("=?utf-8bqBQ _iso2022jp\r\n\tGyRC=E4\u00e4\ud800\0"))


@given(st.one_of(st.text(), ENCODED))
def test_any_value_decodes_to_text_that_can_be_stored(value):
    text = decode_words(value)
    text.encode()
    assert "\0" not in text


@given(st.text())
def test_any_value_is_some_date_or_none(value):
    moment = parse_date(value)
    assert moment is None or moment.tzinfo is UTC


@given(st.binary())
def test_any_bytes_are_some_fields(block):
    header_text(block).encode()
    for name, value in split_headers(block):
        assert name == name.strip() != ""
        assert "\n" not in value


@pytest.mark.parametrize("piece", ["=?utf-8?q?", "=?", "=?utf-8?q?a?= ", "?=", "=?a?b?=?", "(", "<", "\r\n "])
def test_a_megabyte_of_one_mark_decodes_too(piece):
    value = piece * (1_000_000 // len(piece))
    decode_words(value)
    message_ids(value)
    without_comments(value)
    split_headers(b"A: " + value.encode())
