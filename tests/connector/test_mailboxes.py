"""What happens to a mailbox, and that a change made on old knowledge does no harm."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from procrastinate.contrib.django.models import ProcrastinateJob

from postroom.connector import mailboxes, sweeping
from postroom.connector.models import (
    AuditEntry,
    Grant,
    JournalEntry,
    Mailbox,
    MailboxState,
    ProcessedMail,
    Provider,
)
from postroom.connector.sweeping import sweep
from postroom.errors import AccountRefused
from postroom.organisations.models import Account
from tests.connector.conftest import consent, make_person


def again(mailbox: Mailbox) -> Mailbox:
    return Mailbox.objects.get(pk=mailbox.pk)


@pytest.mark.parametrize("address", ["rita@gmail.example", "rita@sub.northwind.example", "nobody"])
def test_r061_an_address_outside_of_the_account_is_refused(rita, address):
    with pytest.raises(AccountRefused):
        mailboxes.connect(rita, Provider.GMAIL, consent(address))
    assert not Grant.objects.exists()


def test_r061_an_address_that_a_colleague_connected_is_refused(account, mailbox):
    sam = make_person(account, "Sam")
    with pytest.raises(AccountRefused, match="by a colleague"):
        mailboxes.connect(sam, Provider.GMAIL, consent("RITA@northwind.example"))
    assert not Mailbox.objects.filter(user=sam).exists()


def test_r061_a_rep_has_one_mailbox(rita, mailbox):
    with pytest.raises(AccountRefused, match="Remove it first"):
        mailboxes.connect(rita, Provider.GMAIL, consent("second@northwind.example"))


def test_every_change_of_state_raises_the_epoch(mailbox, ada):
    epochs = [mailbox.epoch]
    for change in (mailboxes.pause, mailboxes.resume):
        change(mailbox)
        epochs.append(mailbox.epoch)
    mailboxes.deactivate(mailbox, ada)
    mailboxes.reactivate(mailbox, ada)
    epochs.append(mailbox.epoch)
    assert epochs == sorted(set(epochs))
    assert mailbox.state == MailboxState.ACTIVE


def test_r073_a_rep_sees_who_deactivated_the_mailbox_and_cannot_undo_it(mailbox, ada):
    mailboxes.deactivate(mailbox, ada)
    assert mailbox.state_reason.startswith("Deactivated by Ada on ")
    mailboxes.resume(mailbox)
    assert mailbox.state == MailboxState.DEACTIVATED
    mailboxes.reactivate(mailbox, ada)
    assert (mailbox.state, mailbox.state_reason) == (MailboxState.ACTIVE, "")


def test_r046_what_another_does_to_a_mailbox_is_in_the_trail_and_what_its_rep_does_is_not(mailbox, ada, rita):
    mailboxes.pause(mailbox, rita)
    mailboxes.resume(mailbox, ada)
    mailboxes.deactivate(mailbox, ada)
    mailboxes.remove(mailbox, ada)
    said = list(AuditEntry.objects.order_by("pk").values_list("said", "about"))
    assert said == [
        (f"{done} the mailbox rita@northwind.example.", rita.pk)
        for done in ("Resumed", "Deactivated", "Removed")
    ]


def test_r065_a_loss_noticed_by_an_old_pass_does_not_undo_the_reconnecting(mailbox, rita):
    old = again(mailbox)
    mailboxes.lose_authorization(mailbox, "Revoked.")
    mailboxes.connect(rita, Provider.GMAIL, consent(rita.email))
    assert not mailboxes.lose_authorization(old, "Revoked.")
    assert again(mailbox).state == MailboxState.ACTIVE


def test_r062_a_loss_noticed_after_a_pause_leaves_the_mailbox_paused(mailbox):
    old = again(mailbox)
    mailboxes.pause(mailbox)
    assert not mailboxes.lose_authorization(old, "Revoked.")
    assert again(mailbox).state == MailboxState.PAUSED


def test_r065_only_the_first_of_two_who_notice_a_loss_is_news(mailbox):
    other = again(mailbox)
    assert mailboxes.lose_authorization(mailbox, "Revoked.")
    assert not mailboxes.lose_authorization(other, "Revoked.")


def test_a_pause_on_old_knowledge_does_not_wake_a_lost_mailbox(mailbox):
    old = again(mailbox)
    mailboxes.lose_authorization(mailbox, "Revoked.")
    mailboxes.pause(old)
    mailboxes.resume(old)
    assert again(mailbox).state == MailboxState.RECONNECT


def test_a_fault_of_an_old_pass_is_not_noted_on_a_mailbox_that_changed_hands(mailbox):
    old = again(mailbox)
    mailboxes.pause(mailbox)
    mailboxes.note_fault(old, "Out of reach.")
    assert again(mailbox).last_error == ""


def test_a_fault_with_a_null_character_can_be_noted(mailbox):
    mailboxes.note_fault(mailbox, "bad\x00answer")
    assert again(mailbox).last_error == "badanswer"


def test_r063_removing_keeps_the_journal_and_forgets_the_tokens(account, mailbox, rita):
    JournalEntry.objects.create(
        account=account, mailbox=mailbox, user=rita, provider_id="1", outcome="skipped", settings_version=0
    )
    removed = mailbox.pk
    mailboxes.remove(mailbox)
    assert not Grant.objects.exists()
    assert not Mailbox.objects.exists()
    sweep(account.pk, removed)
    assert JournalEntry.objects.get().mailbox is None
    mailboxes.remove(mailbox)


def test_r063_what_names_a_removed_mailbox_is_left_to_a_job_that_goes_on_where_it_broke_off(
    account, mailbox, rita, monkeypatch
):
    monkeypatch.setattr(sweeping, "BATCH", 3)
    for number in range(7):
        JournalEntry.objects.create(
            account=account, mailbox=mailbox, user=rita, provider_id=str(number), settings_version=0
        )
        ProcessedMail.objects.create(account=account, mailbox=mailbox, provider_id=str(number))
    removed = mailbox.pk
    with CaptureQueriesContext(connection) as queries:
        mailboxes.remove(mailbox)
    touched = [each["sql"] for each in queries if "journalentry" in each["sql"] or "processed" in each["sql"]]
    assert touched == []
    jobs = ProcrastinateJob.objects.filter(task_name="sweep_mailbox")
    assert jobs.get().args == {"account_id": account.pk, "mailbox_id": removed}
    assert sweeping._forget_processed(account.pk, removed) == 3
    assert sweeping._clear_journal(account.pk, removed) == 3
    sweep(account.pk, removed)
    assert not ProcessedMail.objects.exists()
    assert JournalEntry.objects.filter(mailbox=None).count() == 7


def test_a_sweep_leaves_other_mailboxes_and_accounts_alone(account, mailbox, rita):
    ProcessedMail.objects.create(account=account, mailbox=mailbox, provider_id="1")
    sweep(account.pk, mailbox.pk + 1)
    sweep(account.pk + 1, mailbox.pk)
    assert ProcessedMail.objects.exists()


def test_r075_the_mailboxes_that_a_viewer_may_see(account, mailbox, ada):
    other = Account.objects.create(name="Other")
    stranger = make_person(other, "Stranger")
    assert list(mailboxes.visible_mailboxes(ada)) == [mailbox]
    assert not mailboxes.visible_mailboxes(stranger)
    assert list(mailboxes.visible_mailboxes(mailbox.user)) == [mailbox]
