"""Letting go of mail content: what is past the retention period (R-011), and bytes that nothing names.

Blobs are named by their content, so a pass may store again what is about to be deleted. Therefore bytes
are first doomed and deleted a day later, in a transaction that holds the row; whoever stores bytes asks
afterwards, by ``hold``, whether they were deleted meanwhile, and has a day to name them.
"""

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta

from django.db import transaction

from postroom.crm.models import Attachment, DoomedBlob, MessageBody, StoredMessage
from postroom.organisations.models import Account

GRACE = timedelta(days=1)
BATCH = 100
"""Mails, or blobs, handled in one transaction."""


def keeps_content(retention_days: int, happened_at: datetime) -> bool:
    """Whether a mail of that time is within the period; 0 days keep everything."""
    return not retention_days or happened_at > datetime.now(UTC) - timedelta(days=retention_days)


@transaction.atomic
def drop_content(account: Account, before: datetime) -> int:
    """Delete bodies and attachments of some mails older than that; returns of how many, 0 when done.

    Names and sizes of the attachments stay, with the reason why there is no more.
    """
    old = StoredMessage.objects.filter(
        account=account, content_deleted_at=None, happened_at__lte=before
    ).order_by("pk")
    ids = list(old.select_for_update(no_key=True, skip_locked=True).values_list("pk", flat=True)[:BATCH])
    MessageBody.objects.filter(account=account, message__in=ids).delete()
    attachments = Attachment.objects.filter(account=account, message__in=ids).exclude(blob="")
    doom(account.pk, attachments.values_list("blob", flat=True))
    reason = f"Deleted after the retention period of {account.retention_days} days."
    attachments.update(blob="", reason=reason)
    StoredMessage.objects.filter(account=account, pk__in=ids).update(content_deleted_at=datetime.now(UTC))
    return len(ids)


def doom(account_id: int, blobs: Collection[str]) -> None:
    """Mark bytes for deletion, once nothing names them."""
    DoomedBlob.objects.bulk_create(
        (DoomedBlob(account_id=account_id, blob=blob) for blob in sorted(set(blobs))), ignore_conflicts=True
    )


@transaction.atomic
def hold(account_id: int, blobs: Collection[str]) -> set[str]:
    """Keep bytes just stored for a day, in which a commit may ``claim`` them.

    So bytes that no commit comes to name, after a crash or a removal, go by themselves. Returns those
    that were deleted while they were being stored, and must be stored again.
    """
    rows = DoomedBlob.objects.filter(account_id=account_id, blob__in=blobs).order_by("blob")
    lost = {row.blob for row in rows.select_for_update() if row.deleted_at}
    DoomedBlob.objects.bulk_create(
        (DoomedBlob(account_id=account_id, blob=blob) for blob in sorted(blobs)),
        update_conflicts=True,
        unique_fields=["account", "blob"],
        update_fields=["doomed_at", "deleted_at"],
    )
    return lost


def claim(account_id: int, blobs: Collection[str]) -> None:
    """Take back the doom of bytes that are now named; in the transaction that names them."""
    rows = DoomedBlob.objects.filter(account_id=account_id, blob__in=blobs).order_by("blob")
    taken = list(rows.select_for_update().values_list("pk", flat=True))
    DoomedBlob.objects.filter(pk__in=taken).delete()


@transaction.atomic
def delete_doomed(delete: Callable[[int, str], None], now: datetime) -> int:
    """Delete some bytes whose day has come, by ``delete``; returns how many rows are done, 0 at the end."""
    due = DoomedBlob.objects.filter(doomed_at__lte=now - GRACE, deleted_at=None).order_by("pk")
    rows = list(due.select_for_update(skip_locked=True)[:BATCH])
    for row in rows:
        if Attachment.objects.filter(account_id=row.account_id, blob=row.blob).exists():
            row.delete()
        else:
            delete(row.account_id, row.blob)
            row.deleted_at = now
            row.save(update_fields=["deleted_at"])
    return len(rows)


def forget_doomed(now: datetime) -> None:
    """Remove the rows of bytes deleted long ago: no pass that stored them meanwhile is still under way."""
    DoomedBlob.objects.filter(deleted_at__lte=now - GRACE).delete()
