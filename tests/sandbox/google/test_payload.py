"""How a raw mail looks through the API. The first two cases are recorded from production."""

from base64 import urlsafe_b64decode
from typing import Any

from postroom.sandbox.google.headers import decode_words, envelope, header_block, unfold
from postroom.sandbox.google.payload import attachment, build, snippet

ISO_2022_JP = (
    b"Date: Fri, 26 Mar 2021 22:08:51 +0900 (JST)\n"
    b"Subject: =?iso-2022-jp?B?GyRCJUYlOSVIJEckORsoQg==?=\n"
    b'Content-Type: Multipart/Signed; protocol="application/pgp-signature";\n'
    b' micalg=pgp-sha256;\n boundary="b"\n'
    b"Content-Transfer-Encoding: 7bit\n\n"
    b"--b\nContent-Type: Text/Plain; charset=iso-2022-jp\nContent-Transfer-Encoding: 7bit\n\n"
    b"\x1b$B%F%9%H$G$9\x1b(B\n\x1b$B%F%9%H\x1b(B\n\n"
    b"--b\nContent-Type: application/pgp-signature\n\nsignature\n\n--b--\n"
)


def _build(raw: bytes, **options: Any) -> dict[str, Any]:
    return build(raw, "@", **options)


def test_text_comes_as_utf_8_but_its_size_is_that_of_the_original() -> None:
    tree = _build(ISO_2022_JP)
    text, signature = tree["parts"]
    assert tree["mimeType"] == "multipart/signed"
    assert tree["body"] == {"size": 0}
    assert text["mimeType"] == "text/plain"
    assert text["headers"][0] == {"name": "Content-Type", "value": "Text/Plain; charset=iso-2022-jp"}
    assert text["body"] == {"size": 30, "data": "44OG44K544OI44Gn44GZCuODhuOCueODiAo="}
    assert signature["filename"] == ""
    assert signature["body"]["attachmentId"] == "@1"


def test_header_values_are_decoded_and_unfolded() -> None:
    headers = dict(header_block(ISO_2022_JP))
    assert headers["Subject"] == "テストです"
    assert headers["Content-Type"].endswith('signature"; micalg=pgp-sha256; boundary="b"')
    assert unfold("by mx;\r\n        Thu, 9 May") == "by mx;        Thu, 9 May"
    assert unfold("a=b;\r\n\tc=d") == "a=b; c=d"
    assert unfold("a\r\n\t b") == "a\t b"


def test_encoded_words() -> None:
    assert decode_words("=?utf-8?Q?Caf=C3?= =?utf-8?Q?=A9_au?= lait") == "Café au lait"
    assert decode_words("=?koi8-r?B?8NLJ18XU?=") == "Привет"
    assert decode_words("=?nonsense?Q?abc?=") == "abc"
    assert decode_words("no =? word here ?=") == "no =? word here ?="
    assert decode_words("=?utf-8?Q?Doe=2C_John?= <j@x.example>", quote=True) == '"Doe, John" <j@x.example>'


def test_raw_8_bit_headers_are_read_as_utf_8_or_else_as_windows_1252() -> None:
    assert envelope("Subject: Grüße\n\n".encode()).subject == "Grüße"
    assert envelope("Subject: Grüße\n\n".encode("cp1252")).subject == "Grüße"


def test_an_attached_mail_is_an_attachment_and_a_tree() -> None:
    raw = (
        b"Subject: outer\nContent-Type: multipart/mixed; boundary=b\n\n"
        b"--b\n\nsee attached\n--b\nContent-Type: message/rfc822; name=inner.eml\n\n"
        b"Subject: inner\nContent-Type: text/plain\n\ninner text\n--b--\n"
    )
    attached = _build(raw)["parts"][1]
    assert attached["filename"] == "inner.eml"
    assert attached["body"]["attachmentId"] == "@1"
    (inner,) = attached["parts"]
    assert inner["partId"] == "1.0"
    assert inner["headers"][0] == {"name": "Subject", "value": "inner"}
    content = attachment(raw, "1")
    assert content is not None
    assert content.startswith(b"Subject: inner")
    assert len(content) == attached["body"]["size"]


def test_text_with_a_file_name_is_an_attachment() -> None:
    raw = b"Content-Type: text/csv; name*=utf-8''K%C3%A4ufe.csv\n\na;b\n"
    tree = _build(raw)
    assert tree["filename"] == "Käufe.csv"
    assert tree["body"] == {"attachmentId": "@", "size": 4}
    assert attachment(raw, "") == b"a;b\n"
    assert attachment(raw, "7") is None


def test_long_text_can_be_made_an_attachment() -> None:
    raw = b"Content-Type: text/html\n\n<p>long</p>\n"
    assert "data" in _build(raw)["body"]
    assert _build(raw, inline_limit=5)["body"] == {"attachmentId": "@", "size": 12}


def test_anything_is_shown_somehow() -> None:
    for raw in (b"", b"\x00\xff\xfe", b"no header at all", b"Content-Type: multipart/mixed\n\nx", b":\n\n:"):
        tree = _build(raw)
        assert tree["partId"] == ""
        assert snippet(tree) is not None


def test_a_broken_transfer_encoding_loses_nothing_else() -> None:
    tree = _build(b"Content-Transfer-Encoding: base64\n\n!!!not base64")
    assert tree["body"]["size"] > 0


def test_a_snippet_is_escaped_text() -> None:
    plain = _build(b"Content-Type: text/plain\n\nTom's <b>\n\n  & more")
    assert snippet(plain) == "Tom&#39;s &lt;b&gt; &amp; more"
    html = _build(b"Content-Type: text/html\n\n<style>p{}</style><p>Good&nbsp;day</p>")
    assert snippet(html) == "Good day"


def test_body_data_is_base64url_with_padding() -> None:
    data = _build("Content-Type: text/plain; charset=utf-8\n\n???ÿÿ>".encode())["body"]["data"]
    assert "+" not in data
    assert "/" not in data
    assert len(data) % 4 == 0
    assert urlsafe_b64decode(data).decode() == "???ÿÿ>"
