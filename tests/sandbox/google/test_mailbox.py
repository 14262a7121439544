"""Labels, conversations and history, as the API tells them."""

from typing import Any

import pytest
from googleapiclient.errors import HttpError

from postroom.sandbox.google import GoogleSandbox

from .conftest import MAYA, OMAR, letter


def _records(gmail: Any, start: int, **options: Any) -> list[dict[str, Any]]:
    answer = gmail.users().history().list(userId="me", startHistoryId=str(start), **options).execute()
    return answer.get("history", [])


def _kinds(records: list[dict[str, Any]]) -> list[tuple[str, tuple[str, ...]]]:
    """Each record as its kind and the labels it changed."""
    return [
        (kind, tuple(entries[0].get("labelIds", ())))
        for record in records
        for kind, entries in record.items()
        if kind not in ("id", "messages")
    ]


@pytest.mark.parametrize(
    ("move", "before", "after", "kinds"),
    [
        ("trash", ["INBOX"], ["TRASH"], [("labelsAdded", ("TRASH",)), ("labelsRemoved", ("INBOX",))]),
        ("trash", ["SENT"], ["SENT", "TRASH"], [("labelsAdded", ("TRASH",))]),
        ("untrash", ["TRASH"], [], [("labelsRemoved", ("TRASH",))]),
        ("spam", ["INBOX"], ["SPAM"], [("labelsAdded", ("SPAM",)), ("labelsRemoved", ("INBOX",))]),
        ("to_inbox", ["SPAM"], ["INBOX"], [("labelsAdded", ("INBOX",)), ("labelsRemoved", ("SPAM",))]),
        ("archive", ["INBOX", "UNREAD"], ["UNREAD"], [("labelsRemoved", ("INBOX",))]),
        ("archive", ["UNREAD"], ["UNREAD"], []),
        ("delete", ["TRASH"], None, [("messagesDeleted", ())]),
    ],
)
def test_a_move_changes_labels_and_leaves_history(
    gmail: Any,
    sandbox: GoogleSandbox,
    move: str,
    before: list[str],
    after: list[str] | None,
    kinds: list[tuple[str, tuple[str, ...]]],
) -> None:
    message = sandbox.deliver(MAYA, letter(), labels=before)
    start = sandbox.mailbox(MAYA).history_id
    getattr(sandbox, move)(MAYA, message.id)
    assert _kinds(_records(gmail, start)) == kinds
    kept = sandbox.mailbox(MAYA).messages.get(message.id)
    assert (list(kept.labels) if kept else None) == after


def test_ids_grow_with_gaps_and_every_change_stamps_its_message(sandbox: GoogleSandbox) -> None:
    mailbox = sandbox.mailbox(MAYA)
    messages = [sandbox.deliver(MAYA, letter(f"Mail {n}")) for n in range(50)]
    ids = [change.id for change in mailbox.changes]
    assert ids == sorted(set(ids))
    assert ids[-1] - ids[0] > len(ids)
    sandbox.archive(MAYA, messages[0].id)
    assert messages[0].history_id == mailbox.history_id > messages[1].history_id
    assert all(len(message.id) == 16 and int(message.id, 16) for message in messages)


def test_history_can_be_narrowed_by_type_and_label(gmail: Any, sandbox: GoogleSandbox) -> None:
    start = sandbox.mailbox(MAYA).history_id
    inbox = sandbox.deliver(MAYA, letter("one"))
    sandbox.deliver(MAYA, letter("two"), labels=["SENT"])
    sandbox.archive(MAYA, inbox.id)
    added = _records(gmail, start, historyTypes=["messageAdded"])
    assert [kind for kind, _ in _kinds(added)] == ["messagesAdded", "messagesAdded"]
    in_inbox = _records(gmail, start, labelId="INBOX")
    assert [kind for kind, _ in _kinds(in_inbox)] == ["messagesAdded", "labelsRemoved"]
    both = _records(gmail, start, labelId="SENT", historyTypes=["messageAdded", "labelAdded"])
    assert [kind for kind, _ in _kinds(both)] == ["messagesAdded"]


def test_expired_history_answers_404(gmail: Any, sandbox: GoogleSandbox) -> None:
    start = sandbox.mailbox(MAYA).history_id
    sandbox.deliver(MAYA, letter())
    sandbox.expire_history(MAYA)
    with pytest.raises(HttpError) as expired:
        _records(gmail, start)
    assert expired.value.status_code == 404
    assert expired.value.reason == "Requested entity was not found."
    sandbox.deliver(MAYA, letter())
    sandbox.expire_history(MAYA, below=sandbox.mailbox(MAYA).history_id)
    assert _records(gmail, sandbox.mailbox(MAYA).history_id) == []


def test_a_starting_point_in_the_future_answers_404(gmail: Any, sandbox: GoogleSandbox) -> None:
    with pytest.raises(HttpError) as invalid:
        _records(gmail, sandbox.mailbox(MAYA).history_id + 1)
    assert invalid.value.status_code == 404


def test_a_conversation_needs_the_reference_and_the_subject(sandbox: GoogleSandbox) -> None:
    first = sandbox.deliver(MAYA, letter("Prices"))
    reference = first.mail.envelope.message_id
    reply = sandbox.deliver(MAYA, letter("RE: Prices", in_reply_to=reference))
    other_subject = sandbox.deliver(MAYA, letter("Lunch", in_reply_to=reference))
    no_reference = sandbox.deliver(MAYA, letter("Re: Prices"))
    assert reply.thread_id == first.thread_id == first.id
    assert other_subject.thread_id == other_subject.id
    assert no_reference.thread_id == no_reference.id


def test_what_the_rep_sends_reaches_other_mailboxes_without_bcc(sandbox: GoogleSandbox) -> None:
    raw = letter(
        "Note", from_address=MAYA, to=f"priya@lighthouse.example, {OMAR}", bcc="maya.private@gmail.com"
    )
    sent = sandbox.send(MAYA, raw)
    assert sent.labels == ("SENT",)
    assert b"Bcc" in sent.mail.raw
    for address in (OMAR, "maya.private@gmail.com"):
        (arrived,) = sandbox.mailbox(address).messages.values()
        assert arrived.labels == ("UNREAD", "INBOX")
        assert b"Bcc" not in arrived.mail.raw
        assert arrived.mail.envelope.message_id == sent.mail.envelope.message_id


def test_a_mail_to_oneself_is_one_message_in_both_places(sandbox: GoogleSandbox) -> None:
    sent = sandbox.send(MAYA, letter("Note", from_address=MAYA, to=MAYA))
    assert list(sandbox.mailbox(MAYA).messages) == [sent.id]
    assert set(sent.labels) == {"SENT", "INBOX", "UNREAD"}


def test_mail_to_an_alias_arrives(sandbox: GoogleSandbox) -> None:
    sandbox.deliver("Sales@Northwind.example", letter())
    assert len(sandbox.mailbox(MAYA).messages) == 1


def test_equal_bytes_are_held_once(sandbox: GoogleSandbox) -> None:
    raw = letter()
    first, second = sandbox.deliver(MAYA, raw), sandbox.deliver(OMAR, bytes(bytearray(raw)))
    assert first.mail is second.mail


def test_a_label_nobody_made_is_refused(sandbox: GoogleSandbox) -> None:
    with pytest.raises(ValueError, match="Invalid label: NOPE"):
        sandbox.deliver(MAYA, letter(), labels=["NOPE"])
    assert not sandbox.mailbox(MAYA).changes
