"""Faults of the provider: told in words, waited out, and nothing lost or doubled."""

import pytest

from postroom.connector import mailboxes
from postroom.connector.models import Grant, JournalEntry, MailboxState
from postroom.crm.models import Activity, Attachment
from postroom.sync.passes import FAILURES_A_MAIL_MAY_CAUSE
from tests.mails import mail
from tests.sync.conftest import journal, token_set
from tests.sync.test_passes import RITA, spent


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    """No waiting between attempts."""
    monkeypatch.setattr("postroom.providers.http._backoff", lambda attempt: 0.0)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error", "status": 500},
        {"kind": "error", "status": 503},
        {"kind": "error", "status": 429, "reason": "rateLimitExceeded"},
        {"kind": "error", "status": 403, "reason": "userRateLimitExceeded", "retry_after": 0},
        {"kind": "html", "status": 502},
        {"kind": "truncate"},
        {"kind": "drop"},
    ],
    ids=lambda fault: f"{fault['kind']}-{fault.get('status', '')}",
)
@pytest.mark.parametrize("method", ["history.list", "messages.get", "messages.attachments.get"])
def test_a_passing_fault_costs_nothing(google, mailbox, carol, sync, method, fault):
    plan = b"%PDF-1.7\n".ljust(300_000, b"x")
    google.deliver(RITA, mail(attachments=(("plan.pdf", "application/pdf", plan),)))
    google.fault(**fault, method=method, times=2)
    sync(mailbox)
    if not Activity.objects.exists():
        sync(mailbox)
    assert Activity.objects.count() == 1
    assert [(each.size, each.reason) for each in Attachment.objects.all()] == [(300_000, "")]
    assert mailbox.state == MailboxState.ACTIVE


def test_a_lasting_outage_is_noted_and_the_next_pass_put_off(google, mailbox, carol, sync):
    google.deliver(RITA, mail())
    google.fault("error", status=503, times=None, method="history.list")
    sync(mailbox)
    assert (mailbox.state, mailbox.failures) == (MailboxState.ACTIVE, 1)
    assert "503" in mailbox.last_error
    google.faults.waiting.clear()
    sync(mailbox)
    assert (mailbox.failures, mailbox.last_error, Activity.objects.count()) == (0, "", 1)


def test_a_long_retry_after_is_left_to_the_schedule(google, mailbox, carol, sync):
    google.deliver(RITA, mail())
    google.fault("error", status=429, reason="rateLimitExceeded", retry_after=600, times=None)
    sync(mailbox)
    assert spent(google)["history.list"] == 1
    assert (mailbox.next_sync_at - mailbox.connected_at).total_seconds() > 590


@pytest.mark.parametrize("how", ["revoke", "change_password"])
def test_r065_lost_authorisation_is_noted_at_once_without_a_storm(google, mailbox, carol, sync, how):
    google.deliver(RITA, mail())
    getattr(google, how)(RITA)
    sync(mailbox)
    assert mailbox.state == MailboxState.RECONNECT
    assert "Reconnect" in mailbox.state_reason
    calls = sum(spent(google).values())
    sync(mailbox)
    assert sum(spent(google).values()) == calls


def test_r065_after_reconnecting_the_sync_goes_on_with_no_gap(google, mailbox, carol, sync):
    from postroom.connector.models import Provider
    from postroom.providers.base import Consent

    google.deliver(RITA, mail(subject="one"))
    google.revoke(RITA)
    sync(mailbox)
    google.deliver(RITA, mail(subject="two"))
    mailboxes.connect(mailbox.user, Provider.GMAIL, Consent(RITA, token_set(google, RITA)))
    sync(mailbox)
    assert mailbox.state == MailboxState.ACTIVE
    assert Activity.objects.count() == 2


def test_an_expired_access_token_is_renewed_unseen(google, mailbox, carol, sync):
    google.deliver(RITA, mail())
    google.clock.offset += 4000
    sync(mailbox)
    assert Activity.objects.count() == 1
    assert mailbox.state == MailboxState.ACTIVE


def test_a_refresh_token_that_rotates_is_kept(google, mailbox, carol, sync):
    google.settings.rotate_refresh_tokens = True
    before = bytes(Grant.objects.get().sealed)
    for hours in (1, 2, 3):
        google.clock.offset = hours * 4000
        google.deliver(RITA, mail(subject=str(hours)))
        sync(mailbox)
    assert Activity.objects.count() == 3
    assert bytes(Grant.objects.get().sealed) != before


def test_a_mail_that_gmail_never_hands_out_is_set_aside_in_the_end(google, mailbox, carol, sync):
    poison = google.deliver(RITA, mail(subject="poison"))
    google.deliver(RITA, mail(subject="healthy"))
    google.fault("error", status=500, path=f"*/messages/{poison.id}", times=None)
    for _ in range(FAILURES_A_MAIL_MAY_CAUSE):
        sync(mailbox)
    assert ("set_aside", "unreadable") not in journal(mailbox)
    sync(mailbox)
    assert ("set_aside", "unreadable") in journal(mailbox)
    assert Activity.objects.count() == 1
    assert JournalEntry.objects.get(outcome="set_aside").provider_id == poison.id


def test_what_was_read_before_a_fault_is_not_read_again(google, mailbox, carol, sync):
    for number in range(5):
        google.deliver(RITA, mail(subject=str(number)))
    google.fault("error", status=500, method="messages.get", skip=4, times=4)
    sync(mailbox)
    sync(mailbox)
    assert Activity.objects.count() == 5
    calls = google.ledger.spent[RITA]["messages.get"]
    assert calls.requests - calls.refused == 5
