"""A decision told to people and as data."""

import json
from dataclasses import replace

from postroom.policy.decision import Rule
from postroom.policy.explain import NAMES, explain, to_data
from postroom.policy.settings import Field, Settings
from tests.policy.cases import CAROL, inbound, leads, mail, person, received, with_keywords

NEWSLETTER = {"list-id": "<news.customer.example>"}


def test_a_synced_mail_is_explained_rule_by_rule():
    assert explain(received(mail(), Settings(), CAROL)) == [
        "Synced: received mail.",
        "Sync is on for the account.",
        "Sync of received mail is on.",
        "The exclusion list is empty.",
        "Somebody besides the rep is on this mail. On this mail: carol@customer.example.",
        "Internal mail syncs like any other.",
        "Automatic mail syncs like any other.",
        "Mail needs no keyword.",
        "Somebody on this mail is a lead or becomes one. carol@customer.example is lead 1 (by email).",
    ]


def test_every_rule_that_is_set_says_what_it_looked_at():
    settings = replace(
        with_keywords(
            "Offer",
            excluded=frozenset({"rival.example"}),
            excluded_in=frozenset({Field.FROM, Field.CC}),
            skip_automatic=frozenset({"list"}),
        ),
        skip_internal=True,
        internal_domains=frozenset({"northwind.example"}),
    )
    decision = received(
        mail(subject="An offer", cc=["sam@northwind.example", "eve@northwind.example"]), settings, CAROL
    )
    assert explain(decision)[3:] == [
        "No address in From or Cc is on the exclusion list.",
        "Somebody besides the rep is on this mail. On this mail:"
        " carol@customer.example, eve@northwind.example, sam@northwind.example.",
        "Somebody on this mail is external."
        " Left out as internal: eve@northwind.example, sam@northwind.example.",
        "This is no automatic mail of a kind that does not sync.",
        "A keyword is in the subject. The subject holds “Offer”.",
        "Somebody on this mail is a lead or becomes one. carol@customer.example is lead 1 (by email).",
    ]
    assert [check.setting for check in decision.tested] == [
        "sync_disabled",
        "inbound.enabled",
        "inbound.excluded",
        "",
        "skip_internal",
        "inbound.skip_automatic",
        "inbound.keywords",
        "inbound.capture",
    ]
    assert [check.rule for check in decision.tested] == [
        Rule.SYNC_DISABLED,
        Rule.DIRECTION_OFF,
        Rule.EXCLUDED,
        Rule.NO_COUNTERPART,
        Rule.INTERNAL,
        Rule.AUTOMATIC,
        Rule.NO_KEYWORD,
        Rule.NO_LEAD,
    ]
    assert all(check.stops is False for check in decision.tested)


def test_what_is_not_set_says_which_setting_it_is():
    checks = received(mail(), Settings(), CAROL).tested
    assert [check.setting for check in checks[4:7]] == [
        "skip_internal",
        "inbound.skip_automatic",
        "inbound.behaviour",
    ]
    assert all(check.stops is False for check in checks)


def test_external_mail_with_the_internal_switch_on_leaves_nobody_out():
    settings = replace(Settings(), skip_internal=True, internal_domains=frozenset({"northwind.example"}))
    assert "Somebody on this mail is external." in explain(received(mail(), settings, CAROL))


def test_exclusions_without_a_field_say_so():
    settings = inbound(excluded=frozenset({"rival.example"}), excluded_in=frozenset())
    assert "No address in any chosen field is on the exclusion list." in explain(
        received(mail(), settings, CAROL)
    )


def test_a_skipped_mail_is_explained_up_to_the_rule_that_decided():
    settings = inbound(excluded=frozenset({"customer.example"}))
    decision = received(mail(), settings, CAROL)
    assert explain(decision) == [
        "Not synced: An address in From is on the exclusion list.",
        "Sync is on for the account.",
        "Sync of received mail is on.",
        "An address in From is on the exclusion list."
        " carol@customer.example is covered by the entry “customer.example”.",
    ]
    assert decision.setting == "inbound.excluded"
    assert [check.stops for check in decision.tested] == [False, False, True]


def test_the_data_is_json_and_says_it_all():
    settings = replace(inbound(capture=True, lead_source="Mail"), version=4)
    message = mail(from_=person("dan@customer.example", "Dan Dee"), cc=["carol@customer.example"])
    decision = received(message, settings, leads("carol@customer.example"))
    data = to_data(decision)
    assert json.loads(json.dumps(data)) == data
    assert data["tested"][-1] == {
        "rule": "no_lead",
        "stops": False,
        "reason": "Somebody on this mail is a lead or becomes one.",
        "setting": "inbound.capture",
        "lines": ["dan@customer.example becomes a lead.", "carol@customer.example is lead 1 (by email)."],
    }
    assert data["matches"] == [
        {
            "address": "carol@customer.example",
            "name": "",
            "lead": 1,
            "first_name": "",
            "last_name": "",
            "field": "email",
            "note": "",
        },
        {
            "address": "dan@customer.example",
            "name": "Dan Dee",
            "lead": None,
            "first_name": "Dan",
            "last_name": "Dee",
            "field": "",
            "note": "",
        },
    ]
    assert data["details"] == ["attachments", "bcc", "body", "cc", "subject"]
    assert data["attachment_kinds"] == sorted(settings.inbound.attachment_kinds)
    assert {key: data[key] for key in ("rule", "name", "syncs", "reason", "setting", "settings_version")} == {
        "rule": "synced",
        "name": "Synced",
        "syncs": True,
        "reason": "Synced: received mail.",
        "setting": "",
        "settings_version": 4,
    }
    assert data["lead_source"] == "Mail"
    assert data["rep_settings_version"] is None
    assert to_data(replace(decision, rep_settings_version=2))["rep_settings_version"] == 2


def test_every_rule_has_a_name():
    assert set(NAMES) == set(Rule)
    assert all(name and name[0].isupper() for name in NAMES.values())
