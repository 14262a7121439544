"""What the policy says of a mail, requirement by requirement."""

from dataclasses import replace

import pytest

from postroom.policy.decide import counterparts, decide, judge_unread
from postroom.policy.decision import KnownLead, Rule
from postroom.policy.settings import AttachmentKind, Behaviour, Detail, Field, KeywordField, Settings
from tests.policy.cases import (
    CAROL,
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
    with_keywords,
)

NORTHWIND = frozenset({"northwind.example"})
BOUNCE = {"content-type": "multipart/report; report-type=delivery-status"}
LIST = {"list-id": "<news.customer.example>"}
ABSENCE = {"auto-submitted": "auto-replied"}
INVITATION = {"content-class": "urn:content-classes:calendarmessage"}


def test_r004_a_mail_from_a_lead_is_synced_on_that_lead():
    decision = received(mail(), replace(Settings(), version=7), CAROL)
    assert decision.syncs
    assert [match.lead for match in decision.matches] == [1]
    assert decision.settings_version == 7
    assert decision.setting == ""


@pytest.mark.parametrize("excluded", [frozenset(), frozenset({"customer.example"})])
def test_a_decision_names_the_version_of_the_reps_own_settings_of_its_direction(excluded):
    settings = Settings(version=7)
    settings = replace(
        settings,
        inbound=replace(settings.inbound, excluded=excluded, rep_version=3),
        outbound=replace(settings.outbound, excluded=excluded, rep_version=4),
    )
    assert received(mail(), settings, CAROL).rep_settings_version == 3
    assert decide(sent("carol@customer.example"), SENT, REP, settings, CAROL).rep_settings_version == 4
    assert received(mail(), Settings(version=7), CAROL).rep_settings_version == 0


def test_a_direction_that_is_off_names_the_version_of_the_reps_own_settings_too():
    off = Settings(
        version=7,
        inbound=replace(Settings().inbound, enabled=False, rep_version=3),
        outbound=replace(Settings().outbound, enabled=False, rep_version=4),
    )
    for direction, version in ((RECEIVED, 3), (SENT, 4)):
        decision = judge_unread(direction, off)
        assert decision is not None
        assert (decision.settings_version, decision.rep_settings_version) == (7, version)


def test_r005_a_mail_to_several_leads_is_synced_on_each():
    known = leads("a@one.example", "b@two.example")
    decision = decide(sent("a@one.example", cc=["b@two.example"]), SENT, REP, Settings(), known)
    assert {match.lead for match in decision.matches} == {1, 2}


def test_r005_a_lead_that_has_two_of_the_addresses_gets_one_activity():
    known = {"a@one.example": [KnownLead(1)], "b@one.example": [KnownLead(1)]}
    decision = decide(sent("b@one.example", "a@one.example"), SENT, REP, Settings(), known)
    assert [(match.lead, match.address.key) for match in decision.matches] == [(1, "a@one.example")]


SWITCHED_OFF = [
    (replace(Settings(), sync_disabled=True), Rule.SYNC_DISABLED, "sync_disabled"),
    (inbound(enabled=False), Rule.DIRECTION_OFF, "inbound.enabled"),
    (inbound(behaviour=Behaviour.KEYWORDS), Rule.NO_KEYWORD, "inbound.keywords"),
    (with_keywords("offer", keywords_in=frozenset()), Rule.NO_KEYWORD, "inbound.keywords_in"),
    (replace(inbound(enabled=False), sync_disabled=True), Rule.SYNC_DISABLED, "sync_disabled"),
]


@pytest.mark.parametrize(("settings", "expected", "setting"), SWITCHED_OFF)
def test_what_the_settings_alone_settle_is_decided_without_reading_the_mail(settings, expected, setting):
    decision = judge_unread(RECEIVED, settings)
    assert decision is not None
    assert (decision.rule, decision.setting) == (expected, setting)
    assert decision == received(mail(subject="offer"), settings, CAROL)


@pytest.mark.parametrize(
    "settings", [Settings(), outbound(enabled=False), with_keywords("offer"), inbound(keywords=frozenset())]
)
def test_what_needs_the_mail_is_not_decided_without_it(settings):
    assert judge_unread(RECEIVED, settings) is None


def test_r030_a_direction_that_is_off_leaves_the_other_alone():
    assert judge_unread(SENT, inbound(enabled=False)) is None
    assert judge_unread(SENT, outbound(enabled=False)) is not None
    assert rule(sent("carol@customer.example"), SENT, outbound(enabled=False), CAROL) is Rule.DIRECTION_OFF


def test_r051_nothing_syncs_while_sync_is_disabled():
    settings = replace(Settings(), sync_disabled=True)
    assert rule(mail(), RECEIVED, settings, CAROL) is Rule.SYNC_DISABLED


KEYWORDS = [
    (mail(subject="Our offer"), {"subject", "body"}, True),
    (mail(text="Our offer"), {"subject", "body"}, True),
    (mail(subject="Our offer"), {"body"}, False),
    (mail(text="Our offer"), {"subject"}, False),
    (mail(subject="Our offer"), {"subject"}, True),
    (mail(html="<p>Our <b>off</b>er</p>"), {"body"}, True),
    (mail(html="<p>Ours</p><!-- offer --><style>offer</style><script>offer</script>"), {"body"}, False),
    (mail(subject="Our coffer"), {"subject", "body"}, False),
    (mail(), {"subject", "body"}, False),
]


@pytest.mark.parametrize(("message", "places", "hit"), KEYWORDS)
def test_r034_a_hit_in_either_chosen_place_is_enough(message, places, hit):
    settings = with_keywords("offer", keywords_in=frozenset(map(KeywordField, places)))
    assert received(message, settings, CAROL).rule is (Rule.SYNCED if hit else Rule.NO_KEYWORD)


def test_r031_keywords_do_not_matter_while_all_emails_sync():
    settings = inbound(behaviour=Behaviour.ALL, keywords=frozenset({"offer"}))
    assert received(mail(), settings, CAROL).reason == "Synced: received mail."
    assert received(mail(subject="offer"), settings, CAROL).reason == "Synced: received mail."


@pytest.mark.parametrize(
    ("details", "reason"),
    [
        (frozenset(Detail), "Synced: received mail with the keyword “Offer” in the body."),
        (frozenset({Detail.SUBJECT}), "Synced: received mail with a keyword in the body."),
    ],
)
def test_r040_the_log_names_a_keyword_only_where_its_place_is_captured(details, reason):
    assert received(mail(text="an offer"), with_keywords("Offer", details=details), CAROL).reason == reason


@pytest.mark.parametrize(
    ("fields", "message", "excluded"),
    [
        ({Field.FROM}, mail(from_="x@rival.example"), True),
        ({Field.TO}, mail(from_="x@rival.example"), False),
        ({Field.CC}, mail(cc=["x@rival.example"]), True),
        ({Field.FROM, Field.TO}, mail(cc=["x@rival.example"]), False),
        ({Field.FROM, Field.TO, Field.CC}, mail(cc=["x@rival.example"]), True),
        ({Field.FROM, Field.TO, Field.CC}, mail(cc=["x@other.example"]), False),
        ({Field.BCC}, mail(bcc=["x@rival.example"]), False),
        (set(), mail(from_="x@rival.example"), False),
    ],
)
def test_r037_a_hit_in_a_chosen_field_excludes_the_whole_mail(fields, message, excluded):
    settings = inbound(excluded=frozenset({"rival.example"}), excluded_in=frozenset(fields), capture=True)
    known = leads("carol@customer.example", "x@rival.example")
    assert (rule(message, RECEIVED, settings, known) is Rule.EXCLUDED) is excluded


@pytest.mark.parametrize("fields", [{"bcc": ["x@rival.example"]}, {"cc": ["x@rival.example"]}])
def test_r037_cc_and_bcc_of_sent_mail_exclude_where_chosen(fields):
    settings = outbound(excluded=frozenset({"rival.example"}), excluded_in=frozenset(map(Field, fields)))
    assert rule(sent("carol@customer.example", **fields), SENT, settings, CAROL) is Rule.EXCLUDED
    settings = outbound(excluded=frozenset({"rival.example"}))
    assert rule(sent("carol@customer.example", **fields), SENT, settings, CAROL) is Rule.SYNCED


def test_r037_one_excluded_recipient_excludes_the_mail_for_the_others_too():
    settings = outbound(excluded=frozenset({"rival.example"}))
    message = sent("carol@customer.example", "x@rival.example")
    assert rule(message, SENT, settings, CAROL) is Rule.EXCLUDED


def test_r039_exclusion_beats_keywords():
    settings = with_keywords("offer", excluded=frozenset({"customer.example"}))
    assert rule(mail(subject="offer"), RECEIVED, settings, CAROL) is Rule.EXCLUDED


def test_r040_the_chosen_details_are_those_of_the_direction():
    settings = inbound(
        details=frozenset({Detail.SUBJECT}), attachment_kinds=frozenset({AttachmentKind.PDF}), lead_source="A"
    )
    decision = received(mail(), settings, CAROL)
    assert decision.details == {Detail.SUBJECT}
    assert decision.attachment_kinds == {AttachmentKind.PDF}
    assert decision.lead_source == "A"
    other = decide(sent("carol@customer.example"), SENT, REP, settings, CAROL)
    assert other.details == set(Detail)
    assert AttachmentKind.PDF in other.attachment_kinds
    assert AttachmentKind.JPG in other.attachment_kinds
    assert other.lead_source == ""


def test_r043_no_lead_and_no_capture_is_not_synced():
    decision = received(mail(), Settings())
    assert decision.rule is Rule.NO_LEAD
    assert decision.setting == "inbound.capture"


def test_r052_mail_among_internal_people_is_skipped_only_with_the_switch_on():
    message = mail(from_="sam@northwind.example")
    on = replace(Settings(), skip_internal=True, internal_domains=NORTHWIND)
    off = replace(Settings(), skip_internal=False, internal_domains=NORTHWIND)
    known = leads("sam@northwind.example")
    assert rule(message, RECEIVED, on, known) is Rule.INTERNAL
    assert rule(message, RECEIVED, off, known) is Rule.SYNCED


def test_r052_a_mixed_mail_syncs_to_its_external_leads_only():
    settings = replace(
        outbound(capture=True, capture_from=frozenset(Field)), skip_internal=True, internal_domains=NORTHWIND
    )
    message = sent("carol@customer.example", "sam@northwind.example", cc=["eve@eu.northwind.example"])
    known = leads("carol@customer.example", "sam@northwind.example")
    decision = decide(message, SENT, REP, settings, known)
    assert [match.address.key for match in decision.matches] == ["carol@customer.example"]


AUTOMATIC = [
    (ABSENCE, "auto_reply", "This is an automatic reply, which does not sync."),
    (BOUNCE, "bounce", "This is a bounce, which does not sync."),
    (LIST, "list", "This is mail from a mailing list, which does not sync."),
    (INVITATION, "calendar", "This is calendar mail, which does not sync."),
]


@pytest.mark.parametrize(("headers", "kind", "reason"), AUTOMATIC)
def test_each_kind_of_automatic_mail_can_be_left_out(headers, kind, reason):
    message = mail(headers=headers)
    decision = received(message, inbound(skip_automatic=frozenset({kind})), CAROL)
    assert (decision.rule, decision.setting, decision.reason) == (
        Rule.AUTOMATIC,
        "inbound.skip_automatic",
        reason,
    )
    others = frozenset({"auto_reply", "bounce", "list", "calendar"}) - {kind}
    assert received(message, inbound(skip_automatic=others), CAROL).syncs
    assert received(message, Settings(), CAROL).syncs
    assert received(mail(), inbound(skip_automatic=others | {kind}), CAROL).syncs


def test_a_bounce_never_makes_a_lead_but_syncs_to_an_existing_one():
    settings = inbound(capture=True)
    assert received(mail(headers=BOUNCE), settings).rule is Rule.NO_LEAD
    assert received(mail(headers=BOUNCE), settings, CAROL).syncs
    assert received(mail(headers=LIST), settings).syncs


@pytest.mark.parametrize(
    ("message", "direction"),
    [
        (sent("rita@northwind.example"), SENT),
        (sent("sales@northwind.example"), SENT),
        (sent("rita+later@northwind.example"), SENT),
        (mail(from_="sales@northwind.example"), RECEIVED),
        (mail(from_=None, to=()), RECEIVED),
    ],
)
def test_a_mail_with_nobody_but_the_rep_has_no_counterpart(message, direction):
    settings = replace(inbound(capture=True), outbound=inbound(capture=True).inbound)
    decision = decide(message, direction, REP, settings, {})
    assert decision.rule is Rule.NO_COUNTERPART
    assert decision.setting == ""


def test_the_author_of_a_sent_mail_is_the_rep_under_any_address():
    message = mail(from_="shared@elsewhere.example", to=["carol@customer.example"])
    assert list(counterparts(message, SENT, REP)) == ["carol@customer.example"]
    assert list(counterparts(message, RECEIVED, REP)) == [
        "shared@elsewhere.example",
        "carol@customer.example",
    ]


def test_no_activity_is_posted_on_the_author_of_a_sent_mail():
    message = mail(from_="shared@elsewhere.example", to=["carol@customer.example"])
    known = leads("carol@customer.example", "shared@elsewhere.example")
    assert [match.lead for match in decide(message, SENT, REP, Settings(), known).matches] == [1]


def test_counterparts_come_by_field_and_key_and_with_the_first_name_there_is():
    message = sent(
        person("zoe@a.example"),
        person("adam@a.example"),
        cc=[person("zoe@a.example", "Zoe Zimt")],
        bcc=["b@b.example"],
    )
    found = counterparts(message, SENT, REP)
    assert list(found) == ["adam@a.example", "zoe@a.example", "b@b.example"]
    assert found["zoe@a.example"].name == "Zoe Zimt"
    message = sent("adam@a.example", "rita@northwind.example", "zoe@z.example")
    assert list(counterparts(message, SENT, REP)) == ["adam@a.example", "zoe@z.example"]
    twice = sent(person("zoe@a.example", "Zoe Zimt"), cc=[person("zoe@a.example", "Z")])
    assert counterparts(twice, SENT, REP)["zoe@a.example"].name == "Zoe Zimt"


ORDER = [
    (Rule.SYNC_DISABLED, {"sync_disabled": True}, {}),
    (Rule.DIRECTION_OFF, {}, {"enabled": False}),
    (Rule.EXCLUDED, {}, {"excluded": frozenset({"northwind.example"}), "excluded_in": frozenset({Field.TO})}),
    (Rule.INTERNAL, {"skip_internal": True, "internal_domains": frozenset({"customer.example"})}, {}),
    (Rule.AUTOMATIC, {}, {"skip_automatic": frozenset({"list"})}),
    (Rule.NO_KEYWORD, {}, {"behaviour": Behaviour.KEYWORDS, "keywords": frozenset({"offer"})}),
    (Rule.NO_LEAD, {}, {}),
]


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_of_several_rules_that_apply_the_first_decides(first):
    account, direction = {}, {}
    for _, for_account, for_direction in ORDER[first:]:
        account |= for_account
        direction |= for_direction
    decision = received(mail(headers=LIST), replace(inbound(**direction), **account))
    assert decision.rule is ORDER[first][0]


def test_mail_to_oneself_is_told_before_internal_mail():
    settings = replace(Settings(), skip_internal=True, internal_domains=NORTHWIND)
    assert rule(sent("rita@northwind.example"), SENT, settings) is Rule.NO_COUNTERPART


REASONS = [
    (
        mail(),
        replace(Settings(), sync_disabled=True),
        "Sync is switched off for the whole account.",
        "sync_disabled",
    ),
    (mail(), inbound(enabled=False), "Sync of received mail is switched off.", "inbound.enabled"),
    (mail(), inbound(behaviour=Behaviour.KEYWORDS), "There is no keyword to look for.", "inbound.keywords"),
    (
        mail(),
        with_keywords("offer", keywords_in=frozenset()),
        "There is no place to look for keywords.",
        "inbound.keywords_in",
    ),
    (
        mail(),
        inbound(excluded=frozenset({"customer.example"})),
        "An address in From is on the exclusion list.",
        "inbound.excluded",
    ),
    (mail(from_=None), Settings(), "Nobody but the rep is on this mail.", ""),
    (
        mail(),
        replace(Settings(), skip_internal=True, internal_domains=frozenset({"customer.example"})),
        "Sender and recipients are all internal.",
        "skip_internal",
    ),
    (mail(), with_keywords("offer"), "No keyword is in the subject or body.", "inbound.keywords"),
    (
        mail(subject="offer"),
        with_keywords("offer", keywords_in=frozenset({KeywordField.BODY})),
        "No keyword is in the body.",
        "inbound.keywords",
    ),
    (mail(), Settings(), "Nobody on this mail is a lead, and new leads are not captured.", "inbound.capture"),
    (
        mail(headers=BOUNCE),
        inbound(capture=True),
        "Nobody on this mail is a lead, and a bounce makes no leads.",
        "inbound.capture",
    ),
    (
        mail(),
        inbound(capture=True, capture_from=frozenset({Field.TO})),
        "Nobody on this mail is a lead, and nobody on it may become one.",
        "inbound.capture",
    ),
]


@pytest.mark.parametrize(("message", "settings", "reason", "setting"), REASONS)
def test_the_reason_is_a_sentence_that_holds_nothing_of_a_skipped_mail(message, settings, reason, setting):
    decision = received(message, replace(settings, version=3))
    assert not decision.syncs
    assert decision.settings_version == 3
    assert (decision.reason, decision.setting) == (reason, setting)
    assert decision.matches == ()
    assert "carol" not in decision.reason


def test_a_synced_mail_says_so():
    assert received(mail(), Settings(), CAROL).reason == "Synced: received mail."
    decision = decide(sent("carol@customer.example"), SENT, REP, Settings(), CAROL)
    assert decision.reason == "Synced: sent mail."
