"""Letting go of mail content: what is past the retention period (R-011), and bytes that nothing names.

Blobs are named by their content, so a pass may store again what is about to be deleted. Therefore bytes
are first doomed and deleted a day later, in a transaction that holds the row; and whoever stores bytes
asks afterwards, by ``reprieve``, whether they were deleted meanwhile.
"""

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction

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


_REPRIEVE = """
    delete from crm_doomedblob where id in (
        select id from crm_doomedblob where account_id = %s and blob = any(%s) order by id for update
    ) returning blob, deleted_at
"""


def reprieve(account_id: int, blobs: Collection[str]) -> set[str]:
    """Take back the doom of bytes just stored; returns those that were deleted and must be stored again."""
    with connection.cursor() as cursor:
        cursor.execute(_REPRIEVE, [account_id, list(blobs)])
        return {blob for blob, deleted_at in cursor.fetchall() if deleted_at}


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
