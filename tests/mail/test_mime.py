"""Raw bytes to a message, hostile ones included."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import MessageError
from postroom.mail.message import Message
from postroom.mail.mime import MAX_SIZE, read_mime
from tests.mail.conftest import NOON
from tests.mails import mail


def texts(message: Message) -> list[str]:
    """Every text that will be stored of a message."""
    people = [message.from_, message.sender, *message.to, *message.cc, *message.bcc, *message.reply_to]
    return [
        *(message.message_id, message.subject, message.text, message.html, message.in_reply_to),
        *message.references,
        *message.defects,
        *(text for person in people if person for text in (person.address, person.name, person.key)),
        *(
            text
            for each in message.attachments
            for text in (each.filename, each.content_type, each.content_id)
        ),
        *(value for values in message.headers.values() for value in values),
        *message.headers,
    ]


def test_a_well_formed_mail_reads_as_it_was_written(read):
    when = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)
    message = read(
        mail(
            from_="Carol Jones <carol@customer.example>",
            to="Rita <rita@northwind.example>, sam@northwind.example",
            cc="Dan <dan@customer.example>",
            bcc="eve@northwind.example",
            subject="Angebot für Grüße ✔",
            text="Guten Tag\n",
            html="<p>Guten <b>Tag</b></p>",
            message_id="m1@customer.example",
            reply_to="m0@northwind.example",
            date=when,
            attachments=(("Angebot ✔.pdf", "application/pdf", b"%PDF-1"),),
        )
    )
    assert message.from_ is not None
    assert (message.from_.name, message.from_.key) == ("Carol Jones", "carol@customer.example")
    assert [each.key for each in message.to] == ["rita@northwind.example", "sam@northwind.example"]
    assert [each.name for each in message.cc] == ["Dan"]
    assert [each.key for each in message.bcc] == ["eve@northwind.example"]
    assert message.subject == "Angebot für Grüße ✔"
    assert (message.message_id, message.in_reply_to) == ("m1@customer.example", "m0@northwind.example")
    assert message.references == ("m0@northwind.example",)
    assert (message.date, message.received_at) == (when, NOON)
    assert (message.text, message.html.strip()) == ("Guten Tag\n", "<p>Guten <b>Tag</b></p>")
    assert [(each.filename, each.content, each.inline) for each in message.attachments] == [
        ("Angebot ✔.pdf", b"%PDF-1", False)
    ]
    assert message.defects == ()


@pytest.mark.parametrize("newline", [b"\r\n", b"\n"])
def test_line_ends_make_no_difference(newline):
    raw = b"\n".join(
        [
            b"Subject: one",
            b" two",
            b"To: a@x.example,",
            b" b@x.example",
            b"Content-Type: multipart/mixed;",
            b' boundary="b"',
            b"",
            b"--b",
            b"Content-Type: text/plain;",
            b" charset=utf-8",
            b"",
            b"Hi",
            b"--b",
            b"Content-Type: application/pdf",
            b"Content-Disposition: attachment;",
            b" filename=a.pdf",
            b"",
            b"%PDF",
            b"--b--",
            b"",
        ]
    )
    message = read_mime(raw.replace(b"\n", newline), received_at=NOON)
    assert message.subject == "one two"
    assert [each.key for each in message.to] == ["a@x.example", "b@x.example"]
    assert message.text == "Hi"
    assert [(each.filename, each.content) for each in message.attachments] == [("a.pdf", b"%PDF")]


@pytest.mark.parametrize(
    "before",
    [b"", b"\r\n\r\n", b"\xef\xbb\xbf", b"From carol@x.example Mon May  4 12:00:00 2026\r\n", b">From x\r\n"],
)
def test_what_stands_before_the_header_is_passed_over(before):
    assert read_mime(before + b"Subject: x\r\n\r\nHi", received_at=NOON).subject == "x"


def test_a_mail_needs_nothing_but_bytes(read):
    message = read(b"")
    assert (message.message_id, message.date, message.from_, message.text) == ("", None, None, "")
    assert read(b"just words").text == "just words"


@pytest.mark.parametrize(
    ("date", "read_as"),
    [
        ("Thu, 01 Jan 1970 00:00:00 +0000", datetime(1970, 1, 1, tzinfo=UTC)),
        ("Fri, 31 Dec 2100 23:59:59 +0000", datetime(2100, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("Sat, 01 Jan 2101 00:00:00 +0000", None),
        ("Thu, 32 Foo 20026", None),
    ],
)
def test_a_date_beyond_reason_is_none(read, date, read_as):
    assert read(f"Date: {date}\n\n").date == read_as


def test_of_fields_that_come_twice_no_person_is_missed_and_one_subject_counts(read):
    message = read("Subject:\nSubject: one\nSubject: two\nTo: a@x.example\nTo: b@x.example\nDate: x\n\n")
    assert message.subject == "one"
    assert [each.key for each in message.to] == ["a@x.example", "b@x.example"]
    assert message.headers["subject"] == ("", "one", "two")


def test_eight_bit_headers_are_read_in_either_charset(read):
    for charset in ("utf-8", "cp1252"):
        message = read("Subject: Grüße\r\nFrom: Jürgen <j@x.example>\r\n\r\n".encode(charset))
        assert message.from_ is not None
        assert (message.subject, message.from_.name) == ("Grüße", "Jürgen")


def test_five_hundred_recipients_are_all_there(read):
    people = ",\n ".join(f"Person {n} <p{n}@x.example>" for n in range(500))
    assert len(read(f"To: {people}\n\n").to) == 500


def test_a_header_of_two_megabytes_is_refused_with_a_sentence():
    with pytest.raises(MessageError, match=r"header is longer than 1 MB\.$"):
        read_mime(b"X: " + b"a" * 2_000_000 + b"\r\n\r\n", received_at=NOON)
    with pytest.raises(MessageError, match="header"):
        read_mime(b"X: a\r\n" * 400_000 + b"\r\n", received_at=NOON)


def test_a_mail_over_the_limit_is_refused():
    with pytest.raises(MessageError, match="100 MB"):
        read_mime(bytes(MAX_SIZE + 1), received_at=NOON)


def nested(levels: int) -> bytes:
    heads = (b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(levels))
    return b"".join(heads) + b"Content-Type: text/plain\r\n\r\nHi\r\n"


def test_a_thousand_levels_are_refused_and_fifty_are_read():
    with pytest.raises(MessageError):
        read_mime(nested(1000), received_at=NOON)
    assert read_mime(nested(50), received_at=NOON).text.strip() == "Hi"


def test_more_parts_than_reason_are_refused():
    for parts in (1100, 30_000):
        raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * parts
        with pytest.raises(MessageError):
            read_mime(raw, received_at=NOON)


def test_an_attachment_of_twenty_megabytes_comes_whole(read):
    content = bytes(range(256)) * (20 * 4096)
    message = read(
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHi\r\n--b\r\n"
        b"Content-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(content)
        + b"--b--\r\n"
    )
    assert message.attachments[0].content == content
    assert message.attachments[0].size == 20 * 1024 * 1024


def test_broken_base64_is_read_as_far_as_it_goes(read):
    message = read(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHi\n--b\n"
        "Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\naGVs%%bG8\n--b--\n"
    )
    assert (message.text, message.attachments[0].content) == ("Hi", b"hello")
    assert message.defects


def test_soft_line_breaks_of_quoted_printable_join_words(read):
    message = read("Content-Transfer-Encoding: quoted-printable\n\nspecial of=\nfer f=C3=BCr Sie\n")
    assert message.text.strip() == "special offer für Sie"


def test_the_soft_line_breaks_of_a_flowed_text_are_undone(read):
    message = read("Content-Type: text/plain; format=flowed\n\nspecial \noffer\n")
    assert message.text == "special offer\n"
    message = read("Content-Type: TEXT/PLAIN; Format=Flowed; DelSp=Yes\n\nspe \ncial  \noffer\n")
    assert message.text == "special offer\n"


@pytest.mark.parametrize(
    "declared", ["text/plain", "text/plain; format=fixed", "text/enriched; format=flowed"]
)
def test_the_lines_of_any_other_text_are_kept(read, declared):
    assert read(f"Content-Type: {declared}\n\nspecial \noffer\n").text == "special \noffer\n"


def test_a_flowed_text_beside_html_is_part_of_it_in_paragraphs(read):
    message = read(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>Hi</p>\n--b\n"
        "Content-Type: text/plain; format=flowed\n\nspecial \noffer\n--b--\n"
    )
    assert "special offer" in message.html


def test_a_uuencoded_part_is_an_attachment(read):
    message = read(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHi\n--b\n"
        "Content-Type: application/msword; name=a.doc\n"
        "Content-Transfer-Encoding: x-uuencode\n\nbegin 644 a.doc\n%:&5L;&\\\n`\nend\n--b--\n"
    )
    assert [(each.filename, each.content) for each in message.attachments] == [("a.doc", b"hello")]


EMBEDDED = """Content-Type: multipart/mixed; boundary=b

--b

See below
--b
Content-Type: message/rfc822

From: eve@inner.example
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
To: inner@inner.example
Content-Type: multipart/mixed; boundary=c

--c

inner text
--c
Content-Type: application/pdf; name=inner.pdf

%PDF
--c--
--b--
"""


def test_an_embedded_mail_is_one_attachment_and_its_people_are_not_on_the_mail(read):
    message = read(EMBEDDED)
    assert message.text == "See below"
    assert message.to == ()
    assert [(each.filename, each.content_type) for each in message.attachments] == [
        ("Grüße.eml", "message/rfc822")
    ]
    assert (message.attachments[0].content or b"").startswith(b"From: eve@inner.example")


@pytest.mark.parametrize(
    ("content_type", "filename"),
    [
        ("application/ms-tnef; name=winmail.dat", "winmail.dat"),
        ("application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", "smime.p7m"),
    ],
)
def test_a_mail_that_is_one_file_is_an_attachment(read, content_type, filename):
    message = read(f"Content-Type: {content_type}\nContent-Transfer-Encoding: base64\n\naGVsbG8=\n")
    assert (message.text, message.html) == ("", "")
    assert [(each.filename, each.content, each.part) for each in message.attachments] == [
        (filename, b"hello", "1")
    ]


def test_a_signature_is_an_attachment_beside_the_text(read):
    message = read(
        "Content-Type: multipart/signed; protocol=x; boundary=b\n\n--b\n\nSigned words\n--b\n"
        "Content-Type: application/pkcs7-signature; name=smime.p7s\n\nx\n--b--\n"
    )
    assert message.text == "Signed words"
    assert [each.filename for each in message.attachments] == ["smime.p7s"]


def test_a_boundary_that_begins_another_tells_them_apart(read):
    message = read(
        "Content-Type: multipart/mixed; boundary=b\n\n"
        "--b\nContent-Type: multipart/alternative; boundary=b_alt\n\n"
        "--b_alt\n\nplain\n--b_alt\nContent-Type: text/html\n\n<p>html</p>\n--b_alt--\n--b\n"
        "Content-Type: application/pdf; name=a.pdf\n\n%PDF\n--b--"
    )
    assert (message.text, message.html) == ("plain", "<p>html</p>")
    assert [each.filename for each in message.attachments] == ["a.pdf"]


LINES = st.sampled_from(
    [
        *(
            "From: a@x.example",
            "To: b@x.example, <c@x>",
            "Subject: =?utf-8?q?a?=",
            "Date: 1 May 2026",
            "",
            " x",
        ),
        *("Content-Type: multipart/mixed; boundary=b", "Content-Type: text/html", "--b", "--b--", "<p>x</p>"),
        *(
            "Content-Transfer-Encoding: base64",
            "aGk=",
            "!!",
            "Content-Type: message/rfc822",
            "\0",
            "\x80",
            "=",
        ),
        *("Content-Disposition: attachment; filename*0*=utf-8''%C3; filename*1=x", "Content-ID: <a@b>"),
    ]
)
SOURCES = st.binary() | st.lists(LINES).map(lambda lines: "\r\n".join(lines).encode("latin-1"))


@given(SOURCES)
def test_any_bytes_are_a_message_that_can_be_stored(raw):
    try:
        message = read_mime(raw, received_at=NOON)
    except MessageError:
        return
    for text in texts(message):
        assert "\0" not in text
        text.encode()
    parts = [each.part for each in message.attachments]
    assert len(parts) == len(set(parts))


@given(st.binary(max_size=2000))
def test_any_bytes_survive_as_an_attachment(content):
    raw = mail(attachments=(("a.bin", "application/octet-stream", content),))
    assert read_mime(raw, received_at=NOON).attachments[0].content == content


def test_a_header_of_encoded_words_alone_is_read_before_anybody_gives_up():
    """The fast parser would take an hour for this one mail."""
    inner = b"--b\r\nSubject: " + b"=?utf-8?q?a?= " * 1_000_000 + b"\r\n\r\nHello\r\n--b--\r\n"
    raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + inner
    assert read_mime(raw, received_at=NOON).text.strip() == "Hello"
    long = b'Content-Type: text/plain; name="' + b"=?utf-8?q?" * 90_000 + b'"\r\n\r\nHello'
    assert read_mime(long, received_at=NOON).text.strip() == "Hello"
