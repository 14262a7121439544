"""Parameters of Content-Type and Content-Disposition, as RFC 2231 has them and as mailers write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mail.parameters import MAX_PARAMETERS, parse_parameters


@pytest.mark.parametrize(
    ("value", "main", "parameters"),
    [
        ("", "", {}),
        ("text/plain", "text/plain", {}),
        ("Text/Plain; Charset=UTF-8", "text/plain", {"charset": "UTF-8"}),
        ('text/plain;charset="utf-8"; format=flowed', "text/plain", {"charset": "utf-8", "format": "flowed"}),
        ("attachment;\r\n filename=a.pdf", "attachment", {"filename": "a.pdf"}),
        ('attachment; filename="a \\"b\\"; c.pdf"', "attachment", {"filename": 'a "b"; c.pdf'}),
        ('attachment; filename="C:\\docs\\a.pdf"', "attachment", {"filename": "C:\\docs\\a.pdf"}),
        ("attachment; filename=two words.pdf", "attachment", {"filename": "two words.pdf"}),
        ('attachment; filename="never closed', "attachment", {"filename": "never closed"}),
        ("a; x=1; x=2", "a", {"x": "1"}),
        ("a; =1; y", "a", {}),
        ("; x=1", "", {"x": "1"}),
        ("a; n*=utf-8'de'Gr%C3%BC%C3%9Fe.pdf", "a", {"n": "Grüße.pdf"}),
        ("a; n*=iso-8859-1''Gr%FC%DFe.pdf", "a", {"n": "Grüße.pdf"}),
        ("a; n*=''a%20b", "a", {"n": "a b"}),
        ("a; n*0=one; n*1=two", "a", {"n": "onetwo"}),
        ("a; n*1=two; n*0=one", "a", {"n": "onetwo"}),
        ("a; n*0*=utf-8''Gr%C3; n*1*=%BC; n*2=%20e", "a", {"n": "Grü%20e"}),
        ("a; n*=x; n=y", "a", {"n": "x"}),
        ("a; n==?utf-8?q?Gr=C3=BC=C3=9Fe?=", "a", {"n": "Grüße"}),
        ('a; n="=?utf-8?b?R3LDvA==?= =?utf-8?b?w59l?="', "a", {"n": "Grüße"}),
        ("a; n=Grüße.pdf", "a", {"n": "Grüße.pdf"}),
    ],
)
def test_a_field_gives_its_value_and_parameters(value, main, parameters):
    assert parse_parameters(value) == (main, parameters)


def test_more_parameters_than_reasonable_are_passed_over():
    assert len(parse_parameters("a" + "".join(f"; p{n}=1" for n in range(1000)))[1]) == MAX_PARAMETERS


PIECES = st.lists(
    st.sampled_from([*";=\"\\'* %", "n", "*0*", "utf-8''", "%C3", "\r\n ", "=?utf-8?q?a?=", "\ud800", "\0"])
)


@given(st.text() | PIECES.map("".join))
def test_any_value_is_read(value):
    main, parameters = parse_parameters(value)
    for text in (main, *parameters, *parameters.values()):
        assert "\0" not in text
    for text in (main, *parameters.values()):
        text.encode()


@pytest.mark.parametrize("piece", [";", "=", '"', "\\", "; n", '; n="', "; n*0*=", " ", "'"])
def test_a_long_run_of_one_mark_is_read_too(piece):
    parse_parameters("a" + piece * (300_000 // len(piece)))
