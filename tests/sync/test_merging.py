"""Merging leads, undoing it, and mail that is synced meanwhile (R-083)."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from postroom.connector.merging import (
    UNDO,
    MergeRefused,
    UndoRefused,
    forget_undo,
    lead_after_merges,
    merge,
    undo,
)
from postroom.connector.models import AuditEntry, JournalEntry
from postroom.crm.deleting import LeadGone, delete_lead
from postroom.crm.fields import define_field, set_values
from postroom.crm.models import Activity, FieldType, Lead, LeadAddress, LeadMerge, LeadSource, StoredMessage
from postroom.organisations.models import Account
from tests.mails import mail
from tests.sync.conftest import change_policy, make_lead

WORK, HOME = "carol@customer.example", "carol@home.example"


@pytest.fixture
def private(account: Account) -> Lead:
    """Carol once more, by her private address."""
    return make_lead(account, HOME)


def on(lead: Lead) -> set[str]:
    """Subjects of the mails on a lead."""
    return set(Activity.objects.filter(lead=lead.pk).values_list("message__subject", flat=True))


def test_r083_activities_follow_the_merge_each_once(google, mailbox, sync, rita, carol, private):
    google.deliver(mailbox.address, mail(subject="Work", from_=WORK))
    google.deliver(mailbox.address, mail(subject="Home", from_=HOME))
    google.deliver(mailbox.address, mail(subject="Both", from_=WORK, cc=HOME))
    sync(mailbox)
    merge(carol, private, [], rita)
    assert on(carol) == {"Work", "Home", "Both"}
    assert Activity.objects.count() == 3
    assert not Lead.objects.filter(pk=private.pk).exists()
    assert set(JournalEntry.objects.values_list("lead_id", flat=True)) == {carol.pk}
    assert "Merged lead" in AuditEntry.objects.get(area="leads").said


def test_r083_the_newest_mail_counts_whichever_lead_it_was_on(google, mailbox, sync, rita, carol, private):
    google.deliver(mailbox.address, mail(subject="Home", from_=HOME))
    sync(mailbox)
    merge(carol, private, [], rita)
    carol.refresh_from_db()
    assert carol.last_activity_at == Activity.objects.get().happened_at


def test_r083_each_field_comes_from_the_chosen_lead(account, rita, carol, private):
    field = define_field(account, "Point of contact", FieldType.EMAIL)
    source = LeadSource.objects.create(account=account, name="Fair")
    Lead.objects.filter(pk=carol.pk).update(first_name="Carol", company="Old")
    Lead.objects.filter(pk=private.pk).update(first_name="C.", company="New", source=source, owner=rita)
    set_values(private, {field.name: "poc@customer.example"})
    merge(carol, private, ["company", "source", "owner", field.name], rita)
    carol.refresh_from_db()
    assert (carol.first_name, carol.company, carol.source, carol.owner) == ("Carol", "New", source, rita)
    assert carol.custom == {field.name: "poc@customer.example"}
    assert carol.email == WORK
    keys = set(LeadAddress.objects.filter(lead=carol).values_list("field", "key"))
    assert keys == {("email", WORK), ("email", HOME), (field.name, "poc@customer.example")}


def test_r083_the_address_of_the_other_lead_can_be_the_one_that_stays(account, rita, carol, private):
    merge(carol, private, ["email"], rita)
    carol.refresh_from_db()
    assert (carol.email, carol.email_key) == (HOME, HOME)
    assert set(LeadAddress.objects.filter(lead=carol).values_list("key", flat=True)) == {WORK, HOME}


def test_r083_new_mail_of_the_merged_address_lands_on_the_lead_that_stayed(
    google, mailbox, account, sync, rita, carol, private
):
    change_policy(account, "inbound", capture=True)
    merge(carol, private, [], rita)
    google.deliver(mailbox.address, mail(subject="Later", from_=HOME))
    sync(mailbox)
    assert on(carol) == {"Later"}
    assert Lead.objects.count() == 1


def test_r083_undo_restores_both(google, mailbox, account, sync, rita, carol, private):
    field = define_field(account, "Point of contact", FieldType.EMAIL)
    set_values(private, {field.name: "poc@customer.example"})
    Lead.objects.filter(pk=private.pk).update(first_name="C.", company="New")
    for subject, from_, cc in (("Work", WORK, ""), ("Home", HOME, ""), ("Both", WORK, HOME)):
        google.deliver(mailbox.address, mail(subject=subject, from_=from_, cc=cc))
    sync(mailbox)
    before = _whole()
    done = merge(carol, private, ["company", "email"], rita)
    google.deliver(mailbox.address, mail(subject="Later home", from_=HOME))
    google.deliver(mailbox.address, mail(subject="Later work", from_=WORK))
    google.deliver(mailbox.address, mail(subject="Later both", from_=WORK, cc=HOME))
    sync(mailbox)
    undo(done, rita)
    assert on(carol) == {"Work", "Both", "Later work", "Later both"}
    assert on(private) == {"Home", "Both", "Later home", "Later both"}
    for subject in ("Later home", "Later work", "Later both"):
        StoredMessage.objects.get(subject=subject).delete()
    assert _whole() == before
    assert not LeadMerge.objects.exists()


def _whole() -> object:
    leads = Lead.objects.order_by("pk").values("pk", "first_name", "company", "email", "email_key", "custom")
    return (
        list(leads),
        set(Lead.objects.values_list("pk", "created_at")),
        set(LeadAddress.objects.values_list("lead", "field", "key", "merge")),
        set(Activity.objects.values_list("lead", "message__subject", "kind", "happened_at")),
    )


def test_r083_undo_keeps_what_was_edited_since(rita, carol, private):
    Lead.objects.filter(pk=private.pk).update(company="New", phone="1")
    done = merge(carol, private, ["company", "phone"], rita)
    Lead.objects.filter(pk=carol.pk).update(company="Edited")
    undo(done, rita)
    carol.refresh_from_db()
    assert (carol.company, carol.phone) == ("Edited", "")


def test_r083_merges_upon_merges_are_undone_in_reverse(google, mailbox, account, sync, rita, carol, private):
    third = make_lead(account, "carol@third.example")
    first = merge(private, carol, [], rita)
    second = merge(third, private, [], rita)
    assert lead_after_merges(account.pk, carol.pk) == third.pk
    google.deliver(mailbox.address, mail(subject="Through two", from_=WORK))
    sync(mailbox)
    assert on(third) == {"Through two"}
    with pytest.raises(UndoRefused, match="Undo that merge first"):
        undo(first, rita)
    undo(second, rita)
    undo(first, rita)
    addresses = set(LeadAddress.objects.values_list("lead", "key", "merge"))
    assert addresses == {(carol.pk, WORK, None), (private.pk, HOME, None), (third.pk, third.email_key, None)}


def test_r083_after_thirty_days_a_merge_stays_but_its_addresses_go_on(
    google, mailbox, sync, rita, carol, private
):
    done = merge(carol, private, [], rita)
    LeadMerge.objects.update(merged_at=datetime.now(UTC) - UNDO - timedelta(minutes=1))
    with pytest.raises(UndoRefused, match="older than 30 days"):
        undo(done, rita)
    assert forget_undo(datetime.now(UTC)) == 1
    assert LeadMerge.objects.get().before is None
    google.deliver(mailbox.address, mail(subject="Later", from_=HOME))
    sync(mailbox)
    assert on(carol) == {"Later"}


def test_a_lead_is_not_merged_into_itself_nor_into_one_that_is_gone(rita, carol, private):
    with pytest.raises(MergeRefused):
        merge(carol, carol, [], rita)
    delete_lead(private)
    with pytest.raises(LeadGone):
        merge(carol, private, [], rita)


def test_r083_mail_judged_for_a_lead_that_is_merged_meanwhile_lands_on_the_other(
    google, mailbox, sync, rita, carol, private, monkeypatch
):
    """The commit finds the lead gone, judges again and finds it by the address that was kept."""
    from postroom.sync import passes

    judged = passes.decide
    merged: list[LeadMerge] = []

    def decide_then_merge(*given):
        decision = judged(*given)
        if not merged:
            thread = threading.Thread(target=lambda: merged.append(merge(carol, private, [], rita)))
            thread.start()
            thread.join()
        return decision

    monkeypatch.setattr(passes, "decide", decide_then_merge)
    google.deliver(mailbox.address, mail(subject="Caught between", from_=HOME))
    assert sync(mailbox).synced == 1
    assert on(carol) == {"Caught between"}


def test_r083_a_merge_waits_for_a_commit_that_holds_the_lead(google, mailbox, sync, rita, carol, private):
    """An activity written while the merge waits follows it all the same."""
    google.deliver(mailbox.address, mail(subject="Before", from_=WORK))
    sync(mailbox)
    message = StoredMessage.objects.get()
    merged = threading.Event()

    def run() -> None:
        merge(carol, private, [], rita)
        merged.set()
        connection.close()

    with transaction.atomic():
        Lead.objects.select_for_update(no_key=True).get(pk=private.pk)
        thread = threading.Thread(target=run)
        thread.start()
        Activity.objects.create(
            account=private.account,
            lead=private,
            message=message,
            kind="email_sent",
            happened_at=message.happened_at,
        )
        assert not merged.is_set()
    thread.join()
    assert merged.is_set()
    assert Activity.objects.get().lead_id == carol.pk


def test_deleting_a_lead_takes_the_mails_that_are_on_no_other(google, mailbox, sync, carol, private):
    google.deliver(mailbox.address, mail(subject="Alone", from_=WORK))
    google.deliver(mailbox.address, mail(subject="Both", from_=WORK, cc=HOME))
    sync(mailbox)
    gone = delete_lead(carol)
    assert (gone.activities, gone.mails) == (2, 1)
    assert set(StoredMessage.objects.values_list("subject", flat=True)) == {"Both"}
    with pytest.raises(LeadGone):
        delete_lead(carol)
