"""The colleagues of an account: held in memory, and new ones seen at once (R-042)."""

from postroom.connector import mailboxes, people
from postroom.connector.models import Mailbox, Provider
from postroom.connector.people import colleagues_of, rep_of
from postroom.organisations.models import Account, User
from tests.connector.conftest import consent, make_person


def test_r042_a_new_user_is_a_colleague_with_the_next_look(account, ada, mailbox):
    assert rep_of(mailbox).colleagues == {"ada@northwind.example", "rita@northwind.example"}
    make_person(account, "Sam")
    assert "sam@northwind.example" in rep_of(mailbox).colleagues


def test_r042_a_new_mailbox_or_alias_is_a_colleague_with_the_next_look(account, rita):
    before = colleagues_of(account.pk)
    mailbox = mailboxes.connect(rita, Provider.GMAIL, consent("sales@northwind.example"))
    assert colleagues_of(account.pk) - before == {"sales@northwind.example"}
    Mailbox.objects.filter(pk=mailbox.pk).update(aliases=["fair@northwind.example"])
    assert "fair@northwind.example" in colleagues_of(account.pk)


def test_who_has_gone_or_changed_the_address_is_none_any_more(account, ada, rita):
    colleagues_of(account.pk)
    ada.delete()
    User.objects.filter(pk=rita.pk).update(email="rita@elsewhere.example")
    assert colleagues_of(account.pk) == {"rita@elsewhere.example"}


def test_within_a_second_nothing_is_asked(account, rita, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(people, "TRUSTED_SECONDS", 1.0)
    colleagues_of(account.pk)
    with django_assert_num_queries(0):
        colleagues_of(account.pk)


def test_other_accounts_are_no_colleagues(account, rita):
    other = Account.objects.create(name="Harbour")
    assert colleagues_of(other.pk) == frozenset()
    assert "rita@northwind.example" in colleagues_of(account.pk)


def test_no_more_accounts_are_held_than_that(db, monkeypatch):
    monkeypatch.setattr(people, "MOST_ACCOUNTS", 3)
    for name in "abcde":
        colleagues_of(Account.objects.create(name=name).pk)
    assert len(people._held) == 3


def test_as_long_as_nobody_comes_or_goes_two_checksums_are_all_that_is_asked(
    account, mailbox, django_assert_num_queries
):
    before = colleagues_of(account.pk)
    with django_assert_num_queries(2):
        assert colleagues_of(account.pk) is before
