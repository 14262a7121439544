"""What becomes of attachments in a pass (R-041)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings as django_settings

from postroom.crm.models import Attachment, DoomedBlob
from postroom.crm.retention import doom
from postroom.policy.settings import AttachmentKind
from postroom.sync import passes
from postroom.sync.commit import Fenced, LeadsChanged
from postroom.sync.retention import enforce_retention
from postroom.vault.blobs import BlobStore
from tests.mails import mail
from tests.sync.conftest import change_policy
from tests.sync.test_passes import RITA, spent

PDF = b"%PDF-1.7\n".ljust(120_000, b"x")
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR".ljust(120_000, b"\x01")
EXE = b"MZ\x90\x00".ljust(120_000, b"\x02")


def stored(account) -> int:
    """How many bytes the blob store holds of the account."""
    store = BlobStore(django_settings.POSTROOM.blob_url)
    blobs = Attachment.objects.filter(account=account).exclude(blob="").values_list("blob", flat=True)
    return sum(len(piece) for blob in set(blobs) for piece in store.read(account.pk, blob))


def test_r041_a_kind_not_chosen_is_listed_with_the_reason_and_not_fetched(
    google, mailbox, account, carol, sync
):
    change_policy(account, "inbound", attachment_kinds=frozenset({AttachmentKind.PNG}))
    google.deliver(RITA, mail(attachments=(("plan.pdf", "application/pdf", PDF),)))
    sync(mailbox)
    row = Attachment.objects.get()
    assert (row.filename, row.blob, row.size) == ("plan.pdf", "", len(PDF))
    assert row.reason == "Attachments of the kind PDF are not captured."
    assert "messages.attachments.get" not in spent(google)


def test_r041_what_is_not_what_its_name_says_is_not_stored(google, mailbox, account, carol, sync):
    google.deliver(
        RITA,
        mail(
            attachments=(
                ("plan.pdf", "application/pdf", EXE),
                ("photo.png", "image/png", PNG),
                ("tool.exe", "application/x-msdownload", EXE),
            )
        ),
    )
    sync(mailbox)
    rows = {row.filename: row for row in Attachment.objects.all()}
    assert rows["photo.png"].blob
    assert rows["plan.pdf"].reason == "This is not the PDF file that its name says."
    assert rows["tool.exe"].reason == "Attachments of this kind are not captured."
    assert stored(account) == len(PNG)


def test_r041_a_file_without_a_telling_name_is_judged_by_its_content(google, mailbox, account, carol, sync):
    google.deliver(RITA, mail(attachments=(("scan", "application/octet-stream", PDF),)))
    sync(mailbox)
    assert stored(account) == len(PDF)


def test_r041_an_empty_attachment_is_listed(google, mailbox, carol, sync):
    google.deliver(RITA, mail(attachments=(("notes.pdf", "application/pdf", b""),)))
    sync(mailbox)
    assert Attachment.objects.get().blob == ""


@pytest.mark.parametrize("is_deleted", [False, True])
def test_bytes_that_were_doomed_are_there_when_a_new_mail_names_them(
    google, mailbox, account, carol, sync, is_deleted
):
    google.deliver(RITA, mail(attachments=(("plan.pdf", "application/pdf", PDF),)))
    sync(mailbox)
    blob = Attachment.objects.get().blob
    Attachment.objects.all().delete()
    doom(account.pk, [blob])
    if is_deleted:
        BlobStore(django_settings.POSTROOM.blob_url).delete(account.pk, blob)
        DoomedBlob.objects.update(deleted_at=datetime.now(UTC))
    google.deliver(RITA, mail(attachments=(("again.pdf", "application/pdf", PDF),)))
    sync(mailbox)
    assert stored(account) == len(PDF)
    assert not DoomedBlob.objects.exists()


def test_bytes_of_a_mail_that_could_not_be_written_go_by_themselves(
    google, mailbox, account, carol, sync, monkeypatch
):
    def fenced(*_: object) -> None:
        raise Fenced

    monkeypatch.setattr(passes, "commit", fenced)
    google.deliver(RITA, mail(attachments=(("plan.pdf", "application/pdf", PDF),)))
    sync(mailbox)
    assert not Attachment.objects.exists()
    [doomed] = DoomedBlob.objects.all()
    blobs = BlobStore(django_settings.POSTROOM.blob_url)
    assert sum(map(len, blobs.read(account.pk, doomed.blob))) == len(PDF)
    DoomedBlob.objects.update(doomed_at=datetime.now(UTC) - timedelta(days=2))
    enforce_retention(blobs)
    with pytest.raises(KeyError):
        blobs.read(account.pk, doomed.blob)


def test_leads_that_change_while_a_mail_is_filed_cost_no_second_download(
    google, mailbox, account, carol, sync, monkeypatch
):
    real, turns = passes.commit, []

    def changing(*args):
        turns.append(1)
        if len(turns) < 3:
            raise LeadsChanged
        return real(*args)

    monkeypatch.setattr(passes, "commit", changing)
    google.deliver(RITA, mail(attachments=(("plan.pdf", "application/pdf", PDF),)))
    sync(mailbox)
    assert stored(account) == len(PDF)
    assert spent(google)["messages.attachments.get"] == 1


def test_leads_that_never_stop_changing_are_left_to_the_next_pass(google, mailbox, carol, sync, monkeypatch):
    def changing(*args):
        raise LeadsChanged

    google.deliver(RITA, mail())
    with monkeypatch.context() as patch:
        patch.setattr(passes, "commit", changing)
        sync(mailbox)
    assert mailbox.failures == 1
    assert "judge it again" in mailbox.last_error
    sync(mailbox)
    assert mailbox.synced_count == 1


def test_a_blob_store_that_takes_nothing_is_told_and_nothing_is_lost(
    google, mailbox, account, carol, sync, monkeypatch
):
    google.deliver(RITA, mail(attachments=(("photo.png", "image/png", PNG),)))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("postroom.vault.blobs.obstore.open_writer_async", full)
        sync(mailbox)
    assert "No space left on device" in mailbox.last_error
    assert "Attachments cannot be stored" in mailbox.last_error
    assert spent(google).get("messages.attachments.get", 0) <= 1, "it is not fetched again and again"
    sync(mailbox)
    assert (mailbox.last_error, stored(account)) == ("", len(PNG))
