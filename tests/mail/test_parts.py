"""What the fields of one part say about it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mail.parts import MAX_FILENAME_LENGTH, Part, describe, header_of, safe_filename

TYPE, DISPOSITION = "Content-Type", "Content-Disposition"


@pytest.mark.parametrize(
    ("headers", "content_type"),
    [
        ([], "text/plain"),
        ([(TYPE, "TEXT/HTML; charset=x")], "text/html"),
        ([("content-type", "text/html")], "text/html"),
        ([(TYPE, "text")], "text/plain"),
        ([(TYPE, "a/b/c")], "text/plain"),
        ([(TYPE, "")], "text/plain"),
        ([(TYPE, "text/html"), (TYPE, "image/png")], "text/html"),
    ],
)
def test_a_part_without_a_sound_type_is_plain_text(headers, content_type):
    assert describe(Part("1", headers)).content_type == content_type


def test_what_the_provider_tells_of_a_part_goes_before_its_fields():
    part = Part(
        "1", [(TYPE, "text/plain; charset=a; name=b")], content_type="IMAGE/PNG", filename="c", charset="d"
    )
    described = describe(part)
    assert (described.content_type, described.filename, described.charset) == ("image/png", "c", "d")


@pytest.mark.parametrize(
    ("headers", "filename"),
    [
        ([(DISPOSITION, "attachment; filename=a.pdf"), (TYPE, "x/y; name=b.pdf")], "a.pdf"),
        ([(TYPE, "x/y; name=b.pdf")], "b.pdf"),
        ([(DISPOSITION, "attachment; filename*=utf-8''Gr%C3%BC%C3%9Fe.pdf")], "Grüße.pdf"),
        ([(DISPOSITION, 'attachment; filename="=?utf-8?q?Gr=C3=BC=C3=9Fe=2Epdf?="')], "Grüße.pdf"),
        ([(DISPOSITION, "attachment; filename=../../etc/passwd")], "passwd"),
        ([(TYPE, "text/calendar")], "invite.ics"),
        ([(TYPE, "message/rfc822")], "message.eml"),
        ([], ""),
    ],
)
def test_a_part_has_the_name_its_fields_give(headers, filename):
    assert describe(Part("1", headers)).filename == filename


def test_an_embedded_mail_is_named_by_its_subject():
    inner = Part("1.1", [("Subject", "=?utf-8?q?Re=3A_a/b=5Cc?=")])
    assert describe(Part("1", [(TYPE, "message/rfc822")], children=[inner])).filename == "Re: a-b-c.eml"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a.pdf", "a.pdf"),
        ("C:\\docs\\a.pdf", "a.pdf"),
        ("/etc/passwd", "passwd"),
        ("..", ""),
        (".htaccess", "htaccess"),
        ("a.pdf\r\nX: y", "a.pdfX: y"),
        ("a\0.pdf", "a.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\u200b\ufeff.pdf", "a.pdf"),
        ("  a   b.pdf  ", "a b.pdf"),
        ("a.pdf. ", "a.pdf"),
        ("ü😀.pdf", "ü😀.pdf"),
        ("\ud800.pdf", "\ufffd.pdf"),
        ("", ""),
    ],
)
def test_a_file_name_is_one_component_that_shows_what_it_is(name, safe):
    assert safe_filename(name) == safe


@pytest.mark.parametrize(("extension", "kept"), [(".pdf", True), ("." + "x" * 30, False), ("", False)])
def test_a_long_file_name_keeps_its_extension(extension, kept):
    safe = safe_filename("a" * 500 + extension)
    assert len(safe) == MAX_FILENAME_LENGTH
    assert safe.endswith(extension) is (kept or not extension)


def test_the_first_field_of_a_name_counts():
    assert header_of([("A", "1"), ("b", "x\r\n y"), ("B", "2")], "b") == "x y"
    assert header_of([], "b") == ""


@given(st.text())
def test_any_name_becomes_a_safe_one(name):
    safe = safe_filename(name)
    safe.encode()
    assert len(safe) <= MAX_FILENAME_LENGTH
    assert not set(safe) & set("/\\\0\r\n\u202e")
    assert safe not in {".", ".."}
