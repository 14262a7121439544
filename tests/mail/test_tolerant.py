"""The reader for what the fast parser refuses: it cuts along the delimiters and refuses nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import MessageError
from postroom.mail.parts import MAX_DEPTH, MAX_PARTS, Part
from postroom.mail.tolerant import TolerantReader, split_part


def tree(part: Part) -> object:
    """A part as its type, path and bytes, with those below it."""
    below = [tree(child) for child in part.children]
    return (part.path, part.content_type, below or part.data)


def read(source: str) -> object:
    return tree(TolerantReader().read(source.replace("\n", "\r\n").encode()))


MIXED = "Content-Type: multipart/mixed; boundary=b\n\n"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("Subject: x\n\nHi\n", ("1", "text/plain", b"Hi\r\n")),
        (MIXED + "before\n--b\n\none\n--b\n\ntwo\n--b--\nafter", [b"one", b"two"]),
        (MIXED + "--b\n\none\n\n--b--", [b"one\r\n"]),
        (MIXED + "--b \t\n\none\n--b-- \n", [b"one"]),
        (MIXED + "--b\n\none\n--bb\n-- b\n--b--", [b"one\r\n--bb\r\n-- b"]),
        (MIXED + "--b\n\nnever closed", [b"never closed"]),
        (MIXED + "--b\n--b\n\ntwo\n--b--", [b"", b"two"]),
        (MIXED + "--b--\n\nlater", ("1", "text/plain", b"--b--\r\n\r\nlater")),
        (MIXED + "no delimiter", ("1", "text/plain", b"no delimiter")),
        ("Content-Type: multipart/mixed\n\n--\n\none", ("1", "text/plain", b"--\r\n\r\none")),
        (MIXED + "--b\nContent-Transfer-Encoding: base64\n\naGk\n--b--", [b"hi"]),
    ],
)
def test_a_mail_is_cut_along_its_delimiters(source, found):
    if isinstance(found, list):
        found = ("1", "multipart/mixed", [(str(n), "text/plain", each) for n, each in enumerate(found, 1)])
    assert read(source) == found


def test_a_boundary_that_begins_another_tells_them_apart():
    source = (
        "Content-Type: multipart/mixed; boundary=b\n\n"
        "--b\nContent-Type: multipart/alternative; boundary=b_alt\n\n"
        "--b_alt\n\none\n--b_alt\n\ntwo\n--b_alt--\n--b\n\nthree\n--b--"
    )
    assert read(source) == (
        "1",
        "multipart/mixed",
        [
            ("1", "multipart/alternative", [("1.1", "text/plain", b"one"), ("1.2", "text/plain", b"two")]),
            ("2", "text/plain", b"three"),
        ],
    )


def test_a_part_of_a_digest_is_a_mail():
    source = "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: in\n\nHi\n--b--"
    root = TolerantReader().read(source.encode())
    assert root.children[0].content_type == "message/rfc822"
    assert root.children[0].children[0].headers == [("Subject", "in")]


def test_a_repair_is_told():
    reader = TolerantReader()
    reader.read(b"Content-Transfer-Encoding: base64\r\n\r\naGk!!!")
    assert reader.defects == ["Some base64 was damaged; what could be decoded was kept."]


@pytest.mark.parametrize("newline", [b"\r\n", b"\n", b"\r"])
def test_the_header_ends_at_the_first_empty_line(newline):
    head, body = split_part(newline.join([b"A: 1", b"B: 2", b"", b"C: 3", b""]))
    assert head.split() == [b"A:", b"1", b"B:", b"2"]
    assert body.strip() == b"C: 3"


@pytest.mark.parametrize(
    ("source", "head", "body"),
    [
        (b"", b"", b""),
        (b"\r\nbody", b"", b"body"),
        (b"no header here", b"", b"no header here"),
        (b"A: 1", b"A: 1", b""),
        (b"A: 1\r\n\r\n", b"A: 1", b""),
    ],
)
def test_what_does_not_begin_with_a_field_is_all_body(source, head, body):
    assert split_part(source) == (head, body)


def test_too_many_parts_are_refused():
    with pytest.raises(MessageError):
        TolerantReader().read((MIXED + "--b\n\nx\n" * (MAX_PARTS + 1)).encode())


def test_too_deep_a_mail_is_refused():
    levels = (f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(MAX_DEPTH + 2))
    with pytest.raises(MessageError):
        TolerantReader().read("".join(levels).encode())


LINES = st.sampled_from(
    ["--b", "--b--", "--b_", "", " ", "A: 1", "Content-Type: multipart/mixed; boundary=b", "x", "\r", "--"]
)


@given(st.binary() | st.lists(LINES).map(lambda lines: "\r\n".join(lines).encode()))
def test_any_bytes_are_some_part_or_too_deep(source):
    try:
        assert TolerantReader().read(source).path
    except MessageError:
        assert source.count(b"multipart/") > MAX_DEPTH
