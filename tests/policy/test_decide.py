"""What the policy says of a mail, requirement by requirement."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mail.addresses import make_address
from postroom.mail.message import Address, Direction, Message
from postroom.policy.decide import KnownLead, Rep, Rule, counterparts, decide, is_listed, judge_unread
from postroom.policy.settings import Detail, Field, Settings

SENT, RECEIVED = Direction.SENT, Direction.RECEIVED
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
REP = Rep(
    frozenset({"rita@northwind.example", "sales@northwind.example"}), frozenset({"sam@northwind.example"})
)


def person(address: str, name: str = "") -> Address:
    made = make_address(address, name)
    assert made is not None
    return made


def mail(*, from_="carol@customer.example", to=("rita@northwind.example",), cc=(), bcc=()) -> Message:
    return Message(
        id="1",
        thread="",
        message_id="m@x",
        date=NOON,
        received_at=NOON,
        from_=person(from_) if from_ else None,
        to=tuple(map(person, to)),
        cc=tuple(map(person, cc)),
        bcc=tuple(map(person, bcc)),
    )


def sent(*to: str, **fields) -> Message:
    return mail(from_="rita@northwind.example", to=to, **fields)


def inbound(**changes) -> Settings:
    return replace(Settings(), inbound=replace(Settings().inbound, **changes))


def outbound(**changes) -> Settings:
    return replace(Settings(), outbound=replace(Settings().outbound, **changes))


def leads(*addresses: str) -> dict[str, list[KnownLead]]:
    return {address: [KnownLead(number)] for number, address in enumerate(addresses, 1)}


def rule(message: Message, direction: Direction, settings: Settings, known=None) -> Rule:
    return decide(message, direction, REP, settings, known or {}).rule


def test_r004_a_mail_from_a_lead_is_synced_on_that_lead():
    decision = decide(mail(), RECEIVED, REP, Settings(), leads("carol@customer.example"))
    assert decision.syncs
    assert [match.lead for match in decision.matches] == [1]


def test_r005_a_mail_to_several_leads_is_synced_on_each():
    known = leads("a@one.example", "b@two.example")
    decision = decide(sent("a@one.example", cc=["b@two.example"]), SENT, REP, Settings(), known)
    assert {match.lead for match in decision.matches} == {1, 2}


def test_r005_a_lead_that_has_two_of_the_addresses_gets_one_activity():
    known = {"a@one.example": [KnownLead(1)], "b@one.example": [KnownLead(1)]}
    decision = decide(sent("a@one.example", "b@one.example"), SENT, REP, Settings(), known)
    assert [match.lead for match in decision.matches] == [1]


@pytest.mark.parametrize(
    ("direction", "settings"), [(SENT, outbound(enabled=False)), (RECEIVED, inbound(enabled=False))]
)
def test_r030_a_direction_that_is_off_is_decided_without_reading_the_mail(direction, settings):
    decision = judge_unread(direction, settings)
    assert decision is not None
    assert decision.rule is Rule.DIRECTION_OFF
    other = RECEIVED if direction is SENT else SENT
    assert judge_unread(other, settings) is None


def test_r051_nothing_syncs_while_sync_is_disabled():
    settings = replace(Settings(), sync_disabled=True)
    assert rule(mail(), RECEIVED, settings, leads("carol@customer.example")) is Rule.SYNC_DISABLED


@pytest.mark.parametrize(
    ("entry", "address", "listed"),
    [
        ("rival.example", "x@rival.example", True),
        ("rival.example", "x@mail.rival.example", True),
        ("rival.example", "x@notrival.example", False),
        ("rival.example", "x@rival.example.org", False),
        ("rival.example", "X@RIVAL.Example.", True),
        ("x@rival.example", "x@rival.example", True),
        ("x@rival.example", "X@Rival.Example", True),
        ("x@rival.example", "y@rival.example", False),
        ("x@rival.example", "x@mail.rival.example", False),
        ("xn--mnchen-3ya.example", "x@münchen.example", True),
    ],
)
def test_r036_an_entry_is_an_address_or_a_domain_with_its_subdomains(entry, address, listed):
    assert is_listed(person(address), frozenset({entry})) is listed


@pytest.mark.parametrize(
    ("fields", "message", "excluded"),
    [
        ({Field.FROM}, mail(from_="x@rival.example"), True),
        ({Field.TO}, mail(from_="x@rival.example"), False),
        ({Field.CC}, mail(cc=["x@rival.example"]), True),
        ({Field.FROM, Field.TO}, mail(cc=["x@rival.example"]), False),
        (set(), mail(from_="x@rival.example"), False),
    ],
)
def test_r037_a_hit_in_a_chosen_field_excludes_the_whole_mail(fields, message, excluded):
    settings = inbound(excluded=frozenset({"rival.example"}), excluded_in=frozenset(fields), capture=True)
    known = leads("carol@customer.example", "x@rival.example")
    assert (rule(message, RECEIVED, settings, known) is Rule.EXCLUDED) is excluded


def test_r037_one_excluded_recipient_excludes_the_mail_for_the_others_too():
    settings = outbound(excluded=frozenset({"rival.example"}))
    message = sent("carol@customer.example", "x@rival.example")
    assert rule(message, SENT, settings, leads("carol@customer.example")) is Rule.EXCLUDED


def test_the_reason_of_a_skipped_mail_holds_nothing_of_it():
    settings = inbound(excluded=frozenset({"x@rival.example"}))
    decision = decide(mail(from_="x@rival.example"), RECEIVED, REP, settings, {})
    assert "rival" not in decision.reason
    assert decision.matches == ()


def test_r040_the_chosen_details_are_those_of_the_direction():
    settings = inbound(details=frozenset({Detail.SUBJECT}))
    known = leads("carol@customer.example")
    assert decide(mail(), RECEIVED, REP, settings, known).details == {Detail.SUBJECT}
    assert decide(sent("carol@customer.example"), SENT, REP, settings, known).details == set(Detail)


def test_r042_an_unknown_counterpart_in_a_chosen_field_becomes_a_lead():
    settings = inbound(capture=True, lead_source="Mail")
    message = replace(
        mail(cc=["dan@customer.example"]), from_=person("carol@customer.example", "Carol Jones")
    )
    decision = decide(message, RECEIVED, REP, settings, {})
    assert [(m.address.key, m.lead, m.first_name, m.last_name) for m in decision.matches] == [
        ("carol@customer.example", None, "Carol", "Jones")
    ]
    assert decision.lead_source == "Mail"


@pytest.mark.parametrize(
    "address",
    ["rita@northwind.example", "sales@northwind.example", "sam@northwind.example", "new@northwind.example"],
)
def test_r042_the_rep_users_and_internal_people_are_never_captured(address):
    settings = replace(
        inbound(capture=True, capture_from=frozenset(Field)),
        internal_domains=frozenset({"northwind.example"}),
    )
    assert rule(mail(from_=address), RECEIVED, settings) in {Rule.NO_LEAD, Rule.NO_COUNTERPART}


def test_r042_an_excluded_address_outside_the_excluding_fields_is_not_captured():
    settings = inbound(
        capture=True,
        capture_from=frozenset({Field.FROM, Field.CC}),
        excluded=frozenset({"rival.example"}),
    )
    decision = decide(mail(cc=["x@rival.example"]), RECEIVED, REP, settings, {})
    assert [match.address.key for match in decision.matches] == ["carol@customer.example"]


def test_r043_no_lead_and_no_capture_is_not_synced():
    assert rule(mail(), RECEIVED, Settings()) is Rule.NO_LEAD


def test_r052_mail_among_internal_people_is_skipped_only_with_the_switch_on():
    domains = frozenset({"northwind.example"})
    message = mail(from_="sam@northwind.example")
    on = replace(Settings(), skip_internal=True, internal_domains=domains)
    off = replace(Settings(), skip_internal=False, internal_domains=domains)
    known = leads("sam@northwind.example")
    assert rule(message, RECEIVED, on, known) is Rule.INTERNAL
    assert rule(message, RECEIVED, off, known) is Rule.SYNCED


def test_r052_a_mixed_mail_syncs_to_its_external_leads_only():
    settings = replace(Settings(), skip_internal=True, internal_domains=frozenset({"northwind.example"}))
    message = sent("carol@customer.example", "sam@northwind.example")
    known = leads("carol@customer.example", "sam@northwind.example")
    assert [m.lead for m in decide(message, SENT, REP, settings, known).matches] == [1]


@pytest.mark.parametrize(
    ("message", "direction"),
    [
        (sent("rita@northwind.example"), SENT),
        (sent("sales@northwind.example"), SENT),
        (mail(from_="sales@northwind.example"), RECEIVED),
        (mail(from_=None, to=()), RECEIVED),
    ],
)
def test_a_mail_with_nobody_but_the_rep_has_no_counterpart(message, direction):
    assert rule(message, direction, inbound(capture=True)) is Rule.NO_COUNTERPART


def test_the_author_of_a_sent_mail_is_the_rep_under_any_address():
    message = mail(from_="shared@elsewhere.example", to=["carol@customer.example"])
    assert set(counterparts(message, SENT, REP)) == {"carol@customer.example"}


people = st.lists(
    st.sampled_from(
        [
            "rita@northwind.example",
            "sam@northwind.example",
            "carol@customer.example",
            "dan@customer.example",
            "x@rival.example",
        ]
    ),
    max_size=5,
)
entries = st.frozensets(st.sampled_from(["rival.example", "customer.example", "dan@customer.example"]))
KNOWN = leads("carol@customer.example", "x@rival.example")


@given(people, people, entries, st.booleans(), st.randoms())
def test_the_order_of_recipients_never_matters(to, cc, excluded, capture, random):
    settings = inbound(excluded=excluded, excluded_in=frozenset(Field), capture=capture)
    message = mail(to=to, cc=cc)
    shuffled = mail(to=random.sample(to, len(to)), cc=random.sample(cc, len(cc)))
    one, other = (decide(m, RECEIVED, REP, settings, KNOWN) for m in (message, shuffled))
    assert one.rule is other.rule
    assert {m.address.key for m in one.matches} == {m.address.key for m in other.matches}


@given(people, people, entries, entries, st.booleans())
def test_an_exclusion_only_ever_removes(to, cc, excluded, more, capture):
    settings = inbound(excluded=excluded, excluded_in=frozenset(Field), capture=capture)
    stricter = inbound(excluded=excluded | more, excluded_in=frozenset(Field), capture=capture)
    message = mail(to=to, cc=cc)
    before = decide(message, RECEIVED, REP, settings, KNOWN)
    after = decide(message, RECEIVED, REP, stricter, KNOWN)
    assert before.syncs or not after.syncs
    assert {m.address.key for m in after.matches} <= {m.address.key for m in before.matches}
