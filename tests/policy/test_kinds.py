"""R-041: what kind an attachment is, and whether it is captured."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mail.message import Attachment
from postroom.policy.kinds import HEAD, NAMES, capture_verdict, kind_by_content, kind_by_name
from postroom.policy.settings import DEFAULT_KINDS, AttachmentKind


def attachment(filename: str, content_type: str = "application/octet-stream", *, inline=False) -> Attachment:
    return Attachment("2", filename, content_type, 100, inline)


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "content")
    return file.getvalue()


def matroska(document: bytes) -> bytes:
    return b"\x1a\x45\xdf\xa3\x93\x42\x82\x88" + document + b"\x42\x87\x81\x04"


JPG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01" + bytes(40)
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(20)
GIF = b"GIF89a\x01\x00\x01\x00\x00" + bytes(20)
WEBP = b"RIFF\x10\x00\x00\x00WEBPVP8 " + bytes(20)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"></svg>'
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(60)
DOCX = zipped("[Content_Types].xml", "word/document.xml")
BARE_DOCX = zipped("word/document.xml")
XLSX = zipped("[Content_Types].xml", "xl/workbook.xml")
PPTX = zipped("[Content_Types].xml", "ppt/presentation.xml")
ZIP = zipped("letter.txt")
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
RTF = b"{\\rtf1\\ansi Hello}"
HTML = b"<!DOCTYPE html><html><body>Hello</body></html>"
ICS = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n"
JSON = b'{"a": 1}'
TEXT = b"Hello, world\n"
MP3 = b"ID3\x03\x00\x00\x00\x00\x0f" + bytes(20)
MP3_FRAME = b"\xff\xfb\x90\x64" + bytes(40)
AAC_FRAME = b"\xff\xf1\x50\x80" + bytes(40)
MP4 = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2mp41"
OWN_BRAND = b"\x00\x00\x00\x18ftypzzzz\x00\x00\x02\x00zzzz"
MOV = b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  "
MKV, WEBM = matroska(b"matroska"), matroska(b"webm")
MPG = b"\x00\x00\x01\xba\x44\x00\x04" + bytes(20)
AVI = b"RIFF\x10\x00\x00\x00AVI LIST" + bytes(20)
EXE = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff" + bytes(50)

BY_NAME = [
    ("letter.doc", "", "word"),
    ("letter.DOCX", "", "word"),
    ("letter.docm", "", "word"),
    ("photo.jpg", "", "jpg"),
    ("photo.jpeg", "", "jpg"),
    ("photo.png", "", "png"),
    ("page.html", "", "html"),
    ("page.htm ", "", "html"),
    ("sheet.xls", "", "excel"),
    ("sheet.xlsx", "", "excel"),
    ("all.zip", "", "zip"),
    ("data.json", "", "json"),
    ("film.mkv", "", "mkv"),
    ("film.mpg", "", "mpg"),
    ("film.mpeg", "", "mpg"),
    ("song.mp3", "", "mp3"),
    ("film.mp4", "", "mp4"),
    ("letter.rtf", "", "rtf"),
    ("film.avi", "", "avi"),
    ("offer.pdf", "", "pdf"),
    ("list.csv", "", "csv"),
    ("talk.ppt", "", "powerpoint"),
    ("talk.pptx", "", "powerpoint"),
    ("note.txt", "", "text"),
    ("meeting.ics", "", "calendar"),
    ("offer.pdf", "image/png", "pdf"),
    ("offer v2.3", "application/pdf", "pdf"),
    ("offer", "Application/PDF; name=offer", "pdf"),
    ("", "image/jpeg", "jpg"),
    ("", "image/png", "png"),
    ("", "text/html", "html"),
    ("", "application/msword", "word"),
    ("", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "word"),
    ("", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "excel"),
    ("", "application/vnd.openxmlformats-officedocument.presentationml.presentation", "powerpoint"),
    ("", "application/vnd.openxmlformats-officedocument.theme+xml", None),
    ("", "application/vnd.ms-excel", "excel"),
    ("", "application/vnd.ms-powerpoint", "powerpoint"),
    ("", "application/zip", "zip"),
    ("", "application/json", "json"),
    ("", "video/x-matroska", "mkv"),
    ("", "video/mpeg", "mpg"),
    ("", "audio/mpeg", "mp3"),
    ("", "video/mp4", "mp4"),
    ("", "application/rtf", "rtf"),
    ("", "video/x-msvideo", "avi"),
    ("", "text/csv", "csv"),
    ("", "text/plain", "text"),
    ("", "text/calendar", "calendar"),
    ("setup.exe", "", None),
    ("film.mov", "video/quicktime", None),
    ("archive.pdf.exe", "", None),
    ("pdf", "", None),
    ("", "", None),
]


@pytest.mark.parametrize(("filename", "content_type", "kind"), BY_NAME)
def test_the_name_claims_a_kind(filename, content_type, kind):
    assert kind_by_name(attachment(filename, content_type)) == kind


@pytest.mark.parametrize(
    ("filename", "content_type", "kind"),
    [
        ("logo.png", "", "inline"),
        ("logo", "image/gif", "inline"),
        ("logo.jpg", "application/octet-stream", "inline"),
        ("logo.webp", "", "inline"),
        ("logo.svg", "image/svg+xml", None),
        ("offer.pdf", "application/pdf", "pdf"),
    ],
)
def test_a_picture_in_the_text_is_inline_and_another_file_is_what_it_is(filename, content_type, kind):
    assert kind_by_name(attachment(filename, content_type, inline=True)) == kind


BY_CONTENT = [
    ("photo.jpg", JPG, "jpg"),
    ("photo.png", PNG, "png"),
    ("letter.docx", DOCX, "word"),
    ("letter.docx", BARE_DOCX, "word"),
    ("letter.doc", OLE, "word"),
    ("letter.docx", OLE, "word"),
    ("sheet.xlsx", XLSX, "excel"),
    ("sheet.xls", OLE, "excel"),
    ("talk.pptx", PPTX, "powerpoint"),
    ("talk.ppt", OLE, "powerpoint"),
    ("all.zip", ZIP, "zip"),
    ("all.zip", DOCX, "zip"),
    ("empty.zip", zipped(), "zip"),
    ("offer.pdf", PDF, "pdf"),
    ("letter.rtf", RTF, "rtf"),
    ("page.html", HTML, "html"),
    ("page.html", b"<p>no more than a piece</p>", "html"),
    ("page.html", b"\xef\xbb\xbf <!-- a --> <!-- b -->\n<HTML>", "html"),
    ("page.txt", b"<html><body>", "html"),
    ("page.txt", b"<!doctype  html>", "html"),
    ("page.txt", b"<htmlish>", "text"),
    ("page.txt", b"see <html>", "text"),
    ("data.json", JSON, "json"),
    ("data.json", b"\xef\xbb\xbf [1, 2]", "json"),
    ("data.json", b"true", "json"),
    ("data.json", b"-1", "json"),
    ("data.json", b"hello", "text"),
    ("list.csv", b"a,b\n1,2\n", "csv"),
    ("list.csv", b"BMW,1\n", "csv"),
    ("list.csv", b"MZ,1\n", "csv"),
    ("list.csv", b"ID3,1\n", "csv"),
    ("list.csv", b"", "csv"),
    ("note.txt", TEXT, "text"),
    ("note.txt", b"Gr\xfc\xdfe", "text"),
    ("note.txt", b"\xff\xfeH\x00i\x00", "text"),
    ("note.txt", b"\xfe\xff\x00H\x00i", "text"),
    ("note.txt", b"a\x1b[1mb\tc\r\n\x0c", "text"),
    ("note.txt", b"a\x00b", None),
    ("note.txt", b"a\x7fb", None),
    ("meeting.ics", ICS, "calendar"),
    ("meeting.ics", b"\xef\xbb\xbf\nbegin:vcalendar", "calendar"),
    ("meeting.ics", TEXT, "text"),
    ("song.mp3", MP3, "mp3"),
    ("song.mp3", MP3_FRAME, "mp3"),
    ("song.mp3", b"\xff\xf3\x90\x64" + bytes(40), "mp3"),
    ("song.mp3", b"\xff\xe3\x90\x64" + bytes(40), "mp3"),
    ("song.mp3", AAC_FRAME, None),
    ("song.mp3", b"\xfb\xff\x90\x64" + bytes(40), None),
    ("song.mp3", b"\xff", None),
    ("film.mp4", MP4, "mp4"),
    ("film.mp4", OWN_BRAND, "mp4"),
    ("film.bin", OWN_BRAND, None),
    ("film.mp4", MOV, None),
    ("film.mp4", bytes(20), None),
    ("film.mkv", MKV, "mkv"),
    ("film.mkv", WEBM, None),
    ("film.mpg", MPG, "mpg"),
    ("film.avi", AVI, "avi"),
    ("film.avi", WEBP, None),
    # Content beats the name
    ("photo.jpg", EXE, None),
    ("photo.jpg", PNG, "png"),
    ("photo.jpg", GIF, None),
    ("photo.jpg", PDF, "pdf"),
    ("photo.jpg", HTML, "html"),
    ("photo.jpg", ZIP, "zip"),
    ("photo.jpg", OLE, None),
    ("photo.jpg", TEXT, None),
    ("photo.jpg", b"", None),
    ("photo.jpg", MKV, "mkv"),
    ("letter.doc", RTF, "rtf"),
    ("letter.docx", ZIP, "zip"),
    ("letter.docx", XLSX, "word"),
    ("sheet.xls", HTML, "html"),
    ("note.txt", JPG, "jpg"),
    ("setup.msi", OLE, None),
    ("tool.jar", ZIP, None),
    ("blob", JPG, "jpg"),
    ("blob", ZIP, "zip"),
    ("blob", TEXT, "text"),
    ("blob", EXE, None),
    ("blob", OLE, None),
]


@pytest.mark.parametrize(("filename", "head", "kind"), BY_CONTENT)
def test_the_content_decides_and_the_name_only_where_kinds_share_a_format(filename, head, kind):
    assert kind_by_content(head, attachment(filename)) == kind


@pytest.mark.parametrize(
    ("filename", "head", "kind"),
    [
        ("logo.png", PNG, "inline"),
        ("logo.png", JPG, "inline"),
        ("logo.png", GIF, "inline"),
        ("logo.png", WEBP, "inline"),
        ("logo.png", EXE, None),
        ("logo.png", SVG, None),
        ("logo.png", PDF, "pdf"),
        ("offer.pdf", PDF, "pdf"),
        ("offer.pdf", PNG, "inline"),
    ],
)
def test_the_content_of_an_inline_part_decides_too(filename, head, kind):
    assert kind_by_content(head, attachment(filename, inline=True)) == kind


@pytest.mark.parametrize(
    ("content_type", "head", "kind"),
    [("text/csv", b"a,b", "csv"), ("application/pdf", TEXT, None), ("application/msword", OLE, "word")],
)
def test_a_content_type_claims_where_the_name_does_not(content_type, head, kind):
    assert kind_by_content(head, attachment("offer", content_type)) == kind


def test_only_the_head_is_looked_at():
    assert kind_by_content(TEXT.ljust(HEAD) + b"\x00", attachment("note.txt")) == "text"
    assert kind_by_content(TEXT.ljust(HEAD - 1) + b"\x00", attachment("note.txt")) is None


def test_many_comments_before_html_take_no_time():
    assert kind_by_content(b"<!-- -->" * 500 + b"x", attachment("page.txt")) == "text"


OTHER_KIND = "Attachments of this kind are not captured."
VERDICTS = [
    ("photo.jpg", None, True, ""),
    ("photo.jpg", JPG, True, ""),
    ("photo.jpg", PNG, True, ""),
    ("photo.jpg", EXE, False, "This is not the JPG file that its name says."),
    ("photo.jpg", ICS, False, "By its content this is of the kind Calendar, which is not captured."),
    ("meeting.ics", None, False, "Attachments of the kind Calendar are not captured."),
    ("meeting.ics", JPG, False, "Attachments of the kind Calendar are not captured."),
    ("setup.exe", None, False, OTHER_KIND),
    ("setup.exe", JPG, False, OTHER_KIND),
    ("blob", None, True, ""),
    ("blob", JPG, True, ""),
    ("blob", TEXT, False, "Attachments of the kind Plain text are not captured."),
    ("blob", EXE, False, OTHER_KIND),
]


@pytest.mark.parametrize(("filename", "head", "captured", "reason"), VERDICTS)
def test_what_is_not_captured_gets_a_reason(filename, head, captured, reason):
    assert capture_verdict(attachment(filename), head, DEFAULT_KINDS) == (captured, reason)


def test_a_type_that_tells_something_is_not_fetched_to_see():
    assert capture_verdict(attachment("", "video/quicktime"), None, DEFAULT_KINDS) == (False, OTHER_KIND)
    for untold in ("", "application/x-download", "application/force-download"):
        assert capture_verdict(attachment("", untold), None, DEFAULT_KINDS) == (True, "")


def test_inline_pictures_are_captured_as_such_or_not_at_all():
    logo = attachment("logo.png", "image/png", inline=True)
    assert capture_verdict(logo, PNG, frozenset({AttachmentKind.INLINE})) == (True, "")
    assert capture_verdict(logo, PNG, frozenset({AttachmentKind.PNG})) == (
        False,
        "Attachments of the kind Picture in the text are not captured.",
    )


def test_every_kind_has_a_name():
    assert set(NAMES) == set(AttachmentKind)


@given(st.binary(max_size=200), st.text(max_size=20), st.booleans())
def test_every_attachment_has_a_verdict(head, filename, inline):
    captured, reason = capture_verdict(attachment(filename, inline=inline), head, DEFAULT_KINDS)
    assert captured is (reason == "")
