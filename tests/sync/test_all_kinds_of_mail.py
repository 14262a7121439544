"""Real, odd and hostile mail through the whole path: the mailbox goes on, and every mail is accounted for."""

import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postroom.connector.models import JournalEntry, ProcessedMail
from postroom.crm.models import Activity, Attachment, MessageBody, StoredMessage
from postroom.policy.settings import AttachmentKind, Field
from tests.mails import mail
from tests.sync.conftest import change_policy

RITA = "rita@northwind.example"
HEAD = (
    b"From: Carol <carol@customer.example>\r\nTo: rita@northwind.example\r\n"
    b"Message-ID: <%b@tests.example>\r\n"
)


@pytest.fixture
def open_policy(account) -> None:
    """Whoever stands anywhere on a mail becomes a lead, and every kind of attachment is kept."""
    change_policy(
        account,
        "inbound",
        capture=True,
        capture_from=frozenset({Field.FROM, Field.TO, Field.CC}),
        attachment_kinds=frozenset(AttachmentKind),
    )


def nested(depth: int) -> bytes:
    opening = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level)
        for level in range(depth)
    )
    return HEAD % b"nested" + opening + b"Content-Type: text/plain\r\n\r\ndeep\r\n"


def test_every_mail_of_the_corpus_is_accounted_for(google, mailbox, open_policy, sync, corpus: Path):
    count = google.load(RITA, corpus / "mail")
    assert count > 100
    sync(mailbox)
    entries = JournalEntry.objects.filter(mailbox=mailbox)
    assert entries.values("provider_id").distinct().count() == count
    assert ProcessedMail.objects.filter(mailbox=mailbox).count() == count
    assert mailbox.synced_count + mailbox.skipped_count == count
    assert mailbox.last_error == ""
    assert not entries.filter(reason__contains="failed to read").exists()
    before = (Activity.objects.count(), entries.count())
    sync(mailbox)
    assert before == (Activity.objects.count(), entries.count())


def test_odd_mail_becomes_an_activity_like_any_other(google, mailbox, open_policy, sync):
    large = bytes(range(256)) * 80_000
    odd = {
        "a large attachment": mail(attachments=(("plan.bin.zip", "application/zip", b"PK\x03\x04" + large),)),
        "many recipients": mail(to=", ".join(f"Guest {n} <guest{n}@fair.example>" for n in range(500))),
        "no message id": mail(message_id="", subject="no message id"),
        "8-bit header": HEAD % b"eight" + "Subject: Grüße aus Köln\r\n\r\nHallo\r\n".encode("latin-1"),
        "the year 1970": mail(date=datetime(1970, 1, 1, tzinfo=UTC), subject="the year 1970"),
        "the year 2100": mail(date=datetime(2100, 12, 31, tzinfo=UTC), subject="the year 2100"),
        "no date": HEAD % b"dateless" + b"Subject: no date\r\n\r\nHello\r\n",
        "a bomb": mail(
            attachments=(("bomb.zip", "application/zip", b"PK\x03\x04" + zlib.compress(bytes(10**8))),)
        ),
    }
    for raw in odd.values():
        google.deliver(RITA, raw)
    sync(mailbox)
    outcomes = set(JournalEntry.objects.values_list("outcome", "rule"))
    assert outcomes == {("synced", "synced")}
    assert StoredMessage.objects.count() == len(odd)
    assert "Grüße aus Köln" in set(StoredMessage.objects.values_list("subject", flat=True))
    assert (
        Activity.objects.filter(message__to__contains=[["guest499@fair.example", "Guest 499"]]).count() == 501
    )
    assert Attachment.objects.filter(filename="plan.bin.zip").get().size == len(large) + 4


def test_hostile_mail_is_set_aside_with_its_reason_and_the_mailbox_goes_on(
    google, mailbox, open_policy, sync
):
    hostile = [
        HEAD % b"header" + b"X-Filler: " + b"x" * 2_000_000 + b"\r\n\r\nHello\r\n",
        HEAD % b"parts"
        + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        + b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n" * 3000
        + b"--b--\r\n",
    ]
    for raw in hostile:
        google.deliver(RITA, raw)
    google.deliver(RITA, mail(subject="the next"))
    sync(mailbox)
    aside = JournalEntry.objects.filter(outcome="set_aside")
    assert aside.count() == len(hostile), list(aside.values_list("reason", flat=True))
    assert all(row.reason.startswith("This mail") for row in aside)
    assert StoredMessage.objects.get().subject == "the next"
    assert mailbox.last_error == ""


def test_a_thousand_parts_inside_of_one_another_stop_nothing(google, mailbox, open_policy, sync):
    google.deliver(RITA, nested(1000))
    google.deliver(RITA, mail(subject="the next"))
    sync(mailbox)
    assert JournalEntry.objects.values("provider_id").distinct().count() == 2
    assert StoredMessage.objects.filter(subject="the next").exists()
    assert mailbox.last_error == ""


def test_the_body_of_a_damaged_mail_is_kept_as_far_as_it_reads(google, mailbox, open_policy, sync):
    damaged = HEAD % b"damaged" + (
        b"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: text/plain; charset=no-such-charset\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        b"SGVsbG8g!!!V29ybGQ\r\n"
    )
    google.deliver(RITA, damaged)
    sync(mailbox)
    assert "Hello" in MessageBody.objects.get().text
