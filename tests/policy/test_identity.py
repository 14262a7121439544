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


def test_the_digests_are_what_the_database_holds():
    assert identity(MAIL, "gmail:rita") == "5f8d1b6cfca587d84a49902c97db7ad6a7c1bd9b490bc4495fcd14be01a40eea"
    assert (
        identity(replace(MAIL, date=None), "gmail:rita")
        == "9f256f4777c7cbb68d5f93bc0cca93d250291c7f476a08ad0689ebf23f541241"
    )
    assert conversation(MAIL, "x") == "72ae8922504ba70cf28472a4e5922367ad2b53c42e2db2487a7992ae69b29d99"
    assert (
        identity(replace(MAIL, message_id="a\udc80b"), "m")
        == "4c604baa032c37e88c7c605df01c4c96408ad44055b015174e4741b7fb2579de"
    )


def test_a_reply_to_a_mail_without_references_is_of_its_conversation():
    assert conversation(replace(MAIL, message_id="c@d", in_reply_to="a@b"), "x") == conversation(MAIL, "x")
    assert conversation(replace(MAIL, message_id="", in_reply_to="a@b"), "x") == conversation(MAIL, "x")
    assert conversation(replace(MAIL, message_id="z@z"), "x") != conversation(MAIL, "x")


def test_replies_share_the_conversation_of_the_first_mail():
    reply = replace(MAIL, message_id="c@d", in_reply_to="a@b")
    later = replace(MAIL, message_id="e@f", in_reply_to="c@d", references=("a@b", "c@d"))
    assert len({conversation(mail, "x") for mail in (MAIL, reply, later)}) == 1
    assert conversation(replace(MAIL, message_id=""), "fallback") == "fallback"
