"""The switch for all users, over passes (R-051)."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from postroom.connector import mailboxes
from postroom.connector.live_settings import live
from postroom.connector.models import JournalEntry, Mailbox, MailboxState, ProcessedMail, Provider
from postroom.connector.people import rep_of
from postroom.connector.policies import current_settings, save_settings
from postroom.connector.stops import Missed, SyncSwitchedOff
from postroom.crm.models import Activity, StoredMessage
from postroom.mail.message import Direction
from postroom.organisations.models import Account
from postroom.sync import connecting
from postroom.sync.commit import Fenced, commit
from postroom.sync.filing import set_aside
from postroom.sync.passes import replay_set_aside
from postroom.sync.push import accept
from postroom.sync.runtime import open_runtime
from tests.mails import mail
from tests.sync.conftest import journal
from tests.sync.test_commit import NEXT, filing
from tests.sync.test_passes import RITA, spent


def switch(account: Account, *, off: bool, missed: Missed = Missed.CATCH_UP) -> None:
    save_settings(account, replace(current_settings(account.pk), sync_disabled=off), None, missed=missed)


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def test_r051_a_pass_under_way_cannot_write_once_it_is_off(mailbox, account, carol):
    view = Mailbox.objects.get(pk=mailbox.pk)
    switch(account, off=True)
    with pytest.raises(Fenced):
        commit(view, rep_of(view), [filing(carol)], NEXT)
    switch(account, off=False)
    with pytest.raises(Fenced):
        commit(view, rep_of(view), [filing(carol)], NEXT)
    assert not Activity.objects.exists()


def test_r051_while_it_is_off_nothing_is_read_and_no_push_is_taken_in(google, mailbox, account, carol, sync):
    switch(account, off=True)
    google.deliver(RITA, mail())
    sync(mailbox)
    assert not spent(google)
    assert not JournalEntry.objects.exists()
    assert mailbox.state == MailboxState.ACTIVE
    body = b'{"message": {"data": "eyJlbWFpbEFkZHJlc3MiOiJyaXRhQG5vcnRod2luZC5leGFtcGxlIn0="}}'
    assert accept(body) == 0
    switch(account, off=False)
    assert accept(body) == 1


def test_r051_catching_up_syncs_what_came_meanwhile_once(google, mailbox, account, carol, sync):
    google.deliver(RITA, mail(subject="before"))
    sync(mailbox)
    switch(account, off=True)
    google.deliver(RITA, mail(subject="meanwhile"))
    switch(account, off=False)
    google.deliver(RITA, mail(subject="after"))
    sync(mailbox)
    sync(mailbox)
    subjects = StoredMessage.objects.order_by("subject").values_list("subject", flat=True)
    assert list(subjects) == ["after", "before", "meanwhile"]
    assert Activity.objects.count() == 3


def test_r051_skipping_leaves_out_what_came_meanwhile_and_only_that(google, mailbox, account, carol, sync):
    start = datetime.now(UTC)
    google.deliver(RITA, mail(subject="before"), internal_date=milliseconds(start - timedelta(seconds=5)))
    switch(account, off=True)
    google.deliver(RITA, mail(subject="meanwhile"))
    switch(account, off=False, missed=Missed.SKIP)
    after = milliseconds(datetime.now(UTC) + timedelta(seconds=5))
    google.deliver(RITA, mail(subject="after"), internal_date=after)
    sync(mailbox)
    subjects = StoredMessage.objects.order_by("subject").values_list("subject", flat=True)
    assert list(subjects) == ["after", "before"]
    row = JournalEntry.objects.get(outcome="skipped")
    assert (row.rule, row.setting, row.subject) == ("sync_disabled", "sync_disabled", "")
    assert "chosen to be skipped" in row.reason
    assert ProcessedMail.objects.count() == 3


def test_r051_what_was_skipped_stays_out_after_the_cursor_is_lost(google, mailbox, account, carol, sync):
    switch(account, off=True)
    google.deliver(RITA, mail())
    switch(account, off=False, missed=Missed.SKIP)
    google.expire_history(RITA)
    sync(mailbox)
    sync(mailbox)
    assert not Activity.objects.exists()
    assert journal(mailbox) == [("skipped", "sync_disabled")]


def test_r051_a_worker_whose_settings_are_a_moment_old_skips_nothing(
    google, mailbox, account, carol, sync, monkeypatch
):
    """It still thinks that the sync is off, but the mailbox was read after it went on again."""
    switch(account, off=True)
    old = current_settings(account.pk)
    switch(account, off=False)
    monkeypatch.setattr(live, "of", lambda account_id, user_id: old)
    google.deliver(RITA, mail())
    sync(mailbox)
    assert journal(mailbox) == [("synced", "synced")]


def test_r051_nobody_begins_to_connect_while_it_is_off(account, rita, sam):
    switch(account, off=True)
    with pytest.raises(SyncSwitchedOff, match="switched off for all users"):
        connecting.begin(sam, Provider.GMAIL, "http://testserver/oauth/google/callback/")


def test_r051_a_mailbox_paused_meanwhile_stays_paused(google, mailbox, account, carol, sync):
    switch(account, off=True)
    mailboxes.pause(mailbox)
    switch(account, off=False)
    google.deliver(RITA, mail())
    sync(mailbox)
    assert (mailbox.state, Activity.objects.count()) == (MailboxState.PAUSED, 0)


def test_r051_a_set_aside_mail_that_came_meanwhile_stays_out_when_it_is_replayed(
    google, mailbox, account, carol, sync
):
    switch(account, off=True)
    message = google.deliver(RITA, mail())
    switch(account, off=False, missed=Missed.SKIP)
    mailbox.refresh_from_db()
    commit(mailbox, rep_of(mailbox), [set_aside(message.id, Direction.RECEIVED, "Unreadable.", 1)], None)

    async def replay() -> None:
        async with open_runtime() as runtime:
            await replay_set_aside(mailbox.pk, runtime.session, runtime.blobs)

    asyncio.run(replay())
    assert journal(mailbox) == [("set_aside", "unreadable"), ("skipped", "sync_disabled")]
