"""Which parts of a MIME tree are the body, which are attachments, and what is cut."""

import pytest

from postroom.errors import MessageError
from postroom.mail.assemble import MAX_BODY_SIZE, MAX_HEADER_LENGTH, MAX_VALUE_LENGTH, assemble
from postroom.mail.message import Message
from postroom.mail.parts import MAX_DEPTH, MAX_PARTS, Part
from tests.mail.conftest import NOON


def part(content_type: str, data: bytes | str = b"", *children: Part, **headers: str) -> Part:
    fields = [("Content-Type", content_type)]
    fields += [(name.replace("_", "-"), value) for name, value in headers.items()]
    raw = data.encode() if isinstance(data, str) else data
    return Part("", fields, data=None if children else raw, children=children)


def multipart(kind: str, *children: Part) -> Part:
    return part(f"multipart/{kind}", b"", *children)


def numbered(node: Part, path: str = "") -> Part:
    children = [numbered(child, f"{path}.{n}".lstrip(".")) for n, child in enumerate(node.children, 1)]
    return Part(path or "1", node.headers, data=node.data, ref=node.ref, size=node.size, children=children)


def message(root: Part, **fields: str) -> Message:
    headers = [*root.headers, *((name.replace("_", "-"), value) for name, value in fields.items())]
    root = numbered(root)
    return assemble(
        Part(root.path, headers, data=root.data, children=root.children),
        id="1",
        thread="t",
        received_at=NOON,
    )


PLAIN, HTML = part("text/plain", "plain"), part("text/html", "<p>html</p>")
PDF = part("application/pdf; name=a.pdf", "%PDF", Content_Disposition="attachment")
PNG = part("image/png; name=a.png", "PNG", Content_ID="<logo@x>")
SHOWN = part("text/html", "<img src='cid:logo%40x'>")
NOTES = part("text/plain; name=notes.txt", "notes", Content_Disposition="attachment")


@pytest.mark.parametrize(
    ("root", "text", "html", "attached"),
    [
        (PLAIN, "plain", "", []),
        (HTML, "", "<p>html</p>", []),
        (multipart("alternative", PLAIN, HTML), "plain", "<p>html</p>", []),
        (multipart("alternative", HTML, PLAIN), "plain", "<p>html</p>", []),
        (multipart("mixed", PLAIN, PDF), "plain", "", ["a.pdf"]),
        (multipart("mixed", PDF, PLAIN), "plain", "", ["a.pdf"]),
        (multipart("mixed", PLAIN, NOTES), "plain", "", ["notes.txt"]),
        (multipart("mixed", PLAIN, part("text/plain", "footer")), "plain\nfooter", "", []),
        (multipart("mixed", PLAIN, part("text/csv", "a,b")), "plain", "", [""]),
        (multipart("mixed", multipart("alternative", PLAIN, HTML), PDF), "plain", "<p>html</p>", ["a.pdf"]),
        (multipart("related", HTML, PNG), "", "<p>html</p>", ["a.png"]),
        (
            multipart("alternative", PLAIN, multipart("related", HTML, PNG)),
            "plain",
            "<p>html</p>",
            ["a.png"],
        ),
        (
            multipart("related", multipart("alternative", PLAIN, HTML), PNG),
            "plain",
            "<p>html</p>",
            ["a.png"],
        ),
        (
            multipart("alternative", PLAIN, HTML, part("text/calendar", "x")),
            "plain",
            "<p>html</p>",
            ["invite.ics"],
        ),
        (multipart("alternative", PLAIN, part("text/x-amp-html", "<x>"), HTML), "plain", "<p>html</p>", []),
        (multipart("alternative", multipart("mixed", PLAIN, PDF), HTML), "plain", "<p>html</p>", ["a.pdf"]),
        (multipart("signed", PLAIN, part("application/pgp-signature", "x")), "plain", "", [""]),
        (multipart("report", PLAIN, part("message/delivery-status", "x")), "plain", "", [""]),
        (part("application/pdf; name=a.pdf", "%PDF"), "", "", ["a.pdf"]),
        (part("text/plain; name=a.txt", "x", Content_Disposition="attachment"), "", "", ["a.txt"]),
        (part("text/plain; name=body.txt", "body"), "body", "", []),
        (part("image/png", "PNG"), "", "", [""]),
        (part("text/x-unknown", "words"), "words", "", []),
        (multipart("mixed"), "", "", []),
    ],
)
def test_parts_are_sorted_as_a_mail_program_shows_them(root, text, html, attached):
    found = message(root)
    assert (found.text, found.html) == (text, html)
    assert [each.filename for each in found.attachments] == attached


def test_a_footer_beside_html_is_in_both_bodies_without_being_markup():
    found = message(multipart("mixed", multipart("alternative", PLAIN, HTML), part("text/plain", "<footer>")))
    assert found.text == "plain\n<footer>"
    assert found.html.startswith("<p>html</p>")
    assert "&lt;footer&gt;" in found.html


def test_text_beside_html_alone_reads_as_both():
    found = message(multipart("mixed", HTML, part("text/plain", "footer")))
    assert found.text == "html\nfooter"


@pytest.mark.parametrize(
    ("picture", "body", "inline"),
    [
        (PNG, SHOWN, True),
        (PNG, HTML, False),
        (part("image/png; name=a.png", "PNG", Content_Disposition="inline"), HTML, True),
        (
            part("image/png; name=a.png", "PNG", Content_Disposition="attachment", Content_ID="<logo@x>"),
            SHOWN,
            True,
        ),
    ],
)
def test_what_the_html_shows_is_inline(picture, body, inline):
    found = message(multipart("mixed", body, picture)).attachments[0]
    assert (found.inline, found.filename) == (inline, "a.png")


def test_an_attachment_says_where_it_is_and_how_big():
    found = message(multipart("mixed", PLAIN, multipart("related", HTML, PNG), PDF)).attachments
    assert [(each.part, each.size, each.content) for each in found] == [("2.2", 3, b"PNG"), ("3", 4, b"%PDF")]


def test_bytes_that_come_later_are_told_by_handle_and_size():
    later = Part("2", [("Content-Type", "application/pdf; name=a.pdf")], size=1234, ref="handle")
    root = Part("1", [("Content-Type", "multipart/mixed")], children=[Part("1", data=b"Hi"), later])
    found = assemble(root, id="", thread="", received_at=NOON).attachments[0]
    assert (found.size, found.ref, found.content) == (1234, "handle", None)


@pytest.mark.parametrize(
    ("declared", "data", "html"),
    [
        ("text/html", "<meta charset=cp1251><p>Привет".encode("cp1251"), "<meta charset=cp1251><p>Привет"),
        ("text/html; charset=utf-8", "<meta charset=cp1251>ü".encode(), "<meta charset=cp1251>ü"),
        ("text/html", "<p>ü".encode("cp1252"), "<p>ü"),
    ],
)
def test_html_names_its_charset_itself_where_the_part_does_not(declared, data, html):
    assert message(part(declared, data)).html == html


def test_line_ends_of_a_text_are_plain():
    assert message(part("text/plain", "a\r\nb\r\n")).text == "a\nb\n"


def test_a_body_is_cut_and_says_so():
    found = message(part("text/plain", "x" * (MAX_BODY_SIZE + 1)))
    assert len(found.text) == MAX_BODY_SIZE
    assert found.defects == ("The body was cut at 5 MB.",)


def test_a_value_is_cut_and_says_so_yet_nobody_on_it_is_missed():
    people = ", ".join(f"person{n}@customer.example" for n in range(4000))
    found = message(PLAIN, To=people)
    assert len(found.to) == 4000
    assert len(found.headers["to"][0]) == MAX_VALUE_LENGTH
    assert found.defects == ("The header to was cut at 64 KB.",)


@pytest.mark.parametrize(
    "root",
    [
        Part("1", [("X", "x" * MAX_HEADER_LENGTH)]),
        Part("1", children=[Part(str(n)) for n in range(MAX_PARTS)]),
    ],
)
def test_what_is_beyond_reason_is_refused(root):
    with pytest.raises(MessageError):
        assemble(root, id="", thread="", received_at=NOON)


def test_too_deep_a_tree_is_refused():
    root = Part("1", data=b"x")
    for _ in range(MAX_DEPTH + 1):
        root = Part("1", [("Content-Type", "multipart/mixed")], children=[root])
    with pytest.raises(MessageError):
        assemble(root, id="", thread="", received_at=NOON)


def test_a_subject_is_one_line():
    assert message(PLAIN, Subject="=?utf-8?q?a=0D=0ABcc=3A_x=00?=\x07 b").subject == "a Bcc: x  b"


def test_headers_are_kept_by_lower_case_name_and_cannot_be_changed():
    found = message(PLAIN, X_Custom="a", x_custom="b")
    assert found.headers["x-custom"] == ("a", "b")
    with pytest.raises(TypeError):
        found.headers["x"] = ()  # type: ignore[index]
