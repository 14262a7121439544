"""The switch for all users, as it stands in the tables (R-051); what it does to a pass is in tests/sync."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from postroom.connector import mailboxes
from postroom.connector.models import AuditArea, AuditEntry, Mailbox, MailboxState, Provider, SyncStop
from postroom.connector.policies import current_settings, save_settings
from postroom.connector.stops import Missed, SyncSwitchedOff, is_stopped, missed_times
from postroom.organisations.models import Account
from tests.connector.conftest import consent, make_person


def switch(account: Account, *, off: bool, missed: Missed = Missed.CATCH_UP) -> None:
    save_settings(account, replace(current_settings(account.pk), sync_disabled=off), None, missed=missed)


def test_r051_switching_off_raises_every_epoch_and_leaves_other_accounts_alone(account, mailbox, ada):
    other = Account.objects.create(name="Other")
    before = mailbox.epoch
    switch(account, off=True)
    mailbox.refresh_from_db()
    assert mailbox.epoch == before + 1
    assert (is_stopped(account.pk), is_stopped(other.pk)) == (True, False)
    assert mailbox.state == MailboxState.ACTIVE


def test_r051_no_mailbox_of_a_stopped_account_is_due(account, mailbox):
    now = datetime.now(UTC)
    switch(account, off=True)
    assert not Mailbox.objects.due(now)
    assert not Mailbox.objects.watch_expiring(now)
    switch(account, off=False)
    assert list(Mailbox.objects.due(datetime.now(UTC))) == [mailbox]


def test_r051_nobody_can_connect_reconnect_or_activate_meanwhile(account, mailbox):
    mailboxes.lose_authorization(mailbox, "Revoked.")
    sam = make_person(account, "Sam")
    waiting = mailboxes.connect(sam, Provider.GMAIL, consent(sam.email))
    switch(account, off=True)
    with pytest.raises(SyncSwitchedOff):
        mailboxes.connect(mailbox.user, Provider.GMAIL, consent(mailbox.address))
    with pytest.raises(SyncSwitchedOff):
        mailboxes.activate(waiting, {"history": "1"}, (), importing=False)
    switch(account, off=False)
    mailboxes.activate(waiting, {"history": "1"}, (), importing=False)
    assert waiting.state == MailboxState.ACTIVE


def test_r051_only_times_that_were_chosen_to_be_skipped_are_missed(account):
    for missed in (Missed.CATCH_UP, Missed.SKIP):
        switch(account, off=True)
        assert missed_times(account.pk) == []
        switch(account, off=False, missed=missed)
    [(began, ended)] = missed_times(account.pk)
    assert began < ended


def test_r051_the_switch_is_in_the_trail(account, ada):
    switch(account, off=True)
    switch(account, off=False, missed=Missed.SKIP)
    rows = AuditEntry.objects.filter(area=AuditArea.SYNC_SWITCH).order_by("pk")
    assert [row.said for row in rows] == [
        "Switched the sync off for all users.",
        "Switched the sync on again; mail that came meanwhile is skipped.",
    ]


def test_r051_an_account_has_one_stop_at_a_time(account):
    switch(account, off=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        SyncStop.objects.create(account=account, began_at=datetime.now(UTC))
