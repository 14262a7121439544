"""Bytes to text: the declared charset where it is right, and never what a database refuses."""

import codecs
import encodings.aliases

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mail.charsets import codec_named, decode_text, storable

NAMES = sorted({*encodings.aliases.aliases, *encodings.aliases.aliases.values()})


@pytest.mark.parametrize(
    ("charset", "codec", "text"),
    [
        ("utf-8", "utf-8", "Grüße 😀"),
        ("UTF8", "utf-8", "Grüße"),
        ("", "utf-8", "Grüße"),
        ("us-ascii", "utf-8", "Grüße"),
        ("iso-8859-1", "cp1252", "Preis: 5 €"),
        ("windows-1252", "cp1252", "“quoted”"),
        ("iso-8859-2", "iso-8859-2", "Łódź"),
        ("iso-8859-5", "iso-8859-5", "Привет"),
        ("iso-8859-7", "iso-8859-7", "Γειά"),
        ("iso-8859-8-i", "iso-8859-8", "שלום"),
        ("iso-8859-9", "cp1254", "İstanbul"),
        ("iso-8859-15", "iso-8859-15", "5 €"),
        ("koi8-r", "koi8-r", "Привет"),
        ("windows-1251", "cp1251", "Привет"),
        ("windows-1255", "cp1255", "שלום"),
        ("windows-1256", "cp1256", "مرحبا"),
        ("windows-874", "cp874", "สวัสดี"),
        ("tis-620", "cp874", "สวัสดี"),
        ("gb2312", "gb18030", "你好，镕"),
        ("gbk", "gb18030", "你好"),
        ("big5", "big5hkscs", "你好"),
        ("shift_jis", "cp932", "①テスト"),
        ("iso-2022-jp", "iso2022_jp", "テスト"),
        ("euc-jp", "euc-jp", "テスト"),
        ("euc-kr", "cp949", "안녕"),
        ("ks_c_5601-1987", "cp949", "안녕"),
        ("iso-2022-kr", "iso2022_kr", "안녕"),
        ("hz-gb-2312", "hz", "你好"),
        ("utf-7", "utf-7", "Grüße"),
        ("utf-16", "utf-16", "Grüße"),
        ("utf-16le", "utf-16-le", "Grüße"),
        ("macintosh", "mac_roman", "Grüße"),
    ],
)
def test_text_in_its_declared_charset_is_read_without_repair(charset, codec, text):
    assert decode_text(text.encode(codec), charset) == (text, "")


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        ("Grüße".encode(), "iso-2022-jp", "Grüße"),
        ("Grüße".encode("cp1252"), "utf-8", "Grüße"),
        ("Grüße".encode(), "x-nonsense", "Grüße"),
        ("Grüße".encode("cp1252"), "x-nonsense", "Grüße"),
        (("你好，世界" * 3).encode("gb18030") + b"\xff", "gb2312", "你好，世界" * 3 + "\ufffd"),
        (b"plain", "x-nonsense", "plain"),
    ],
)
def test_text_in_another_charset_is_read_and_the_repair_is_told(data, charset, text):
    read, repair = decode_text(data, charset)
    assert read == text
    assert bool(repair) is not data.isascii()


def test_a_byte_order_mark_says_more_than_a_declaration():
    assert decode_text(codecs.BOM_UTF8 + "Grüße".encode(), "iso-8859-1")[0] == "Grüße"
    assert decode_text(codecs.BOM_UTF16_LE + "Grüße".encode("utf-16-le"), "utf-16")[0] == "Grüße"


@pytest.mark.parametrize(
    "name", ["", "punycode", "idna", "rot13", "base64", "zip", "undefined", "unicode_escape", "a" * 999]
)
def test_a_codec_that_is_no_charset_of_mail_is_unknown(name):
    assert codec_named(name) == ("utf-8" if not name else "")


@pytest.mark.parametrize("name", NAMES)
def test_any_bytes_read_in_any_charset(name):
    for data in (
        b"",
        b"plain\0",
        bytes(range(256)) * 2,
        b"\x1b$B\xff\x1b(",
        b"~{\xff~}",
        "😀\ud800".encode("utf-8", "replace"),
    ):
        text, repair = decode_text(data, name)
        assert "\0" not in text
        text.encode()
        assert repair == repair.strip()


@given(st.binary(), st.text(max_size=20) | st.sampled_from(NAMES))
def test_any_bytes_give_text_that_can_be_stored(data, charset):
    text, _ = decode_text(data, charset)
    text.encode()
    assert "\0" not in text


@given(st.text())
def test_storable_text_stays_as_it_is(text):
    once = storable(text)
    once.encode()
    assert "\0" not in once
    assert storable(once) == once
    assert "\0" in text or max(text, default="") >= "\ud800" or once == text


def test_a_lone_surrogate_becomes_a_replacement_character():
    assert storable("a\ud800\0b") == "a\ufffdb"
