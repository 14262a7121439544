"""R-006: copies of one mail are one, and a reused Message-ID does not merge two."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from postroom.mail.message import Address, Message
from postroom.policy.identity import conversation, identity

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
MAIL = Message(
    id="1",
    thread="t",
    message_id="a@b",
    date=NOON,
    received_at=NOON,
    from_=Address("Carol@x.example", "Carol", "carol@x.example"),
)


def test_copies_in_two_mailboxes_are_the_same_mail():
    copy = replace(MAIL, id="9", received_at=NOON + timedelta(seconds=3))
    assert identity(MAIL, "gmail:rita") == identity(copy, "gmail:sam")


def test_a_reused_message_id_needs_date_and_sender_to_agree():
    later = replace(MAIL, date=NOON + timedelta(seconds=1))
    other = replace(MAIL, from_=Address("dan@x.example", "", "dan@x.example"))
    assert len({identity(mail, "m") for mail in (MAIL, later, other)}) == 3


def test_without_message_id_date_or_sender_each_copy_stands_alone():
    for lacking in (replace(MAIL, message_id=""), replace(MAIL, date=None), replace(MAIL, from_=None)):
        assert identity(lacking, "gmail:rita") != identity(lacking, "gmail:sam")
        assert identity(lacking, "gmail:rita") != identity(replace(lacking, id="2"), "gmail:rita")
        assert identity(lacking, "gmail:rita") == identity(lacking, "gmail:rita")


def test_replies_share_the_conversation_of_the_first_mail():
    reply = replace(MAIL, message_id="c@d", in_reply_to="a@b")
    later = replace(MAIL, message_id="e@f", in_reply_to="c@d", references=("a@b", "c@d"))
    assert len({conversation(mail, "x") for mail in (MAIL, reply, later)}) == 1
    assert conversation(replace(MAIL, message_id=""), "fallback") == "fallback"
