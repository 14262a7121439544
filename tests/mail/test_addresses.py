"""Addresses: every spelling of a person has one key (R-036), and names become leads' names (R-042)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mail.addresses import canonical_domain, make_address, parse_addresses, split_name


def people(value: str) -> list[tuple[str, str]]:
    return [(person.name, person.key) for person in parse_addresses(value)]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("", []),
        ("a@x.example", [("", "a@x.example")]),
        ("Carol Jones <carol@x.example>", [("Carol Jones", "carol@x.example")]),
        ('"Jones, Carol" <carol@x.example>', [("Jones, Carol", "carol@x.example")]),
        ("Jones, Carol <carol@x.example>", [("Jones, Carol", "carol@x.example")]),
        ("a@x.example, b@x.example", [("", "a@x.example"), ("", "b@x.example")]),
        ("a@x.example; b@x.example", [("", "a@x.example"), ("", "b@x.example")]),
        ("a@x.example b@x.example", [("", "a@x.example"), ("", "b@x.example")]),
        ("a@x.example,, ,b@x.example,", [("", "a@x.example"), ("", "b@x.example")]),
        ("A@X.example, a@x.EXAMPLE", [("", "a@x.example")]),
        ("carol@x.example (Carol Jones)", [("Carol Jones", "carol@x.example")]),
        ("Carol (sales (EU)) <carol@x.example>", [("Carol", "carol@x.example")]),
        ("Team: a@x.example, B <b@x.example>;", [("", "a@x.example"), ("B", "b@x.example")]),
        ("Team: a@x.example;, c@x.example", [("", "a@x.example"), ("", "c@x.example")]),
        ("undisclosed-recipients:;", []),
        ("<@relay.example,@b.example:carol@x.example>", [("", "carol@x.example")]),
        ("Carol <mailto:carol@x.example>", [("Carol", "carol@x.example")]),
        ("Carol <<carol@x.example>>", [("Carol", "carol@x.example")]),
        ("Carol <carol@x.example", [("Carol", "carol@x.example")]),
        ('"Carol <carol@x.example>', [("Carol", "carol@x.example")]),
        ("Carol\r\n <carol@x.example>", [("Carol", "carol@x.example")]),
        ("carol @ x.example", [("", "carol@x.example")]),
        ("Carol < carol @ x . example >", [("Carol", "carol@x.example")]),
        ('"carol"@x.example', [("", "carol@x.example")]),
        ('"carol jones"@x.example', [("", '"carol jones"@x.example')]),
        ("carol@[192.0.2.1]", [("", "carol@[192.0.2.1]")]),
        ("carol@x.example.", [("", "carol@x.example")]),
        ("carol@MÜNCHEN.example", [("", "carol@xn--mnchen-3ya.example")]),
        ("carol@xn--mnchen-3ya.example", [("", "carol@xn--mnchen-3ya.example")]),
        ("=?utf-8?q?Car=C3=B3l?= <carol@x.example>", [("Caról", "carol@x.example")]),
        ("=?utf-8?q?a=40evil.example=2C?= <carol@x.example>", [("a@evil.example,", "carol@x.example")]),
        ("=?utf-8?q?Carol_=3Ccarol=40x.example=3E?=", [("Carol", "carol@x.example")]),
        ("'carol@x.example' <carol@x.example>", [("'carol@x.example'", "carol@x.example")]),
        ("Carol", []),
        ("@x.example, carol@, <>, @", []),
        ("/O=ORG/OU=EXCHANGE/CN=CAROL", []),
        ("Carol <carol@x.example>, Dave", [("Carol", "carol@x.example")]),
    ],
)
def test_a_field_gives_everyone_in_it(value, found):
    assert people(value) == found


@pytest.mark.parametrize(
    "spelling",
    [
        *(
            "carol@x.example",
            "CAROL@X.EXAMPLE",
            " carol@x.example. ",
            '"carol"@x.example',
            "<carol@x.example>",
        ),
        *("mailto:carol@x.example", "carol@x。example", "carol@x.exa\u00admple"),
    ],
)
def test_r036_one_person_has_one_key(spelling):
    person = make_address(spelling)
    assert person is not None
    assert (person.key, person.domain) == ("carol@x.example", "x.example")


@pytest.mark.parametrize(
    "spelling",
    [
        *("", "carol", "@x.example", "carol@", "ca rol@x.example", "carol@x..example", "carol@x example"),
        *("a" * 320 + "@x.example", "carol\x07@x.example", "/o=Org/cn=carol@x.example", "carol@x,example"),
    ],
)
def test_what_no_mail_can_be_sent_to_is_no_address(spelling):
    assert make_address(spelling) is None


@pytest.mark.parametrize(
    ("domain", "canonical"),
    [
        ("X.Example.", "x.example"),
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("MÜNCHEN.example", "xn--mnchen-3ya.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("日本。example", "xn--wgv71a.example"),
        ("ｘ.example", "x.example"),
        ("x\u200b.exa\u00admple", "x.example"),
        ("[192.0.2.1]", "[192.0.2.1]"),
        ("[IPv6:2001:DB8::1]", "[ipv6:2001:db8::1]"),
        ("_dmarc.x.example", "_dmarc.x.example"),
        (".x.example", ""),
        ("x..example", ""),
        ("x/example", ""),
        ("a b", ""),
        ("", ""),
    ],
)
def test_a_domain_has_one_spelling(domain, canonical):
    assert canonical_domain(domain) == canonical


@pytest.mark.parametrize(
    ("display_name", "first", "last"),
    [
        ("Carol Jones", "Carol", "Jones"),
        ("Carol", "Carol", ""),
        ("Jones, Carol", "Carol", "Jones"),
        ("Jones, Dr. Carol", "Carol", "Jones"),
        ("Carol Jones, PhD", "Carol", "Jones"),
        ("Dr. Carol Jones Jr.", "Carol", "Jones"),
        ("Herr Karl von der Heide", "Karl", "von der Heide"),
        ("'Carol Jones'", "Carol", "Jones"),
        ("Carol Jones (Sales)", "Carol", "Jones"),
        ("Carol Jones [External]", "Carol", "Jones"),
        ("Carol Jones via Sheets", "Carol", "Jones"),
        ("Carol Jones | Customer Ltd", "Carol", "Jones"),
        ("Carol Jones - Customer", "Carol", "Jones"),
        ("Carol Jones-Smith", "Carol", "Jones-Smith"),
        ("Carol at Customer", "Carol", ""),
        ("Customer Inc.", "Customer Inc.", ""),
        ("carol", "", ""),
        ("carol@x.example", "", ""),
        ("", "", ""),
        ("   ", "", ""),
        ("李小龍", "李小龍", ""),
        ("Carol\u200b Jones\x00", "Carol", "Jones"),
    ],
)
def test_r042_a_display_name_gives_first_and_last_name(display_name, first, last):
    assert split_name(display_name, "carol@x.example") == (first, last)


def test_five_hundred_recipients_are_all_read():
    field = ", ".join(f'"Person {n}, EU" <p{n}@x.example>' for n in range(500))
    assert len(parse_addresses(field)) == 500


@pytest.mark.parametrize(
    "piece", ["(", '"', "<", "\\", ",", "=?utf-8?q?", "a@", "[", ":", " ", "a@x (", '"a" ']
)
def test_a_long_field_of_one_mark_is_read_too(piece):
    parse_addresses(piece * (300_000 // len(piece)))


def formatted(name: str, address: str) -> str:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>' if name else address


FIELD = st.text(alphabet=st.sampled_from('ab@x.example <>(),;:"\\[]=?utf-8q\n\t\u00e4\ud800\0'))


@given(st.one_of(st.text(), FIELD))
def test_any_field_is_read_and_reads_the_same_when_written_out(value):
    found = parse_addresses(value)
    again = parse_addresses(", ".join(formatted(each.name, each.address) for each in found))
    assert [each.key for each in again] == [each.key for each in found]


@given(st.text())
def test_any_domain_is_canonical_after_one_time(domain):
    once = canonical_domain(domain)
    assert canonical_domain(once) == once


@given(st.text(), st.text())
def test_any_name_splits(display_name, address):
    for part in split_name(display_name, address):
        part.encode()
        assert part == part.strip()
