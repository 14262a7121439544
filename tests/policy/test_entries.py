"""R-036: what is typed into an exclusion list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mail.addresses import make_address
from postroom.policy.entries import Entry, EntryRefused, parse_entries, parse_entry
from postroom.policy.people import is_listed
from tests.policy.cases import person

READ = [
    # Addresses
    ("jane@example.com", "jane@example.com"),
    ("  JANE@Example.COM ", "jane@example.com"),
    ("jane@example.com.", "jane@example.com"),
    ("jane+news@example.com", "jane+news@example.com"),
    ("<jane@example.com>", "jane@example.com"),
    ("Jane Doe <jane@example.com>", "jane@example.com"),
    ('"Doe, Jane" <jane@example.com>', "jane@example.com"),
    ("jane@example.com (Jane)", "jane@example.com"),
    ("Friends: jane@example.com (Jane);", "jane@example.com"),
    ('"jane doe"@example.com', '"jane doe"@example.com'),
    ('"jane.doe"@example.com', "jane.doe@example.com"),
    ('"a@b"@example.com', '"a@b"@example.com'),
    ("mailto:jane@example.com", "jane@example.com"),
    ("MAILTO:jane@example.com?subject=hello", "jane@example.com"),
    ("jane?x@example.com", "jane?x@example.com"),
    ("jane@münchen.example", "jane@xn--mnchen-3ya.example"),
    ("jane@[192.0.2.1]", "jane@[192.0.2.1]"),
    ("root@localhost", "root@localhost"),
    ("jane@co.uk", "jane@co.uk"),
    # Domains
    ("example.com", "example.com"),
    ("EXAMPLE.com.", "example.com"),
    ("mail.example.com", "mail.example.com"),
    ("@example.com", "example.com"),
    ("*@example.com", "example.com"),
    ("*.example.com", "example.com"),
    (".example.com", "example.com"),
    ("http://example.com", "example.com"),
    ("https://www.example.com/about?x=y", "example.com"),
    ("HTTPS://WWW.Example.com:8080", "example.com"),
    ("www.example.com", "www.example.com"),
    ("münchen.example", "xn--mnchen-3ya.example"),
    ("MÜNCHEN.example", "xn--mnchen-3ya.example"),
    ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
    ("example。com", "example.com"),
    ("faß.de", "xn--fa-hia.de"),
    ("my_host.example", "my_host.example"),
    ("7.example", "7.example"),
    ("github.io", "github.io"),
    ("www.ck", "www.ck"),
    ("a" * 63 + ".com", "a" * 63 + ".com"),
    (".".join(["a" * 49] * 5) + ".com", ".".join(["a" * 49] * 5) + ".com"),
]


@pytest.mark.parametrize(("typed", "value"), READ)
def test_an_entry_is_an_address_or_a_domain(typed, value):
    entry = parse_entry(typed)
    assert entry == Entry(value)
    assert entry.is_address is ("@" in value)


GENERAL = "An entry is an address such as jane@example.com, or a domain such as example.com."
NO_ADDRESS = "This is not an address; one looks like jane@example.com."
SEVERAL = "These are several addresses; enter them one by one."
WORDS = "These are several words; enter one address or domain at a time."
STAR = "A star stands for nothing here; a domain covers its subdomains by itself."
STAR_IN_ADDRESS = "A star stands for nothing in an address; for everyone there, enter the domain."
IP = "An IP address is not a domain; enter the domain or the whole address."


def cannot_be(domain: str) -> str:
    return f"“{domain}” cannot be a domain; one looks like example.com."


def anyone(domain: str) -> str:
    return f"Anyone can have a domain under “{domain}”; enter a domain below it."


def not_whole(domain: str) -> str:
    return f"“{domain}” is not a whole domain; one looks like example.com."


REFUSED = [
    ("", GENERAL),
    ("@", GENERAL),
    ("example.com..", GENERAL),
    ("example..com", GENERAL),
    ("example.com/about", GENERAL),
    ("example.com:25", GENERAL),
    ("http://", GENERAL),
    ("http://[", GENERAL),
    ("undisclosed-recipients:;", GENERAL),
    ("<example.com>", GENERAL),
    ("jane@", NO_ADDRESS),
    ("a@b@example.com", NO_ADDRESS),
    ("jane doe@example.com", NO_ADDRESS),
    ("jane@example..com", NO_ADDRESS),
    ("@a@example.com", NO_ADDRESS),
    ("jane@example.com, dan@example.com", SEVERAL),
    ("Friends: jane@example.com, dan@example.com;", SEVERAL),
    ("a.example, b.example", WORDS),
    ("exa mple.com", WORDS),
    ("a.example;b.example", WORDS),
    ("*", STAR),
    ("*example.com", STAR),
    ("*.*.example.com", STAR),
    ("j*@example.com", STAR_IN_ADDRESS),
    ("*.jane@example.com", STAR_IN_ADDRESS),
    ("192.0.2.1", IP),
    ("[192.0.2.1]", IP),
    ("2001:db8::1", IP),
    ("[IPv6:2001:db8::1]", IP),
    ("http://192.0.2.1/x", IP),
    ("jane@192.0.2.1", cannot_be("192.0.2.1")),
    ("1.2.3", cannot_be("1.2.3")),
    ("-a.example", cannot_be("-a.example")),
    ("a-.example", cannot_be("a-.example")),
    ("jane@-a.example", cannot_be("-a.example")),
    ("a" * 64 + ".com", cannot_be("a" * 64 + ".com")),
    (".".join(["a" * 49] * 5) + ".info", cannot_be(".".join(["a" * 49] * 5) + ".info")),
    ("com", not_whole("com")),
    ("localhost", not_whole("localhost")),
    ("*.com", not_whole("com")),
    ("co.uk", anyone("co.uk")),
    ("*.co.uk", anyone("co.uk")),
    ("CO.UK.", anyone("CO.UK.")),
    ("東京.jp", anyone("東京.jp")),
    ("kobe.jp", anyone("kobe.jp")),
    ("x" * 1001, "This is too long for an address or a domain."),
]


@pytest.mark.parametrize(("typed", "reason"), REFUSED)
def test_what_cannot_be_read_is_refused_with_the_reason(typed, reason):
    with pytest.raises(EntryRefused) as refusal:
        parse_entry(typed)
    assert str(refusal.value) == reason


def test_an_entry_of_a_thousand_characters_is_looked_at():
    assert parse_entry("x" * 983 + " <jane@a.example>").value == "jane@a.example"


def test_each_entry_is_refused_by_itself():
    entries = parse_entries(["jane@example.com", "co.uk", " ", "", "example.com", "EXAMPLE.COM", "*"])
    assert entries.values == {"jane@example.com", "example.com"}
    assert entries.refused == (("co.uk", anyone("co.uk")), ("*", STAR))


@pytest.mark.parametrize(
    ("typed", "address"), [("leadsquared.com", "x@notleadsquared.com"), ("paypal.com", "x@pаypal.com")]
)
def test_what_only_looks_alike_is_not_covered(typed, address):
    assert not is_listed(person(address), frozenset({parse_entry(typed).value}))


typed_entries = st.text() | st.text(st.sampled_from("aé.@*-<>\"' ():;,[]1/\\?+_\u3002ß"), max_size=25)


@given(typed_entries)
def test_every_text_is_an_entry_or_refused_and_reading_is_settled_after_once(text):
    entries = parse_entries([text])
    assert len(entries.values) + len(entries.refused) == bool(text.strip())
    assert all(typed == text and reason.endswith(".") for typed, reason in entries.refused)
    assert all(parse_entry(value).value == value for value in entries.values)


@given(st.emails())
def test_an_address_as_an_entry_covers_that_address(text):
    address = make_address(text)
    assert address is not None
    if "*" not in address.key:
        assert is_listed(address, frozenset({parse_entry(text).value}))
