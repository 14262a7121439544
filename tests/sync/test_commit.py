"""The fence: who may write, and that nothing is half written (R-007, R-062)."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from postroom.connector import mailboxes
from postroom.connector.models import JournalEntry, Mailbox, MailboxState, Outcome, ProcessedMail
from postroom.crm.models import Activity, Lead, StoredMessage
from postroom.mail.addresses import make_address
from postroom.mail.message import Direction, Message
from postroom.policy.decide import Decision, Match, Rep, Rule
from postroom.policy.identity import identity
from postroom.policy.settings import Detail
from postroom.sync.commit import Fenced, LeadsChanged, Step, commit
from postroom.sync.filing import Filing, set_aside

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
NEXT = Step({"history": "2"}, caught_up=True, importing=False)


@pytest.fixture
def rep() -> Rep:
    return Rep(frozenset({"rita@northwind.example"}))


def filing(lead: Lead | None, number: int = 1, **changes: object) -> Filing:
    address = make_address("carol@customer.example", "Carol")
    message = Message(
        id=str(number),
        thread="t",
        message_id=f"m{number}@x",
        date=NOON,
        received_at=NOON,
        subject="Hello",
        from_=address,
        **changes,
    )
    match = Match(address, lead.pk if lead else None, "Carol", "")
    decision = Decision(Rule.SYNCED, "Synced.", 0, (match,), frozenset(Detail))
    key = identity(message, "gmail:rita")
    return Filing(str(number), Direction.RECEIVED, decision, Outcome.SYNCED, message, key, key)


def nothing_was_written() -> bool:
    tables = (Activity, StoredMessage, ProcessedMail, JournalEntry)
    return not any(table.objects.exists() for table in tables)


def test_a_commit_moves_the_cursor_together_with_its_effects(mailbox, rep, carol):
    commit(mailbox, rep, [filing(carol)], NEXT)
    mailbox.refresh_from_db()
    assert mailbox.cursor == {"history": "2"}
    assert (mailbox.synced_count, Activity.objects.count()) == (1, 1)


@pytest.mark.parametrize("change", [mailboxes.pause, mailboxes.remove])
def test_r062_a_pass_of_an_older_epoch_cannot_write(mailbox, rep, carol, change):
    change(Mailbox.objects.get(pk=mailbox.pk))
    with pytest.raises(Fenced):
        commit(mailbox, rep, [filing(carol)], NEXT)
    assert nothing_was_written()


def test_a_resumed_mailbox_has_a_new_epoch(mailbox, rep, carol):
    other = Mailbox.objects.get(pk=mailbox.pk)
    mailboxes.pause(other)
    mailboxes.resume(other)
    assert other.state == MailboxState.ACTIVE
    with pytest.raises(Fenced):
        commit(mailbox, rep, [filing(carol)], NEXT)


def test_of_two_passes_from_one_cursor_only_the_first_writes(mailbox, rep, carol):
    other = Mailbox.objects.get(pk=mailbox.pk)
    commit(other, rep, [filing(carol)], NEXT)
    with pytest.raises(Fenced):
        commit(mailbox, rep, [filing(carol, 2)], Step({"history": "3"}, caught_up=True, importing=False))
    assert Activity.objects.count() == 1


def test_what_was_processed_is_not_written_again(mailbox, rep, carol):
    commit(mailbox, rep, [filing(carol)], None)
    commit(mailbox, rep, [filing(carol), filing(carol, 2)], NEXT)
    assert (Activity.objects.count(), JournalEntry.objects.count()) == (2, 2)


def test_a_lead_deleted_meanwhile_is_judged_again_and_nothing_is_written(mailbox, rep, carol):
    late = filing(carol)
    carol.delete()
    with pytest.raises(LeadsChanged):
        commit(mailbox, rep, [late], NEXT)
    assert nothing_was_written()
    mailbox.refresh_from_db()
    assert mailbox.cursor != {"history": "2"}


def test_a_mail_that_the_database_cannot_hold_is_set_aside_and_the_rest_is_written(mailbox, rep, carol):
    poison = filing(carol, 2)
    poison = replace(poison, message=replace(poison.message, text="a\x00b"))
    commit(mailbox, rep, [filing(carol), poison, filing(carol, 3)], NEXT)
    assert Activity.objects.count() == 2
    row = JournalEntry.objects.get(outcome=Outcome.SET_ASIDE)
    assert row.provider_id == "2"
    assert "cannot hold" in row.reason


def test_a_mail_set_aside_is_in_the_journal_with_its_reason(mailbox, rep):
    commit(mailbox, rep, [set_aside("9", None, "Too deep.", 3)], NEXT)
    row = JournalEntry.objects.get()
    assert (row.outcome, row.rule, row.reason, row.settings_version) == (
        "set_aside",
        "unreadable",
        "Too deep.",
        3,
    )


def test_two_captures_of_one_person_make_one_lead(mailbox, rep):
    commit(mailbox, rep, [filing(None)], None)
    commit(mailbox, rep, [filing(None, 2)], NEXT)
    assert Lead.objects.count() == 1
    assert Activity.objects.count() == 2
    assert list(JournalEntry.objects.order_by("pk").values_list("captured", flat=True)) == [True, False]
