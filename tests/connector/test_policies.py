"""Settings as saved: versions, two tabs, what reps add, and the trail of it."""

from dataclasses import replace
from functools import partial

import pytest

from postroom.connector.audit import differences
from postroom.connector.models import AuditArea, AuditEntry, SettingsVersion
from postroom.connector.policies import (
    SettingsChanged,
    SettingsRefused,
    current_rep_settings,
    current_settings,
    effective_settings,
    save_rep_settings,
    save_settings,
)
from postroom.crm.fields import define_field
from postroom.crm.models import FieldType
from postroom.organisations.models import Account
from postroom.policy.settings import Behaviour, RepDirection, RepSettings, Settings
from tests.sync.together import at_once

CAPTURING = replace(Settings(), inbound=replace(Settings().inbound, capture=True, lead_source="Email"))


def with_keywords(*keywords: str, user_keywords: bool = True) -> Settings:
    return replace(
        Settings(),
        inbound=replace(
            Settings().inbound,
            behaviour=Behaviour.KEYWORDS,
            keywords=frozenset(keywords),
            user_keywords=user_keywords,
            user_exclusions=user_keywords,
        ),
    )


def test_r046_every_save_is_a_version_and_nothing_is_overwritten(account, ada):
    assert current_settings(account.pk) == Settings()
    assert save_settings(account, CAPTURING, ada) == 1
    assert save_settings(account, Settings(), ada) == 2
    assert current_settings(account.pk).version == 2
    assert SettingsVersion.objects.get(number=1).values["inbound"]["capture"] is True


def test_r046_saving_what_is_in_force_adds_no_version(account, ada):
    save_settings(account, CAPTURING, ada)
    assert save_settings(account, CAPTURING, ada) == 1
    assert AuditEntry.objects.count() == 1


def test_r046_the_trail_says_who_changed_what_from_what_to_what(account, ada):
    save_settings(account, CAPTURING, ada)
    entry = AuditEntry.objects.get()
    assert (entry.by, entry.by_name, entry.area) == (ada, "Ada", AuditArea.SETTINGS)
    assert list(differences(entry.before, entry.after)) == [
        ("inbound.capture", False, True),
        ("inbound.lead_source", "", "Email"),
    ]


def test_r046_the_trail_outlives_who_is_in_it(account, ada):
    save_settings(account, CAPTURING, ada)
    ada.delete()
    entry = AuditEntry.objects.get()
    assert (entry.by, entry.by_name) == (None, "Ada")


def test_of_two_tabs_the_second_is_told_and_nothing_of_it_is_saved(account, ada):
    seen = current_settings(account.pk).version
    save_settings(account, CAPTURING, ada, expected_version=seen)
    with pytest.raises(SettingsChanged, match="Someone else saved"):
        save_settings(account, replace(Settings(), skip_internal=False, search_all=True), ada, seen)
    assert current_settings(account.pk) == replace(CAPTURING, version=1)


def test_what_is_wrong_with_settings_is_told_by_setting(account, ada):
    wrong = with_keywords()
    with pytest.raises(SettingsRefused) as refused:
        save_settings(account, wrong, ada)
    assert [problem.path for problem in refused.value.problems] == ["inbound.keywords"]
    assert not SettingsVersion.objects.exists()


def test_r044_leads_are_found_only_by_email_fields_that_there_are(account, ada):
    searching = replace(Settings(), search_fields=("contact_email", "email"))
    with pytest.raises(SettingsRefused, match="no email field contact_email"):
        save_settings(account, searching, ada)
    define_field(account, "Shoe size", FieldType.NUMBER, name="contact_size")
    define_field(account, "Contact email", FieldType.EMAIL)
    save_settings(account, searching, ada)
    assert current_settings(account.pk).search_fields == ("contact_email", "email")


def test_r033_a_reps_own_keywords_join_the_admins_for_that_rep_only(account, ada, rita):
    save_settings(account, with_keywords("offer"), ada)
    save_rep_settings(rita, RepSettings(inbound=RepDirection(keywords=frozenset({"quote"}))), rita)
    assert effective_settings(account.pk, rita.pk).inbound.keywords == {"offer", "quote"}
    assert effective_settings(account.pk, ada.pk).inbound.keywords == {"offer"}


def test_r033_a_reps_own_keywords_rest_while_the_admin_does_not_let_them(account, ada, rita):
    save_settings(account, with_keywords("offer", user_keywords=False), ada)
    save_rep_settings(rita, RepSettings(inbound=RepDirection(keywords=frozenset({"quote"}))), rita)
    assert effective_settings(account.pk, rita.pk).inbound.keywords == {"offer"}


def test_r038_a_reps_own_exclusions_are_versioned_and_in_the_trail(account, rita):
    own = RepSettings(inbound=RepDirection(excluded=frozenset({"bank.example"})))
    assert save_rep_settings(rita, own, rita, expected_version=0) == 1
    with pytest.raises(SettingsChanged):
        save_rep_settings(rita, RepSettings(), rita, expected_version=0)
    assert current_rep_settings(account.pk, rita.pk) == replace(own, version=1)
    entry = AuditEntry.objects.get()
    assert (entry.area, entry.about, entry.by) == (AuditArea.REP_SETTINGS, rita, rita)


def test_r038_an_entry_that_matches_nothing_is_refused(rita):
    with pytest.raises(SettingsRefused):
        save_rep_settings(rita, RepSettings(inbound=RepDirection(excluded=frozenset({"a b"}))), rita)


def test_of_many_who_save_at_once_one_wins_and_the_rest_are_told(transactional_db):
    account = Account.objects.create(name="Northwind")

    def save(number: int) -> None:
        changed = replace(CAPTURING, inbound=replace(CAPTURING.inbound, lead_source=f"Source {number}"))
        save_settings(account, changed, None, expected_version=0)

    told = at_once(*(partial(save, number) for number in range(6)))
    assert [type(error) for error in told] == [SettingsChanged] * 5
    assert SettingsVersion.objects.count() == 1
