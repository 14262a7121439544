"""The search language of ``q``."""

import pytest

from postroom.sandbox.google import GoogleSandbox
from postroom.sandbox.google.query import Scene, parse

from .conftest import MAYA, letter

DAY = 86_400_000


@pytest.fixture
def box(sandbox: GoogleSandbox) -> GoogleSandbox:
    now = sandbox.clock.millis()
    mailbox = sandbox.mailbox(MAYA)
    label = mailbox.create_label("Key accounts")
    attached = [("offer.pdf", b"%PDF")]
    sandbox.deliver(MAYA, letter("Quarterly offer", attachments=attached), internal_date=now)
    sandbox.deliver(
        MAYA, letter("Lunch", text="the blue door"), ["INBOX", label], internal_date=now - 3 * DAY
    )
    sandbox.deliver(
        MAYA,
        letter("Sent one", from_address=MAYA, from_name="Maya", to="zoe@harbour.example"),
        ["SENT"],
        internal_date=now - 10 * DAY,
    )
    sandbox.deliver(MAYA, letter("Junk offer"), ["SPAM"], internal_date=now)
    sandbox.deliver(MAYA, letter("Bin"), ["TRASH"], internal_date=now)
    return sandbox


def _found(sandbox: GoogleSandbox, q: str) -> list[str]:
    """Subjects by date, newest first, as ``messages.list`` would give them."""
    mailbox, search = sandbox.mailbox(MAYA), parse(q)
    scene = Scene(mailbox, sandbox.views, sandbox.clock.now())
    return [
        message.mail.envelope.subject
        for message in mailbox.newest_first()
        if (search.opens_hidden or not {"SPAM", "TRASH"} & set(message.labels))
        and search.matches(scene, message)
    ]


@pytest.mark.parametrize(
    ("q", "subjects"),
    [
        ("", ["Quarterly offer", "Lunch", "Sent one"]),
        ("in:inbox", ["Quarterly offer", "Lunch"]),
        ("in:sent", ["Sent one"]),
        ("in:anywhere offer", ["Junk offer", "Quarterly offer"]),
        ("in:trash", ["Bin"]),
        ("is:unread", ["Quarterly offer"]),
        ("-is:unread", ["Lunch", "Sent one"]),
        ("is:read in:inbox", ["Lunch"]),
        ("label:key-accounts", ["Lunch"]),
        ("label:inbox", ["Quarterly offer", "Lunch"]),
        ("from:priya@lighthouse.example", ["Quarterly offer", "Lunch"]),
        ("from:lighthouse.example", ["Quarterly offer", "Lunch"]),
        ("-from:lighthouse.example", ["Sent one"]),
        ("from:me", ["Sent one"]),
        ("to:zoe@harbour.example", ["Sent one"]),
        ("subject:offer", ["Quarterly offer"]),
        ("subject:off", []),
        ('subject:"quarterly offer"', ["Quarterly offer"]),
        ("subject:(offer quarterly)", []),
        ('"blue door"', ["Lunch"]),
        ('"door blue"', []),
        ("newer_than:2d", ["Quarterly offer"]),
        ("older_than:2d", ["Lunch", "Sent one"]),
        ("newer_than:5d older_than:2d", ["Lunch"]),
        ("has:attachment", ["Quarterly offer"]),
        ("filename:pdf", ["Quarterly offer"]),
        ("after:2001/01/01", ["Quarterly offer", "Lunch", "Sent one"]),
        ("before:2001/1/1", []),
        ("smaller:1M", ["Quarterly offer", "Lunch", "Sent one"]),
        ("larger:1M", []),
    ],
)
def test_a_query_finds(box: GoogleSandbox, q: str, subjects: list[str]) -> None:
    assert sorted(_found(box, q)) == sorted(subjects)


def test_seconds_since_the_epoch(box: GoogleSandbox) -> None:
    now = int(box.clock.now())
    assert _found(box, f"after:{now - 4 * 86_400} before:{now - 86_400}") == ["Lunch"]


def test_a_message_by_its_message_id(box: GoogleSandbox) -> None:
    wanted = next(iter(box.mailbox(MAYA).messages.values()))
    assert _found(box, f"rfc822msgid:{wanted.mail.envelope.message_id}") == ["Quarterly offer"]
    assert _found(box, f"rfc822msgid:<{wanted.mail.envelope.message_id}>") == ["Quarterly offer"]
