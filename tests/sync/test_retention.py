"""Retention over real bytes, and in a pass (R-011)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings as django_settings

from postroom.connector.models import AuditArea, AuditEntry
from postroom.crm.models import Activity, Attachment, DoomedBlob, MessageBody, StoredMessage
from postroom.sync.retention import enforce_retention
from postroom.vault.blobs import BlobStore
from tests.mails import mail
from tests.sync.test_passes import RITA

PDF = b"%PDF-1.7\n".ljust(50_000, b"x")


@pytest.fixture
def blobs() -> BlobStore:
    return BlobStore(django_settings.POSTROOM.blob_url)


def test_r011_what_is_past_its_time_goes_and_the_trail_says_so(google, mailbox, account, carol, sync, blobs):
    google.deliver(RITA, mail(attachments=(("plan.pdf", "application/pdf", PDF),)))
    sync(mailbox)
    blob = Attachment.objects.get().blob
    assert enforce_retention(blobs) == 0
    StoredMessage.objects.update(happened_at=datetime.now(UTC) - timedelta(days=366))
    assert enforce_retention(blobs) == 1
    assert not MessageBody.objects.exists()
    assert Activity.objects.count() == 1
    entry = AuditEntry.objects.get(area=AuditArea.RETENTION)
    assert entry.said == "Deleted body and attachments of 1 mail older than 365 days."
    assert list(blobs.read(account.pk, blob))
    DoomedBlob.objects.update(doomed_at=datetime.now(UTC) - timedelta(days=2))
    enforce_retention(blobs)
    with pytest.raises(KeyError):
        blobs.read(account.pk, blob)
    assert AuditEntry.objects.filter(area=AuditArea.RETENTION).count() == 1


def test_r011_an_account_that_keeps_everything_is_left_alone(google, mailbox, account, carol, sync, blobs):
    account.retention_days = 0
    account.save()
    google.deliver(RITA, mail())
    sync(mailbox)
    StoredMessage.objects.update(happened_at=datetime(1999, 1, 1, tzinfo=UTC))
    assert enforce_retention(blobs) == 0
    assert MessageBody.objects.exists()


def test_r011_an_old_mail_that_is_imported_leaves_no_content_to_delete(google, mailbox, carol, sync):
    old = int((datetime.now(UTC) - timedelta(days=400)).timestamp() * 1000)
    google.deliver(RITA, mail(attachments=(("plan.pdf", "application/pdf", PDF),)), internal_date=old)
    sync(mailbox)
    message = Activity.objects.get().message
    assert set(message.details) == {"cc", "bcc", "subject"}
    assert not MessageBody.objects.exists()
    assert not Attachment.objects.exists()
