"""Content-Transfer-Encoding: bytes as they were before sending, whatever happened on the way."""

import base64
import binascii
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mail.transfer import base64_bytes, decode_transfer

DATA = b"Hello, \xff\x00 world!\r\n" * 9
UU = b"begin 644 a.bin\r\n%:&5L;&\\\r\n`\r\nend\r\n"


@pytest.mark.parametrize(
    ("data", "encoding", "decoded"),
    [
        (base64.encodebytes(DATA), "base64", DATA),
        (base64.encodebytes(DATA).replace(b"\n", b"\r\n"), " BASE64 ", DATA),
        (base64.b64encode(DATA), "base64", DATA),
        (b"", "base64", b""),
        (b"a=3Db=\r\nc=20", "quoted-printable", b"a=bc "),
        (b"a=3db=\nc", "Quoted-Printable", b"a=bc"),
        (b"soft  =\r\nbreak", "quoted-printable", b"soft  break"),
        (b"bad=ZZ =", "quoted-printable", b"bad=ZZ "),
        (b"a=3D", "7bit", b"a=3D"),
        (b"a=3D", "", b"a=3D"),
        (b"a=3D", "x-nonsense", b"a=3D"),
        (UU, "x-uuencode", b"hello"),
        (b"Some words\r\n" + UU, "uuencode", b"hello"),
        (b"no begin", "x-uuencode", b"no begin"),
        (UU, "7bit", UU),
    ],
)
def test_sound_bytes_decode_without_repair(data, encoding, decoded):
    assert decode_transfer(data, encoding) == (decoded, "")


@pytest.mark.parametrize(
    "damaged",
    [
        b"aGVsbG8",
        b"aGVsbG8=\r\n-- \r\nA footer of the list.\r\n",
        b"aGVs\x00bG8=",
        b"aGVs!!bG8=",
        b"aGVsbG8==",
        b"aGVsbG8=\r\n\r\n=",
    ],
)
def test_of_damaged_base64_is_kept_what_decodes(damaged):
    decoded, repair = decode_transfer(damaged, "base64")
    assert decoded == b"hello"
    assert repair == "Some base64 was damaged; what could be decoded was kept."


def test_padding_in_the_middle_joins_two_pieces():
    assert base64_bytes(b"aGVs\r\nbA==\r\nbG8=\r\n")[0] == b"hello"[:4] + b"lo"


@given(st.binary())
def test_what_was_encoded_comes_back(data):
    assert decode_transfer(base64.encodebytes(data), "base64") == (data, "")
    assert decode_transfer(quopri.encodestring(data), "quoted-printable")[0] == data


@given(st.binary(max_size=45))
def test_what_was_uuencoded_comes_back(data):
    encoded = b"begin 644 x\n" + binascii.b2a_uu(data) + b"`\nend\n"
    assert decode_transfer(encoded, "uuencode")[0] == data


ENCODINGS = st.sampled_from(["base64", "quoted-printable", "uuencode", "binary", ""])


@given(st.binary() | st.text("QUFB=+/ \r\n-~").map(str.encode), ENCODINGS)
def test_any_bytes_decode(data, encoding):
    decoded, _ = decode_transfer(data, encoding)
    assert len(decoded) <= max(len(data), 1)


@pytest.mark.parametrize("piece", [b"=", b"A=\r\n", b"A" * 5 + b"=", b"\r\n", b"begin 644 x\n", b"~~"])
@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "uuencode"])
def test_a_long_run_of_one_mark_decodes_too(piece, encoding):
    decode_transfer(piece * (1_000_000 // len(piece)), encoding)
