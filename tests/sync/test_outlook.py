"""The core of the sync over Outlook, against its sandbox over a real socket; Gmail's is in test_passes."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client

from postroom.connector import mailboxes
from postroom.connector.models import JournalEntry, Mailbox, MailboxState, ProcessedMail, Provider
from postroom.crm.models import Activity, Attachment, StoredMessage
from postroom.mail.message import Direction
from postroom.policy.settings import FIELDS
from postroom.providers.base import Consent, TokenSet
from postroom.providers.outlook.notifications import client_state
from postroom.providers.registry import PROVIDERS
from postroom.sync import connecting, jobs
from postroom.sync.passes import replay_set_aside
from postroom.sync.runtime import open_runtime
from postroom.sync.sources import PUSH, push_secrets
from postroom.vault.blobs import BlobStore
from postroom.vault.secrets import Sealer, new_key
from tests.mails import mail
from tests.sync.conftest import (
    change_policy,
    connect_outlook,
    journal,
    make_lead,
    make_outlook_mailbox,
)
from tests.sync.test_jobs import queued, run
from tests.sync.test_kill import ONE_PASS, environment

RITA = "rita@northwind.example"
CAROL = "carol@customer.example"


@pytest.fixture
def outlook(microsoft, rita) -> Mailbox:
    return make_outlook_mailbox(microsoft, rita)


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    monkeypatch.setattr("postroom.providers.http._backoff", lambda attempt: 0.0)


def test_every_provider_has_its_label_and_its_parts():
    assert set(PROVIDERS) == set(Provider.values)


def test_r004_mail_of_both_directions_becomes_activities(microsoft, outlook, carol, sync):
    when = (datetime.now(UTC) - timedelta(hours=5)).replace(microsecond=0)
    microsoft.deliver(RITA, mail(subject="Your quote", text="Looks good"), received=when.timestamp())
    microsoft.send(RITA, mail(from_=RITA, to=CAROL, subject="Thanks"))
    report = sync(outlook)
    assert (report.synced, report.skipped) == (2, 0)
    received = Activity.objects.get(kind="email_received")
    assert (received.lead, received.happened_at) == (carol, when)
    assert "Looks good" in received.message.body.preview
    assert Activity.objects.get(kind="email_sent").message.subject == "Thanks"


def test_r006_the_same_mail_at_gmail_and_outlook_is_one_activity(
    google, microsoft, mailbox, sam, carol, sync
):
    other = make_outlook_mailbox(microsoft, sam)
    raw = mail(to=f"{RITA}, {sam.email}")
    google.deliver(RITA, raw)
    microsoft.deliver(sam.email, raw)
    sync(mailbox)
    sync(other)
    assert {copy.user for copy in Activity.objects.get().message.copies.all()} == {mailbox.user, sam}


def test_r007_an_expired_cursor_loses_and_doubles_nothing(microsoft, outlook, carol, sync):
    microsoft.deliver(RITA, mail(subject="before"))
    sync(outlook)
    microsoft.deliver(RITA, mail(subject="meanwhile"))
    microsoft.send(RITA, mail(from_=RITA, to=CAROL, subject="answer"))
    microsoft.expire_delta(RITA)
    sync(outlook)
    subjects = sorted(StoredMessage.objects.values_list("subject", flat=True))
    assert subjects == ["answer", "before", "meanwhile"]
    assert Activity.objects.count() == 3
    assert outlook.state == MailboxState.ACTIVE
    microsoft.deliver(RITA, mail(subject="after"))
    sync(outlook)
    assert Activity.objects.count() == 4


def test_r003_what_is_elsewhere_never_syncs_and_what_comes_in_later_does(microsoft, outlook, carol, sync):
    for folder in ("drafts", "deleteditems", "archive"):
        microsoft.deliver(RITA, mail(subject=folder), folder)
    junk = microsoft.deliver(RITA, mail(subject="not junk"), "junkemail")
    sync(outlook)
    assert not Activity.objects.exists()
    microsoft.move(RITA, junk.immutable_id, "inbox")
    sync(outlook)
    assert [m.subject for m in StoredMessage.objects.all()] == ["not junk"]


def test_r008_an_import_reads_the_days_asked_for_and_goes_on(microsoft, rita, carol, sync):
    microsoft.add_account(RITA)
    now = datetime.now(UTC)
    for days in range(40):
        when = (now - timedelta(days=days, hours=1)).timestamp()
        microsoft.deliver(RITA, mail(subject=f"{days} days ago"), received=when)
    outlook = make_outlook_mailbox(microsoft, rita, import_days=7)
    assert outlook.state == MailboxState.IMPORTING
    microsoft.deliver(RITA, mail(subject="just now"))
    sync(outlook)
    assert Activity.objects.count() == 8
    assert (outlook.state, outlook.import_done, outlook.import_total) == (MailboxState.ACTIVE, 8, 8)


def test_r008_a_cursor_lost_in_an_import_begins_it_anew(microsoft, rita, carol, sync):
    microsoft.add_account(RITA)
    now = datetime.now(UTC)
    for days in (1, 4, 9):
        microsoft.deliver(
            RITA, mail(subject=f"{days} days ago"), received=(now - timedelta(days=days)).timestamp()
        )
    outlook = make_outlook_mailbox(microsoft, rita, import_days=7)
    microsoft.expire_delta(RITA)
    sync(outlook)
    sync(outlook)
    assert sorted(StoredMessage.objects.values_list("subject", flat=True)) == ["1 days ago", "4 days ago"]
    assert outlook.state == MailboxState.ACTIVE


def test_aliases_of_the_mailbox_are_no_counterparts(microsoft, account, rita, sync):
    outlook = connect_outlook(microsoft, rita, aliases=("sales@northwind.example",))
    connecting.activate(outlook)
    change_policy(account, "inbound", capture=True, capture_from=frozenset(FIELDS[Direction.RECEIVED]))
    microsoft.deliver(RITA, mail(from_="sales@northwind.example", to=RITA))
    sync(outlook)
    assert journal(outlook) == [("skipped", "no_counterpart")]


def test_attachments_are_kept_by_content(microsoft, outlook, account, carol, sync):
    content = b"%PDF-1.7\n" + bytes(range(256)) * 5000
    microsoft.deliver(RITA, mail(attachments=(("plan.pdf", "application/pdf", content),)))
    sync(outlook)
    row = Attachment.objects.get()
    assert (row.filename, row.size, row.reason) == ("plan.pdf", len(content), "")
    store = BlobStore(django_settings.POSTROOM.blob_url)
    assert b"".join(store.read(account.pk, row.blob)) == content


def test_r062_nothing_is_written_while_paused_and_nothing_is_missed(microsoft, outlook, carol, sync):
    mailboxes.pause(outlook)
    microsoft.deliver(RITA, mail())
    sync(outlook)
    assert not JournalEntry.objects.exists()
    connecting.resume(outlook)
    sync(outlook)
    assert Activity.objects.count() == 1


@pytest.mark.parametrize("how", ["revoke", "change_password", "require_mfa"])
def test_r065_lost_authorisation_is_noted_and_reconnecting_leaves_no_gap(
    microsoft, outlook, carol, sync, how
):
    microsoft.deliver(RITA, mail(subject="one"))
    getattr(microsoft, how)(RITA)
    microsoft.expire_access(RITA)
    sync(outlook)
    assert outlook.state == MailboxState.RECONNECT
    assert "Reconnect" in outlook.state_reason
    microsoft.deliver(RITA, mail(subject="two"))
    microsoft.trouble(RITA, 0)
    issued = microsoft.issue_tokens(RITA)
    tokens = TokenSet(issued.access_token, datetime.now(UTC) + timedelta(hours=1), issued.refresh_token)
    mailboxes.connect(outlook.user, Provider.OUTLOOK, Consent(RITA, tokens))
    sync(outlook)
    assert (outlook.state, Activity.objects.count()) == (MailboxState.ACTIVE, 2)


def test_a_refresh_token_that_rotates_is_kept(microsoft, outlook, carol, sync):
    for number in range(3):
        microsoft.expire_access(RITA)
        microsoft.deliver(RITA, mail(subject=str(number)))
        sync(outlook)
    assert Activity.objects.count() == 3


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error", "status": 503},
        {"kind": "error", "status": 429, "reason": "ApplicationThrottled", "retry_after": 0},
        {"kind": "html", "status": 502},
        {"kind": "truncate"},
        {"kind": "drop"},
    ],
    ids=lambda fault: f"{fault['kind']}-{fault.get('status', '')}",
)
@pytest.mark.parametrize("method", ["messages.delta", "attachments.list", "attachments.value"])
def test_a_passing_fault_costs_nothing(microsoft, outlook, carol, sync, method, fault):
    plan = b"%PDF-1.7\n".ljust(300_000, b"x")
    microsoft.deliver(RITA, mail(attachments=(("plan.pdf", "application/pdf", plan),)))
    microsoft.fault(**fault, method=method, times=2)
    sync(outlook)
    if not Activity.objects.exists():
        sync(outlook)
    assert [(each.size, each.reason) for each in Attachment.objects.all()] == [(300_000, "")]
    assert (outlook.state, Activity.objects.count()) == (MailboxState.ACTIVE, 1)


def test_the_mails_of_a_page_cost_no_request_of_their_own(microsoft, outlook, account, sync):
    change_policy(account, "inbound", capture=True)
    for number in range(100):
        microsoft.deliver(RITA, mail(from_=f"p{number}@customer.example", subject=str(number)))
    before = microsoft.received
    sync(outlook)
    assert Activity.objects.count() == 100
    assert microsoft.received - before <= 4


def test_a_set_aside_mail_is_fetched_by_itself_when_it_is_replayed(microsoft, outlook, carol, sync):
    item = microsoft.deliver(RITA, mail(subject="Once more"))
    sync(outlook)
    Activity.objects.all().delete()
    StoredMessage.objects.all().delete()
    JournalEntry.objects.update(outcome="set_aside", lead=None, message=None)
    ProcessedMail.objects.update(message=None)

    async def again() -> None:
        async with open_runtime() as runtime:
            await replay_set_aside(outlook.pk, runtime.session, runtime.blobs)

    asyncio.run(again())
    assert Activity.objects.get().message.subject == "Once more"
    assert ProcessedMail.objects.get().provider_id == item.immutable_id


def test_r007_a_pass_that_is_killed_again_and_again(microsoft, outlook, account):
    change_policy(account, "inbound", capture=True)
    for number in range(160):
        plan = b"%PDF-1.7\n" + bytes([number]) * 2000
        microsoft.deliver(
            RITA,
            mail(
                from_=f"p{number % 40}@customer.example",
                subject=f"mail {number}",
                attachments=(("plan.pdf", "application/pdf", plan),) if number % 4 == 0 else (),
            ),
        )
    told = environment("") | {"POSTROOM_MICROSOFT_URL": django_settings.POSTROOM.microsoft_url}
    one_pass = [sys.executable, "-c", ONE_PASS, str(outlook.pk)]
    for requests in (1, 5, 30, 12, 45):
        process = subprocess.Popen(one_pass, env=os.environ | told)
        _wait_for_requests(microsoft, requests, process)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert subprocess.run(one_pass, env=os.environ | told, timeout=60).returncode == 0
    assert (Activity.objects.count(), JournalEntry.objects.count()) == (160, 160)
    assert (StoredMessage.objects.count(), ProcessedMail.objects.count()) == (160, 160)
    assert Attachment.objects.exclude(blob="").count() == 40


def _wait_for_requests(microsoft, more: int, process: "subprocess.Popen[bytes]") -> None:
    start, deadline = microsoft.received, time.monotonic() + 60
    while microsoft.received < start + more and process.poll() is None:
        if time.monotonic() > deadline:
            pytest.fail("The pass does not read.")
        time.sleep(0.001)


# Push


def posted(mailbox: Mailbox, **notification: object):
    state = client_state(push_secrets()[0], str(mailbox.pk))
    told = {"subscriptionId": "s", "clientState": state, "changeType": "created", **notification}
    body = {"value": [told]}
    return Client().post(f"/push/outlook/{mailbox.pk}/", body, content_type="application/json")


@pytest.fixture
def quiet(outlook, empty_queue) -> Mailbox:
    """The mailbox, with nothing queued."""
    return outlook


@pytest.fixture
def empty_queue(outlook) -> None:
    with connection.cursor() as cursor:
        cursor.execute("truncate procrastinate_jobs, procrastinate_workers cascade")


def test_a_new_subscription_gets_its_token_back(quiet):
    answer = Client().post(f"/push/outlook/{quiet.pk}/?validationToken=Validation%3A+a%26b")
    assert (answer.status_code, answer.content) == (200, b"Validation: a&b")
    assert answer["Content-Type"].startswith("text/plain")
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_a_genuine_notification_queues_a_pass(quiet):
    assert posted(quiet).status_code == 202
    assert queued() == [("sync_mailbox", {"mailbox_id": quiet.pk})]


@pytest.mark.parametrize("event", ["subscriptionRemoved", "reauthorizationRequired"])
def test_a_subscription_that_ends_is_renewed_at_once(quiet, event):
    assert posted(quiet, lifecycleEvent=event).status_code == 202
    assert [name for name, _ in queued()] == ["sync_mailbox", "watch_mailbox"]


def test_a_notification_without_the_secret_is_refused(quiet):
    assert posted(quiet, clientState="guessed").status_code == 401
    assert queued() == []


def test_a_subscription_made_before_the_keys_were_rotated_is_still_known(quiet, monkeypatch):
    older = Sealer([new_key()])
    state = client_state(older.derived(PUSH)[0], str(quiet.pk))
    assert posted(quiet, clientState=state).status_code == 401
    rotated = push_secrets() + older.derived(PUSH)
    monkeypatch.setattr("postroom.sync.push.push_secrets", lambda: rotated)
    assert posted(quiet, clientState=state).status_code == 202


def test_the_secret_of_one_mailbox_opens_no_other(quiet, microsoft, sam):
    other = make_outlook_mailbox(microsoft, sam)
    state = client_state(push_secrets()[0], str(other.pk))
    assert posted(quiet, clientState=state).status_code == 401


def test_what_is_no_delivery_is_acknowledged_and_does_nothing(quiet):
    answer = Client().post(f"/push/outlook/{quiet.pk}/", b"[1", content_type="application/json")
    assert answer.status_code == 202
    too_much = b" " * 1_100_000
    answer = Client().post(f"/push/outlook/{quiet.pk}/", too_much, content_type="application/json")
    assert answer.status_code == 413
    assert queued() == []


def test_a_paused_mailbox_is_no_error(quiet):
    mailboxes.pause(quiet)
    assert posted(quiet).status_code == 202
    assert queued() == []


def test_subscriptions_are_asked_for_and_renewed_daily(live_server, microsoft, quiet, settings):
    settings.POSTROOM = replace(settings.POSTROOM, public_url=live_server.url)
    run(lambda _: jobs.renew_watches(0))
    assert queued() == [("watch_mailbox", {"mailbox_id": quiet.pk})]
    run(lambda context: jobs.watch_mailbox(context, quiet.pk))
    quiet.refresh_from_db()
    assert quiet.watch_expires_at > datetime.now(UTC) + timedelta(days=6, hours=23)
    assert len(microsoft.notifier.live(RITA)) == 2


def test_r063_removing_ends_push_and_says_that_microsoft_keeps_the_permission(
    live_server, microsoft, outlook, settings
):
    settings.POSTROOM = replace(settings.POSTROOM, public_url=live_server.url)
    run(lambda context: jobs.watch_mailbox(context, outlook.pk))
    assert microsoft.notifier.live(RITA)
    assert "myapps.microsoft.com" in connecting.remove(outlook)
    assert not microsoft.notifier.live(RITA)
    assert not Mailbox.objects.exists()


def test_both_providers_sync_side_by_side(google, microsoft, account, mailbox, sam, sync):
    other = make_outlook_mailbox(microsoft, sam)
    make_lead(account, CAROL)
    google.deliver(RITA, mail(subject="to Rita"))
    microsoft.deliver(sam.email, mail(subject="to Sam"))
    sync(mailbox)
    sync(other)
    assert sorted(StoredMessage.objects.values_list("subject", flat=True)) == ["to Rita", "to Sam"]
