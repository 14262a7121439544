"""R-036: who an entry covers."""

import pytest

from postroom.mail.message import Address
from postroom.policy.decision import Rep
from postroom.policy.people import counterparts, is_among, is_listed, listing
from tests.policy.cases import RECEIVED, mail, person


@pytest.mark.parametrize(
    ("entry", "address", "listed"),
    [
        ("rival.example", "x@rival.example", True),
        ("rival.example", "x@mail.rival.example", True),
        ("rival.example", "x@a.b.rival.example", True),
        ("rival.example", "x@notrival.example", False),
        ("rival.example", "x@rival.example.org", False),
        ("rival.example", "X@RIVAL.Example.", True),
        ("mail.rival.example", "x@rival.example", False),
        ("x@rival.example", "x@rival.example", True),
        ("x@rival.example", "X@Rival.Example", True),
        ("x@rival.example", "y@rival.example", False),
        ("x@rival.example", "x@mail.rival.example", False),
        ("x@rival.example", "x+tag@rival.example", False),
        ("xn--mnchen-3ya.example", "x@münchen.example", True),
        ("paypal.example", "x@pаypal.example", False),
        ("x", "x@rival.example", False),
    ],
)
def test_r036_an_entry_is_an_address_or_a_domain_with_its_subdomains(entry, address, listed):
    entries = frozenset({entry, "other.example"})
    assert is_listed(person(address), entries) is listed
    assert listing(person(address), entries) == (entry if listed else "")


def test_the_closest_entry_is_named():
    entries = frozenset({"rival.example", "mail.rival.example"})
    assert listing(person("x@mail.rival.example"), entries) == "mail.rival.example"
    assert (
        listing(person("x@mail.rival.example"), entries | {"x@mail.rival.example"}) == "x@mail.rival.example"
    )


@pytest.mark.parametrize(
    ("address", "among"),
    [
        ("rita@a.example", True),
        ("rita+fair@a.example", True),
        ("rita+a+b@a.example", True),
        ("rita-fair@a.example", False),
        ("rita+fair@b.example", False),
        ("ritas@a.example", False),
    ],
)
def test_a_label_behind_a_plus_is_the_same_person(address, among):
    assert is_among(person(address), frozenset({"rita@a.example"})) is among


def test_an_own_address_that_has_a_label_is_itself():
    assert is_among(person("rita+x@a.example"), frozenset({"rita+x@a.example"}))


def test_who_has_no_key_is_nobody():
    assert counterparts(mail(from_=Address("nonsense")), RECEIVED, Rep(frozenset())) == {
        "rita@northwind.example": person("rita@northwind.example")
    }
