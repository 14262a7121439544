"""Several mailboxes with the same mail at the same moment: R-006, R-007 and no deadlock."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest
from django.db import OperationalError
from psycopg.errors import DeadlockDetected

from postroom.connector import mailboxes
from postroom.connector.models import JournalEntry, Mailbox, MailboxState, ProcessedMail
from postroom.connector.people import rep_of
from postroom.connector.policies import current_settings, save_settings
from postroom.connector.sweeping import sweep
from postroom.crm.models import Activity, Attachment, Lead, LeadSource, MessageCopy, StoredMessage
from postroom.mail.addresses import make_address
from postroom.mail.message import Address, Direction, Message
from postroom.organisations.models import Account
from postroom.policy.decide import Decision, Match, Rule
from postroom.policy.identity import identity
from postroom.policy.settings import FIELDS, Detail
from postroom.sync import commit as commits
from postroom.sync.commit import Fenced, Step, commit
from postroom.sync.filing import Filing, Outcome
from postroom.sync.passes import run_pass
from postroom.sync.runtime import open_runtime
from tests.mails import mail
from tests.sync.conftest import change_policy, journal, make_lead, make_mailbox, make_rep
from tests.sync.test_passes import RITA, spent
from tests.sync.together import at_once

SAM = "sam@northwind.example"
ROUNDS = 8


def one_pass(mailbox: Mailbox) -> None:
    async def run() -> None:
        async with open_runtime() as runtime:
            await run_pass(mailbox.pk, runtime.session, runtime.blobs)

    asyncio.run(run())


def address(name: str) -> Address:
    made = make_address(f"{name}@customer.example", name.title())
    assert made is not None
    return made


def filing(number: int, direction: Direction, people: list[tuple[str, int | None]], source: str) -> Filing:
    """A mail of Sam's in one mailbox, to people who are leads or become some."""
    now = datetime(2026, 5, 4, 12, tzinfo=UTC)
    message = Message(
        id=f"{direction}{number}",
        thread="",
        message_id=f"m{number}@x",
        date=now,
        received_at=now,
        subject=f"Mail {number}",
        from_=make_address(SAM, "Sam"),
        to=tuple(address(name) for name, _ in people),
    )
    matches = tuple(Match(address(name), lead, name.title(), "") for name, lead in people)
    decision = Decision(Rule.SYNCED, "Synced.", 0, matches, frozenset(Detail), source)
    key = identity(message, "x")
    return Filing(message.id, direction, decision, Outcome.SYNCED, message, key, key)


@pytest.fixture
def crowd(transactional_db) -> list[Mailbox]:
    """Four active mailboxes of one account."""
    account = Account.objects.create(name="Northwind")
    return [
        Mailbox.objects.create(
            account=account,
            user=make_rep(account, name),
            provider="gmail",
            address=f"{name}@northwind.example",
            address_key=f"{name}@northwind.example",
            state=MailboxState.ACTIVE,
            cursor={"history": "1"},
        )
        for name in ("sam", "rita", "max", "mia")
    ]


def test_r006_r042_commits_at_once_make_one_of_each_and_never_deadlock(crowd):
    """The sender's copy and the recipients', in other orders and with other leads and sources.

    Every other round has no new people: they would make the commits wait for each other from the start.
    """
    account = crowd[0].account
    for turn in range(ROUNDS):
        for table in (Activity, StoredMessage, ProcessedMail, JournalEntry, Lead, LeadSource):
            table.objects.all().delete()
        leads = [make_lead(account, f"known{n}@customer.example").pk for n in range(4)]
        works = []
        for place, mailbox in enumerate(crowd):
            direction = Direction.SENT if place == 0 else Direction.RECEIVED
            batch = [
                filing(
                    number,
                    direction,
                    [*new(number, turn), (f"known{place}", leads[place])],
                    f"Source {(number + place) % 3}",
                )
                for number in range(12)
            ]
            if place % 2:
                batch.reverse()
            works.append(partial(commit, mailbox, rep_of(mailbox), batch, None))
        assert at_once(*works) == []
        assert StoredMessage.objects.count() == 12
        assert Lead.objects.count() == 4 + (turn % 2) * (1 + 12)
        assert Activity.objects.count() == 12 * (4 + (turn % 2) * 2)
        assert set(Activity.objects.values_list("kind", flat=True)) == {"email_sent"}
        assert MessageCopy.objects.count() == 12 * 4
        assert JournalEntry.objects.filter(captured=True).count() == (turn % 2) * 13


def new(number: int, turn: int) -> list[tuple[str, None]]:
    """In odd rounds, a person on every mail and a person on this one only, who become leads."""
    return [("new", None), (f"p{number}", None)] if turn % 2 else []


def test_r006_a_copy_that_meets_a_stored_mail_waits_for_the_senders_copy(crowd):
    """The mail is stored already, so no insert makes the two wait for each other; the lock does."""
    account, (sender, recipient, third, _) = crowd[0].account, crowd
    for number in range(ROUNDS):
        leads = [make_lead(account, f"{name}{number}@customer.example").pk for name in ("a", "b", "c")]
        copies = [
            filing(number, direction, [(f"{name}{number}", lead)], "")
            for name, lead, direction in zip(
                "abc", leads, (Direction.RECEIVED, Direction.SENT, Direction.RECEIVED), strict=True
            )
        ]
        # Recipients' copies know nothing of who wrote: only the sender's own makes it *Email Sent*.
        copies = [replace(copy, message=replace(copy.message, from_=address("outsider"))) for copy in copies]
        commit(third, rep_of(third), [copies[0]], None)
        raised = at_once(
            partial(commit, sender, rep_of(sender), [copies[1]], None),
            partial(commit, recipient, rep_of(recipient), [copies[2]], None),
        )
        assert raised == []
        kinds = Activity.objects.filter(lead__in=leads).values_list("kind", flat=True)
        assert list(kinds) == ["email_sent"] * 3


def test_r007_two_passes_over_one_mailbox_at_once_write_once(crowd):
    mailbox = crowd[0]
    for number in range(ROUNDS):
        lead = make_lead(mailbox.account, f"l{number}@customer.example").pk
        one = filing(number, Direction.SENT, [(f"l{number}", lead)], "")
        views = [Mailbox.objects.get(pk=mailbox.pk) for _ in range(3)]
        step = Step({"history": str(number + 2)}, caught_up=True, importing=False)
        raised = at_once(*(partial(commit, view, rep_of(view), [one], step) for view in views))
        assert [type(error) for error in raised] == [Fenced, Fenced]
        assert Activity.objects.filter(lead=lead).count() == 1


def test_r051_switching_off_while_all_commit_deadlocks_with_none(crowd):
    account = crowd[0].account
    for turn in range(ROUNDS):
        epochs = {mailbox.pk: Mailbox.objects.get(pk=mailbox.pk) for mailbox in crowd}
        off = replace(current_settings(account.pk), sync_disabled=True)
        works = [
            partial(
                commit,
                view,
                rep_of(view),
                [filing(1000 + turn * 10 + place, Direction.SENT, [("new", None)], "")],
                None,
            )
            for place, view in enumerate(epochs.values())
        ]
        raised = at_once(*works, partial(save_settings, account, off, None))
        assert {type(error) for error in raised} <= {Fenced}
        written = JournalEntry.objects.count()
        again = at_once(*works)
        assert [type(error) for error in again] == [Fenced] * 4
        assert JournalEntry.objects.count() == written
        save_settings(account, replace(off, sync_disabled=False), None)


def test_r063_removing_a_mailbox_while_it_commits_leaves_nothing_dangling(crowd):
    for number, mailbox in enumerate(crowd):
        one = filing(number, Direction.SENT, [("new", None)], "")
        view = Mailbox.objects.get(pk=mailbox.pk)
        raised = at_once(partial(commit, view, rep_of(view), [one], None), partial(mailboxes.remove, mailbox))
        assert {type(error) for error in raised} <= {Fenced}
    assert not Mailbox.objects.exists()
    for mailbox in crowd:
        sweep(mailbox.account_id, mailbox.pk)
    assert not JournalEntry.objects.exclude(mailbox=None).exists()
    assert not ProcessedMail.objects.exists()


def test_a_commit_that_gave_way_is_tried_again_and_follows_only_what_was_written(crowd, monkeypatch):
    mailbox, real, turns = crowd[0], commits._touch, []

    def give_way_twice(account: int, activities: list[Activity]) -> None:
        turns.append(mailbox.cursor)
        if len(turns) < 3:
            raise OperationalError from DeadlockDetected()
        real(account, activities)

    monkeypatch.setattr(commits, "_touch", give_way_twice)
    step = Step({"history": "9"}, caught_up=True, importing=False)
    commit(mailbox, rep_of(mailbox), [filing(1, Direction.SENT, [("new", None)], "")], step)
    assert turns == [{"history": "1"}] * 3
    assert (mailbox.cursor, Activity.objects.count()) == ({"history": "9"}, 1)


@pytest.fixture
def sams(google, mailbox, sam) -> Mailbox:
    return make_mailbox(google, sam)


def test_r006_two_passes_at_once_over_one_mail_store_it_once_with_its_attachment(
    google, mailbox, sams, carol
):
    plan = ("plan.pdf", "application/pdf", b"%PDF-1.7\n".ljust(200_000, b"x"))
    for number in range(4):
        raw = mail(to=f"{RITA}, {SAM}", subject=f"Both {number}", attachments=(plan,))
        google.deliver(RITA, raw)
        google.deliver(SAM, raw)
    assert at_once(partial(one_pass, mailbox), partial(one_pass, sams)) == []
    assert (StoredMessage.objects.count(), Activity.objects.count()) == (4, 4)
    assert (Attachment.objects.count(), MessageCopy.objects.count()) == (4, 8)


def test_r006_the_second_copy_fetches_no_attachment_again(google, mailbox, sams, carol, sync):
    plan = ("plan.pdf", "application/pdf", b"%PDF-1.7\n".ljust(200_000, b"x"))
    raw = mail(to=f"{RITA}, {SAM}", attachments=(plan,))
    google.deliver(RITA, raw)
    google.deliver(SAM, raw)
    sync(sams)
    sync(mailbox)
    assert "messages.attachments.get" not in spent(google)
    assert Attachment.objects.count() == 1


def test_r006_the_senders_copy_adds_the_bcc_and_its_leads(google, mailbox, sams, account, carol, sync):
    dan = make_lead(account, "dan@customer.example")
    google.send(SAM, mail(from_=SAM, to=f"{RITA}, carol@customer.example", bcc="dan@customer.example"))
    sync(mailbox)
    assert list(Activity.objects.values_list("lead", flat=True)) == [carol.pk]
    assert StoredMessage.objects.get().bcc == []
    sync(sams)
    assert set(Activity.objects.values_list("lead", "kind")) == {
        (carol.pk, "email_sent"),
        (dan.pk, "email_sent"),
    }
    assert StoredMessage.objects.get().bcc == [["dan@customer.example", ""]]


def test_r006_a_rep_who_got_a_blind_copy_is_shown_beside_the_sender(google, mailbox, sams, carol, sync):
    raw = mail(from_=SAM, to="carol@customer.example", bcc=RITA)
    google.send(SAM, raw)
    google.deliver(RITA, raw)
    sync(mailbox)
    sync(sams)
    assert Activity.objects.get().kind == "email_sent"
    assert {copy.user.email: copy.sent for copy in MessageCopy.objects.all()} == {RITA: True, SAM: True}


def test_r040_a_detail_that_only_one_direction_captures_is_filled_in(
    google, mailbox, sams, account, carol, sync
):
    change_policy(account, "inbound", details=frozenset())
    google.send(SAM, mail(from_=SAM, to=f"{RITA}, carol@customer.example", subject="Terms", text="Ten"))
    sync(mailbox)
    message = StoredMessage.objects.get()
    assert (message.subject, message.details) == ("", [])
    sync(sams)
    message.refresh_from_db()
    assert (message.subject, message.body.text.strip()) == ("Terms", "Ten")
    assert set(message.details) == set(Detail)
    rows = JournalEntry.objects.order_by("pk").values_list("subject", flat=True)
    assert list(rows) == ["", "Terms"]


def test_r006_a_reused_message_id_with_another_date_or_sender_is_another_mail(
    google, mailbox, account, carol, sync
):
    dan = make_lead(account, "dan@customer.example")
    noon = datetime(2026, 11, 4, 12, tzinfo=UTC)
    for from_, date in (
        ("carol@customer.example", noon),
        ("carol@customer.example", noon.replace(hour=13)),
        ("dan@customer.example", noon),
    ):
        google.deliver(RITA, mail(from_=from_, message_id="same@x.example", date=date))
    sync(mailbox)
    assert StoredMessage.objects.count() == 3
    assert Activity.objects.filter(lead=dan).count() == 1


def test_r006_a_mail_delivered_twice_to_one_mailbox_is_one_activity(google, mailbox, carol, sync):
    raw = mail()
    google.deliver(RITA, raw)
    google.deliver(RITA, raw)
    sync(mailbox)
    assert (Activity.objects.count(), ProcessedMail.objects.count()) == (1, 2)


def test_r006_without_a_message_id_each_copy_stands_for_itself(google, mailbox, sams, carol, sync):
    raw = mail(message_id="")
    google.deliver(RITA, raw)
    google.deliver(SAM, raw)
    sync(mailbox)
    sync(sams)
    assert (StoredMessage.objects.count(), Activity.objects.count()) == (2, 2)
    sync(mailbox)
    assert Activity.objects.count() == 2


def test_section_i_a_mail_with_both_labels_is_sent(google, mailbox, carol, sync):
    google.deliver(RITA, mail(from_=RITA, to=f"carol@customer.example, {RITA}"), labels=("INBOX", "SENT"))
    sync(mailbox)
    assert Activity.objects.get().kind == "email_sent"
    assert journal(mailbox) == [("synced", "synced")]


def test_section_i_send_as_another_address_is_the_reps_own_mail(google, account, rita, carol, sync):
    mailbox = make_mailbox(google, rita, aliases=("sales@northwind.example",))
    change_policy(account, "outbound", capture=True, capture_from=frozenset(FIELDS[Direction.SENT]))
    google.send(
        RITA,
        mail(from_="sales@northwind.example", to="carol@customer.example", cc="sales@northwind.example"),
    )
    sync(mailbox)
    assert Activity.objects.get().kind == "email_sent"
    assert Lead.objects.count() == 1


def test_r004_r006_a_colleagues_mail_is_email_sent_though_only_the_recipient_syncs(
    google, mailbox, sam, carol, sync
):
    google.deliver(RITA, mail(from_=sam.email, to=f"{RITA}, carol@customer.example"))
    sync(mailbox)
    assert Activity.objects.get().kind == "email_sent"


def test_the_fence_compares_cursors_by_value_not_by_spelling(crowd):
    mailbox = crowd[0]
    cursor = {"history": "7", "listing": {"since": 1, "label": "INBOX", "page": "é€"}}
    Mailbox.objects.filter(pk=mailbox.pk).update(cursor=cursor)
    turned = {"listing": {"page": "é€", "label": "INBOX", "since": 1}, "history": "7"}
    mailbox.cursor = turned
    commit(mailbox, rep_of(mailbox), [], Step({"history": "8"}, caught_up=True, importing=False))
    mailbox.cursor = {"history": 8}
    with pytest.raises(Fenced):
        commit(mailbox, rep_of(mailbox), [], None)
