"""What is queued for a destination: with the change, once, and no more than it wants to hear (R-084)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from postroom.connector.erasing import begin_erasure, run_erasure
from postroom.connector.forgetting import begin_removal, run_removal
from postroom.connector.merging import merge, undo
from postroom.crm.deleting import delete_lead
from postroom.crm.editing import create_lead, save_lead
from postroom.crm.importing import begin_import, run_import
from postroom.crm.models import Activity, Lead, MessageCopy
from postroom.destinations.managing import create_destination, pause, remove, save_destination
from postroom.destinations.models import Delivery, DeliveryState, Destination
from postroom.destinations.outbox import coming_from, queue_history, with_history
from postroom.organisations.models import Account
from tests.destinations.room import post, run_drain
from tests.mails import mail
from tests.sync.conftest import change_policy, make_lead, make_mailbox


def queued(destination: Destination, *states: str) -> list[str]:
    """The events of what is to be delivered, or in these states, in order."""
    rows = Delivery.objects.filter(destination=destination, state__in=states or ["waiting"])
    return list(rows.order_by("pk").values_list("event", flat=True))


def test_r084_a_mail_that_syncs_is_queued_with_the_lead_it_makes(google, mailbox, sync, account, destination):
    change_policy(account, "inbound", capture=True)
    google.deliver(mailbox.address, mail(from_="Nora <nora@customer.example>"))
    sync(mailbox)
    assert queued(destination) == ["lead.created", "activity.created"]
    row = Delivery.objects.get(event="activity.created")
    activity = Activity.objects.get()
    assert (row.account, row.lead_id, row.subject_id) == (account, activity.lead_id, activity.pk)


def test_what_is_rolled_back_is_not_queued(destination, carol):
    before = queued(destination)
    with transaction.atomic():
        post(carol, "Never")
        transaction.set_rollback(True)
    assert queued(destination) == before


def test_a_mail_on_two_leads_is_queued_for_each(google, mailbox, sync, account, destination, carol, dave):
    google.deliver(mailbox.address, mail(from_=carol.email, cc=dave.email))
    sync(mailbox)
    assert queued(destination).count("activity.created") == 2


def test_another_account_hears_nothing(destination, stranger_lead):
    post(stranger_lead, "Theirs")
    assert queued(destination) == []


@pytest.fixture
def stranger_lead(transactional_db) -> Lead:
    return make_lead(Account.objects.create(name="Elsewhere"), "zoe@customer.example")


def test_only_the_events_that_it_wants(account, memory, destination):
    fewer = create_destination(account, "memory", "Fewer", {"events": ["activity.created"]}, {}, None)
    post(make_lead(account, "nora@customer.example"), "Hello")
    assert queued(fewer) == ["activity.created"]
    assert queued(destination) == ["lead.created", "activity.created"]


def test_a_paused_destination_collects_and_a_removed_one_does_not(destination, account):
    pause(destination, None)
    make_lead(account, "nora@customer.example")
    assert queued(destination) == ["lead.created"]
    remove(destination, None)
    make_lead(account, "olaf@customer.example")
    assert queued(destination) == ["lead.created"]


def test_a_change_of_what_was_not_sent_yet_is_part_of_it(account, destination, memory, clock):
    lead = create_lead(account, {"first_name": "Nora", "email": "nora@customer.example"})
    save_lead(lead, {"company": "Customer Ltd"})
    assert queued(destination) == ["lead.created"]
    run_drain(destination, clock)
    assert memory.parcels[0].lead is not None
    assert memory.parcels[0].lead.company == "Customer Ltd"


def test_a_change_of_what_was_sent_is_told(account, destination, memory, carol, clock):
    run_drain(destination, clock)
    save_lead(carol, {"company": "Customer Ltd"})
    save_lead(carol, {"company": "Customer Inc"})
    assert queued(destination) == ["lead.updated"]
    run_drain(destination, clock)
    save_lead(carol, {"company": "Customer SE"})
    run_drain(destination, clock)
    told = [
        parcel.lead.company for parcel in memory.parcels if parcel.event == "lead.updated" and parcel.lead
    ]
    assert told == ["Customer Inc", "Customer SE"]
    assert len(set(memory.keys)) == 3


def test_saving_what_is_there_already_is_no_change(destination, carol, clock):
    run_drain(destination, clock)
    save_lead(carol, {"company": ""})
    Lead.objects.filter(pk=carol.pk).update(last_activity_at=datetime.now(UTC))
    assert queued(destination) == []


def test_r006_a_received_mail_that_proves_to_be_sent_is_told(
    google, mailbox, sam, sync, destination, memory, carol, clock
):
    """By an address that nobody knows for one of the account's, until the sender's own copy is read."""
    other = make_mailbox(google, sam)
    google.send(sam.email, mail(from_="team@elsewhere.example", to=f"{carol.email}, {mailbox.address}"))
    sync(mailbox)
    run_drain(destination, clock)
    sync(other)
    assert queued(destination) == ["activity.updated"]
    run_drain(destination, clock)
    kinds = [parcel.activity.kind for parcel in memory.parcels if parcel.activity]
    assert kinds == ["email_received", "email_sent"]


def test_an_imported_file_is_queued_row_by_row(account, rita, destination, carol, clock):
    run_drain(destination, clock)
    job = begin_import(
        account, rita, "leads.csv", b"email,company\nnora@customer.example,A\ncarol@customer.example,B\n"
    )
    run_import(job.pk)
    job.refresh_from_db()
    job.state = "running"
    job.done = 0
    job.save()
    run_import(job.pk)
    assert sorted(queued(destination)) == ["lead.created", "lead.updated"]


def test_r083_a_merge_is_told_and_its_activities_follow_in_order(
    account, rita, destination, memory, carol, dave, clock
):
    mine = post(dave, "Mine")
    run_drain(destination, clock)
    later = post(dave, "Later")
    merge(carol, dave, [], rita)
    waiting = Delivery.objects.filter(state="waiting").order_by("pk")
    assert set(waiting.values_list("lead_id", flat=True)) == {carol.pk}
    run_drain(destination, clock)
    events = [
        (parcel.event.value, parcel.activity.id if parcel.activity else 0) for parcel in memory.parcels[3:]
    ]
    assert events == [("activity.created", later.pk), ("activity.updated", mine.pk), ("lead.merged", 0)]
    told = memory.parcels[5]
    assert told.lead is not None
    assert told.lead.id == carol.pk
    assert dict(told.gone) == {
        "lead_id": str(dave.pk),
        "into_lead_id": str(carol.pk),
        "remote_lead_id": f"lead-{dave.pk}",
        "remote_into_lead_id": f"lead-{carol.pk}",
    }


def test_a_merge_that_is_undone_before_it_was_told_is_not_told(rita, destination, memory, carol, dave, clock):
    run_drain(destination, clock)
    done = merge(carol, dave, [], rita)
    undo(done, rita)
    run_drain(destination, clock)
    assert [parcel.event.value for parcel in memory.parcels[2:]] == ["lead.created"]
    assert queued(destination, "dropped") == ["lead.merged"]


def test_deleting_what_was_never_sent_tells_nothing(destination, memory, carol, clock):
    post(carol, "Hello")
    delete_lead(carol)
    run_drain(destination, clock)
    assert memory.parcels == []
    assert set(Delivery.objects.values_list("state", flat=True)) == {DeliveryState.DROPPED}


def test_deleting_what_was_sent_is_told_with_what_they_call_it(destination, memory, carol, clock):
    activity = post(carol, "Hello")
    run_drain(destination, clock)
    delete_lead(carol)
    run_drain(destination, clock)
    gone, lead = memory.parcels[2:]
    assert gone.event == "activity.deleted"
    assert gone.gone["activity_id"] == str(activity.pk)
    assert gone.gone["remote_activity_id"] == f"there-{memory.keys[1][:8]}"
    assert lead.event == "lead.deleted"
    assert lead.gone == {"lead_id": str(carol.pk), "remote_lead_id": f"lead-{carol.pk}"}


def test_r083_erasing_a_person_drops_what_waits_and_tells_what_was_sent(
    account, rita, destination, memory, carol, dave, clock
):
    post(carol, "Sent")
    run_drain(destination, clock)
    post(carol, "Waiting")
    run_erasure(begin_erasure(carol, rita).pk)
    run_drain(destination, clock)
    assert [parcel.event.value for parcel in memory.parcels[3:]] == ["activity.deleted", "lead.deleted"]
    assert queued(destination, "dropped") == ["activity.created"]


def test_r063_removing_a_reps_mail_is_told(rita, destination, memory, carol, clock):
    activity = post(carol, "Hello")
    MessageCopy.objects.create(account=rita.account, message_id=activity.message_id, user=rita, sent=False)
    run_drain(destination, clock)
    removal = begin_removal(rita)
    assert removal is not None
    run_removal(removal.pk)
    assert queued(destination) == ["activity.deleted"]


def test_what_comes_from_a_destination_is_told_to_the_others_only(account, memory, destination):
    other = create_destination(account, "memory", "Other", {}, {}, None)
    with coming_from(destination):
        make_lead(account, "nora@customer.example")
    assert (queued(destination), queued(other)) == ([], ["lead.created"])
    make_lead(account, "olaf@customer.example")
    assert queued(destination) == ["lead.created"]


def test_earlier_activities_are_queued_where_they_are_asked_for(account, memory):
    lead, other = make_lead(account, "nora@customer.example"), make_lead(account, "olaf@customer.example")
    old = post(other, "Old")
    Activity.objects.filter(pk=old.pk).update(happened_at=datetime.now(UTC) - timedelta(days=40))
    recent = post(lead, "Recent")
    destination = create_destination(account, "memory", "Memory", {}, {}, None, history_days=30)
    live = post(lead, "Live")
    assert with_history() == [destination.pk]
    while not queue_history(destination.pk):
        pass
    assert queue_history(destination.pk)
    assert with_history() == []
    rows = Delivery.objects.filter(event="activity.created").values_list("subject_id", flat=True)
    assert sorted(rows) == [recent.pk, live.pk]
    assert queued(destination).count("lead.created") == 1
    destination.refresh_from_db()
    assert (destination.history["total"], destination.history["done"]) == (2, 2)


def test_events_chosen_anew_count_from_then_on(account, memory, destination):
    save_destination(destination, version=1, by=None, settings={"events": ["activity.created"]})
    make_lead(account, "nora@customer.example")
    assert queued(destination) == []
