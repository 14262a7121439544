"""What holds of every mail and all settings."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import MessageError
from postroom.mail.mime import read_mime
from postroom.policy.decide import decide
from postroom.policy.decision import Decision, KnownLead
from postroom.policy.explain import explain, to_data
from postroom.policy.settings import Behaviour, DirectionSettings, Field, KeywordField, Settings
from tests.mails import mail as mail_bytes
from tests.policy.cases import NOON, RECEIVED, REP, SENT, mail

PEOPLE = [
    "rita@northwind.example",
    "sam@northwind.example",
    "carol@customer.example",
    "dan@customer.example",
    "x@rival.example",
]
WORDS = ["offer", "special offer", "price", "C++"]
KNOWN = {
    "carol@customer.example": [KnownLead(1), KnownLead(2, "contact_email")],
    "x@rival.example": [KnownLead(1, "contact_email"), KnownLead(3)],
}

fields = st.frozensets(st.sampled_from(Field))
entries = st.frozensets(st.sampled_from(["rival.example", "customer.example", "dan@customer.example"]))
keywords = st.frozensets(st.sampled_from(WORDS))
directions = st.builds(
    DirectionSettings,
    behaviour=st.sampled_from(Behaviour),
    keywords=keywords,
    keywords_in=st.frozensets(st.sampled_from(KeywordField)),
    excluded=entries,
    excluded_in=fields,
    capture=st.booleans(),
    capture_from=fields,
    skip_automatic=st.frozensets(st.sampled_from(["list", "bounce"])),
)
policies = st.builds(
    Settings,
    outbound=directions,
    inbound=directions,
    search_fields=st.permutations(["email", "contact_email"]).map(tuple),
    search_all=st.booleans(),
    skip_internal=st.booleans(),
    internal_domains=st.frozensets(st.sampled_from(["northwind.example", "rival.example"])),
)
ways = st.sampled_from([SENT, RECEIVED])
people = st.lists(st.sampled_from(PEOPLE), max_size=5)
texts = st.lists(st.sampled_from([*WORDS, "coffer", "and"]), max_size=3).map(" ".join)
mails = st.builds(
    mail,
    from_=st.sampled_from(PEOPLE) | st.none(),
    to=people,
    cc=people,
    bcc=people,
    subject=texts,
    text=texts,
    headers=st.sampled_from([{}, {"list-id": "<news.example>"}]),
)


def found(decision: Decision) -> set[tuple[str, int | None]]:
    return {(match.address.key, match.lead) for match in decision.matches}


def leads(decision: Decision) -> set[int | str]:
    return {match.lead or match.address.key for match in decision.matches}


@given(mails, ways, policies, st.randoms(use_true_random=False))
def test_the_order_of_recipients_never_matters(message, way, settings, random):
    shuffled = replace(
        message,
        **{
            name: random.sample(getattr(message, name), len(getattr(message, name)))
            for name in ("to", "cc", "bcc")
        },
    )
    one, other = (decide(each, way, REP, settings, KNOWN) for each in (message, shuffled))
    assert one.rule is other.rule
    assert found(one) == found(other)


@given(mails, ways, policies, entries)
def test_an_exclusion_only_ever_removes(message, way, settings, more):
    stricter = replace(
        settings,
        outbound=replace(settings.outbound, excluded=settings.outbound.excluded | more),
        inbound=replace(settings.inbound, excluded=settings.inbound.excluded | more),
    )
    before = decide(message, way, REP, settings, KNOWN)
    after = decide(message, way, REP, stricter, KNOWN)
    assert before.syncs or not after.syncs
    assert leads(after) <= leads(before)


@given(mails, ways, policies, keywords)
def test_a_keyword_only_ever_adds(message, way, settings, more):
    wider = replace(
        settings,
        outbound=replace(settings.outbound, keywords=settings.outbound.keywords | more),
        inbound=replace(settings.inbound, keywords=settings.inbound.keywords | more),
    )
    before = decide(message, way, REP, settings, KNOWN)
    after = decide(message, way, REP, wider, KNOWN)
    assert after.syncs or not before.syncs
    assert leads(before) <= leads(after)


@given(mails, ways, policies)
def test_a_mail_syncs_exactly_if_it_has_a_match_and_quotes_nothing_otherwise(message, way, settings):
    decision = decide(message, way, REP, settings, KNOWN)
    assert decision.syncs is bool(decision.matches)
    assert decision.syncs or not decision.details
    assert decision.tested[-1].stops is not decision.syncs
    assert not any(check.stops for check in decision.tested[:-1])
    if not decision.syncs:
        assert decision.tested[-1].rule is decision.rule
        assert not any(word in decision.reason for word in ("@", *WORDS))


@given(mails, ways, policies)
def test_nobody_of_the_account_and_no_internal_address_becomes_a_lead(message, way, settings):
    captured = [
        match.address for match in decide(message, way, REP, settings, KNOWN).matches if not match.lead
    ]
    for address in captured:
        assert address.key not in REP.own | REP.colleagues
        assert address.domain not in settings.internal_domains | settings.of(way).excluded
        assert address.key not in KNOWN


WELL_FORMED = [mail_bytes(subject=word, html=html) for word in WORDS for html in ("", "<p>offer</p>")]
spoilt = st.builds(
    lambda raw, at, patch: raw[:at] + patch + raw[at:],
    st.sampled_from(WELL_FORMED),
    st.integers(0, 400),
    st.binary(max_size=20),
)


@given(st.binary(max_size=300) | spoilt, ways, policies)
def test_whatever_the_bytes_there_is_a_decision(raw, way, settings):
    try:
        message = read_mime(raw, received_at=NOON)
    except MessageError:
        return
    decision = decide(message, way, REP, settings, KNOWN)
    assert explain(decision)
    assert to_data(decision)
