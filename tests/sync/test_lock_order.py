"""Whoever changes leads takes rows in the order of a commit of the sync: sources, messages, leads by id.

Each test holds the row that comes first, lets the work run into it, and sees that the work does not hold
yet what comes later: else it and a commit would wait for each other.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import connection, connections, transaction
from django.db.models import Model, QuerySet

from postroom.connector import lead_sources
from postroom.connector.invitations import cancel_invitation
from postroom.connector.merging import merge, undo
from postroom.crm.deleting import delete_lead, note_newest
from postroom.crm.editing import save_lead
from postroom.crm.importing import begin_import, confirm, run_import
from postroom.crm.models import Activity, Lead, LeadSource, StoredMessage
from postroom.organisations.models import Account, User
from postroom.sync import commit as commits
from tests.mails import mail
from tests.sync.conftest import change_policy, make_lead, make_rep


@pytest.fixture
def private(account: Account, carol: Lead) -> Lead:
    """Carol once more, by her private address; has the higher id."""
    return make_lead(account, "carol@home.example")


@pytest.fixture
def message(account: Account, carol: Lead) -> StoredMessage:
    """A mail on Carol."""
    now = datetime.now(UTC)
    message = StoredMessage.objects.create(account=account, identity="m", happened_at=now)
    Activity.objects.create(
        account=account, lead=carol, message=message, kind="email_received", happened_at=now
    )
    return message


def runs_into(take: Callable[[], object], work: Callable[[], object], free: QuerySet[Model]) -> None:
    """While ``take``'s transaction is open, ``work`` waits for it and holds none of ``free``."""

    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            take()
            running = threads.submit(run)
            _until_somebody_waits(running)
            assert list(free.select_for_update(nowait=True))
        running.result(20)


def _until_somebody_waits(running: Future[None]) -> None:
    for _ in range(200):
        with connection.cursor() as cursor:
            cursor.execute("select count(*) from pg_locks where not granted")
            if cursor.fetchone()[0]:
                return
        assert not running.done(), "The work ended without waiting."
        time.sleep(0.05)
    raise AssertionError("The work does not wait for what it must not pass.")


def locked(row: Model) -> Callable[[], object]:
    return lambda: type(row)._default_manager.select_for_update().get(pk=row.pk)


def this(row: Model) -> QuerySet[Model]:
    return type(row)._default_manager.filter(pk=row.pk)


def test_editing_takes_a_new_source_before_the_lead(account, carol):
    def take() -> None:
        LeadSource.objects.create(account=account, name="Fair")

    runs_into(take, lambda: save_lead(carol, {"source": "Fair"}), this(carol))
    assert Lead.objects.get(pk=carol.pk).source == LeadSource.objects.get(name="Fair")


def test_importing_takes_new_sources_before_leads(account, carol, rita):
    job = begin_import(account, rita, "leads.csv", b"email,source\ncarol@customer.example,Fair\n")
    run_import(job.pk)
    job.refresh_from_db()
    confirm(job)

    def take() -> None:
        LeadSource.objects.create(account=account, name="Fair")

    runs_into(take, lambda: run_import(job.pk), this(carol))
    assert Lead.objects.get(pk=carol.pk).source == LeadSource.objects.get(name="Fair")


def test_merging_takes_messages_before_leads(carol, private, message, rita):
    runs_into(locked(message), lambda: merge(private, carol, [], rita), this(carol) | this(private))
    assert Activity.objects.get().lead_id == private.pk


def test_undoing_a_merge_takes_messages_then_leads_then_the_merge(carol, private, message, rita):
    done = merge(private, carol, [], rita)
    runs_into(locked(message), lambda: undo(done, rita), this(private))
    assert Lead.objects.filter(pk=carol.pk).exists()


def test_undoing_a_merge_takes_the_lead_before_the_merge(carol, private, message, rita):
    done = merge(private, carol, [], rita)
    runs_into(locked(private), lambda: undo(done, rita), this(done))


def test_deleting_takes_messages_before_the_lead(carol, message):
    runs_into(locked(message), lambda: delete_lead(carol), this(carol))
    assert not StoredMessage.objects.exists()


def test_the_newest_mail_is_noted_in_order_of_id(account, carol, private):
    ids = [private.pk, carol.pk]
    runs_into(locked(carol), lambda: in_one_transaction(note_newest, account.pk, ids), this(private))


def in_one_transaction(work: Callable[..., object], *args: object) -> None:
    with transaction.atomic():
        work(*args)


def test_taking_back_an_invitation_takes_the_leads_in_order_of_id(account, carol, private, rita):
    invited = make_rep(account, "Ivy")
    User.objects.filter(pk=invited.pk).update(is_active=False, invited_at=datetime.now(UTC))
    Lead.objects.update(owner=invited)
    invited.refresh_from_db()
    runs_into(locked(carol), lambda: cancel_invitation(invited, rita), this(private))
    assert not Lead.objects.exclude(owner=None).exists()


def test_r045_a_source_that_is_merged_at_this_moment_does_not_fail_the_pass(
    google, account, mailbox, sync, rita, monkeypatch
):
    """The commit has looked the source up when it goes; its reference is checked at the very end."""
    change_policy(account, "inbound", capture=True, lead_source="Fair")
    fair = LeadSource.objects.create(account=account, name="Fair")
    real, merged = commits._messages, []

    def merged_meanwhile(*args: object) -> object:
        if not merged:
            merged.append(True)
            thread = threading.Thread(target=_delete, args=(fair, rita))
            thread.start()
            thread.join(20)
        return real(*args)

    monkeypatch.setattr(commits, "_messages", merged_meanwhile)
    google.deliver(mailbox.address, mail(from_="new@customer.example"))
    sync(mailbox)
    assert mailbox.last_error == ""
    lead = Lead.objects.get()
    assert Lead.objects.get(pk=lead.pk).source == LeadSource.objects.get(name="Fair")


def _delete(source: LeadSource, by: User) -> None:
    try:
        lead_sources.delete(source, by)
    finally:
        connections.close_all()
