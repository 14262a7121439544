"""Leads made from mail (R-042, R-045), by several at once."""

import pytest

from postroom.crm.capture import NewLead, capture_leads, sources_named
from postroom.crm.models import Lead, LeadAddress, LeadSource
from postroom.organisations.models import Account
from tests.sync.together import at_once


def person(name: str, source: str = "Email") -> NewLead:
    return NewLead(f"{name}@new.example", f"{name}@New.Example", name.title(), "", source)


def test_r042_only_who_is_no_lead_yet_is_new(account, carol):
    there = NewLead(carol.email_key, carol.email, "Carol", "", "Email")
    assert capture_leads(account.pk, [there, person("erin")]) == {"erin@new.example"}
    assert Lead.objects.get(pk=carol.pk).source is None


def test_r042_a_captured_lead_is_found_by_its_address(account):
    capture_leads(account.pk, [person("erin")])
    assert LeadAddress.objects.get().key == "erin@new.example"
    assert Lead.objects.get().custom == {}


def test_r045_a_source_comes_into_being_once_and_none_has_no_name(account):
    capture_leads(account.pk, [person("erin", "Mail"), person("frank", ""), person("gil", "Mail")])
    assert LeadSource.objects.get().name == "Mail"
    assert Lead.objects.get(first_name="Frank").source is None
    assert sources_named(account.pk, ["Mail", ""]) == {"Mail": LeadSource.objects.get().pk}


def test_r042_of_one_persons_two_entries_the_first_counts(account):
    capture_leads(account.pk, [person("erin", "First"), person("erin", "Second")])
    assert Lead.objects.get().source.name == "First"


@pytest.mark.django_db(transaction=True)
def test_r042_captures_at_once_of_the_same_people_make_each_once_and_never_deadlock():
    account = Account.objects.create(name="Northwind")
    people = [person(f"p{number}", f"Source {number % 3}") for number in range(30)]
    turned = [
        NewLead(each.key, each.email, each.first_name, "", f"Source {2 - number % 3}")
        for number, each in enumerate(reversed(people))
    ]
    for _ in range(12):
        Lead.objects.all().delete()
        LeadSource.objects.all().delete()
        made: list[str] = []

        def capture(some: list[NewLead], made: list[str] = made) -> None:
            made.extend(capture_leads(account.pk, some))

        assert at_once(lambda: capture(people), lambda: capture(turned), lambda: capture(people)) == []
        assert sorted(made) == sorted(each.key for each in people)
        assert (Lead.objects.count(), LeadSource.objects.count()) == (30, 3)
