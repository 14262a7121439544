"""R-042 and R-044: which leads a mail belongs to, and who becomes one."""

from dataclasses import replace

import pytest

from postroom.policy.decide import decide
from postroom.policy.decision import KnownLead, Rule
from postroom.policy.settings import Field, Settings
from tests.policy.cases import (
    RECEIVED,
    REP,
    SENT,
    inbound,
    leads,
    mail,
    outbound,
    person,
    received,
    rule,
    sent,
)

CAROL = "carol@customer.example"


def test_r042_an_unknown_counterpart_in_a_chosen_field_becomes_a_lead():
    settings = inbound(capture=True, lead_source="Mail")
    message = mail(from_=person(CAROL, "Carol Jones"), cc=["dan@customer.example"])
    decision = received(message, settings)
    assert [(m.address.key, m.lead, m.first_name, m.last_name, m.field) for m in decision.matches] == [
        (CAROL, None, "Carol", "Jones", "")
    ]
    assert decision.lead_source == "Mail"


@pytest.mark.parametrize(
    ("fields", "captured"),
    [
        ({Field.TO}, {"to@a.example"}),
        ({Field.CC}, {"cc@a.example"}),
        ({Field.BCC}, {"bcc@a.example"}),
        ({Field.TO, Field.BCC}, {"to@a.example", "bcc@a.example"}),
        ({Field.FROM}, set()),
        (set(), set()),
    ],
)
def test_r042_capture_looks_at_the_chosen_fields_of_sent_mail(fields, captured):
    message = sent("to@a.example", cc=["cc@a.example"], bcc=["bcc@a.example"])
    settings = outbound(capture=True, capture_from=frozenset(fields))
    decision = decide(message, SENT, REP, settings, {})
    assert {match.address.key for match in decision.matches} == captured


def test_r042_bcc_of_received_mail_is_never_captured_from():
    settings = inbound(capture=True, capture_from=frozenset({Field.BCC}))
    assert rule(mail(from_=None, bcc=[CAROL]), RECEIVED, settings) is Rule.NO_LEAD


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("sam@northwind.example", "is a user of this account, and so becomes no lead."),
        ("sam+x@northwind.example", "is a user of this account, and so becomes no lead."),
        ("new@northwind.example", "is internal, and so becomes no lead."),
        ("new@eu.northwind.example", "is internal, and so becomes no lead."),
        ("x@rival.example", "is on the exclusion list, and so becomes no lead."),
    ],
)
def test_r042_users_internal_people_and_excluded_addresses_are_never_captured(address, why):
    settings = replace(
        inbound(
            capture=True,
            capture_from=frozenset({Field.FROM, Field.CC}),
            excluded=frozenset({"rival.example"}),
            excluded_in=frozenset({Field.TO}),
        ),
        internal_domains=frozenset({"northwind.example"}),
    )
    assert rule(mail(from_=address), RECEIVED, settings) is Rule.NO_LEAD
    assert f"{address} {why}" in received(mail(from_=address), settings).tested[-1].lines
    mixed = received(mail(cc=[address]), settings)
    assert [match.address.key for match in mixed.matches] == [CAROL]
    assert set(mixed.tested[-1].lines) == {f"{CAROL} becomes a lead.", f"{address} {why}"}


def test_r042_the_rep_is_never_captured():
    settings = inbound(capture=True, capture_from=frozenset(Field))
    message = mail(to=["rita@northwind.example", "sales@northwind.example"], cc=["rita+x@northwind.example"])
    assert [match.address.key for match in received(message, settings).matches] == [CAROL]


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (Settings(), "is no lead, and new leads are not captured."),
        (
            inbound(capture=True, capture_from=frozenset({Field.CC})),
            "is no lead, and stands in no field that leads are captured from.",
        ),
    ],
)
def test_an_explanation_says_why_somebody_is_no_lead(settings, why):
    assert received(mail(), settings).tested[-1].lines == (f"{CAROL} {why}",)


def test_r042_an_existing_lead_and_a_new_one_stand_side_by_side():
    settings = inbound(capture=True, capture_from=frozenset({Field.FROM, Field.CC}))
    decision = received(mail(cc=["dan@customer.example"]), settings, leads("dan@customer.example"))
    assert [(match.address.key, match.lead) for match in decision.matches] == [
        ("dan@customer.example", 1),
        (CAROL, None),
    ]


EMAIL, CONTACT, OTHER = KnownLead(5), KnownLead(3, "contact_email"), KnownLead(4, "contact_email")
SEARCHES = [
    (("email",), False, [EMAIL, CONTACT], [(5, "email")]),
    (("contact_email",), False, [EMAIL, CONTACT], [(3, "contact_email")]),
    (("email", "contact_email"), False, [CONTACT, EMAIL], [(5, "email")]),
    (("contact_email", "email"), False, [EMAIL, CONTACT], [(3, "contact_email")]),
    (("email", "contact_email"), False, [CONTACT], [(3, "contact_email")]),
    (("email", "contact_email"), False, [OTHER, CONTACT], [(3, "contact_email")]),
    (
        ("email", "contact_email"),
        True,
        [OTHER, CONTACT, EMAIL],
        [(5, "email"), (3, "contact_email"), (4, "contact_email")],
    ),
    (("contact_email", "email"), True, [EMAIL, OTHER], [(4, "contact_email"), (5, "email")]),
    (("email",), True, [EMAIL, CONTACT], [(5, "email")]),
    (("email", "contact_email"), True, [EMAIL, KnownLead(5, "contact_email")], [(5, "email")]),
    (("other",), False, [EMAIL, CONTACT], []),
    (("other",), True, [EMAIL, CONTACT], []),
]


@pytest.mark.parametrize(("fields", "every", "known", "expected"), SEARCHES)
def test_r044_leads_are_searched_by_fields_in_order(fields, every, known, expected):
    settings = replace(Settings(), search_fields=fields, search_all=every)
    decision = received(mail(), settings, {CAROL: known})
    assert [(match.lead, match.field) for match in decision.matches] == expected
    assert not every or all(match.note == "" for match in decision.matches)


def test_r044_each_address_is_searched_for_itself():
    settings = replace(Settings(), search_fields=("email", "contact_email"))
    known = {CAROL: [KnownLead(1, "contact_email")], "dan@customer.example": [KnownLead(2)]}
    decision = received(mail(cc=["dan@customer.example"]), settings, known)
    assert [match.lead for match in decision.matches] == [1, 2]


def test_of_two_leads_with_one_address_the_oldest_is_used_and_the_log_says_so():
    known = {CAROL: [KnownLead(9), KnownLead(4), KnownLead(6)]}
    decision = received(mail(), Settings(), known)
    note = "3 leads have the same address in the field email; the oldest is used."
    assert [(match.lead, match.note) for match in decision.matches] == [(4, note)]
    assert decision.reason == f"Synced: received mail. {note}"


def test_a_lead_found_twice_by_one_field_is_one_lead():
    decision = received(mail(), Settings(), {CAROL: [KnownLead(4), KnownLead(4)]})
    assert [(match.lead, match.note) for match in decision.matches] == [(4, "")]
    assert decision.reason == "Synced: received mail."


def test_two_people_with_the_same_trouble_are_one_remark():
    twice = [KnownLead(1), KnownLead(2)]
    known = {CAROL: twice, "dan@customer.example": [KnownLead(3), KnownLead(4)]}
    decision = received(mail(cc=["dan@customer.example"]), Settings(), known)
    assert decision.reason.count("oldest") == 1


def test_who_is_a_lead_by_a_field_that_is_not_searched_is_not_captured_again():
    settings = replace(inbound(capture=True), search_fields=("contact_email",))
    decision = received(mail(), settings, {CAROL: [KnownLead(5)]})
    assert decision.rule is Rule.NO_LEAD
    assert decision.tested[-1].lines == (f"{CAROL} is a lead already, but by a field that is not searched.",)


def test_an_explanation_names_the_leads_and_the_fields():
    settings = replace(Settings(), search_fields=("email", "contact_email"), search_all=True)
    decision = received(mail(), settings, {CAROL: [EMAIL, CONTACT]})
    assert decision.tested[-1].lines == (f"{CAROL} is lead 5 (by email), lead 3 (by contact_email).",)
