"""Enforcing the retention period of every account (R-011)."""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from postroom.connector.audit import record
from postroom.connector.models import AuditArea
from postroom.crm.retention import delete_doomed, drop_content, forget_doomed
from postroom.organisations.models import Account
from postroom.vault.blobs import BlobStore

log = logging.getLogger(__name__)

UNFINISHED_FOR = timedelta(days=1)
"""No attachment takes so long to come in."""


def enforce_retention(blobs: BlobStore) -> int:
    """Delete what is past its account's period; returns the number of mails that lost their content."""
    dropped = sum(map(_drop_old, Account.objects.filter(retention_days__gt=0).order_by("pk")))
    _delete_blobs(blobs)
    return dropped


def _drop_old(account: Account) -> int:
    before = datetime.now(UTC) - timedelta(days=account.retention_days)
    dropped = sum(_until_none(lambda: drop_content(account, before)))
    if dropped:
        mails = "1 mail" if dropped == 1 else f"{dropped} mails"
        said = f"Deleted body and attachments of {mails} older than {account.retention_days} days."
        log.info("Account %s: %s", account.pk, said)
        record(account, None, AuditArea.RETENTION, said, after={"mails": dropped})
    return dropped


def _delete_blobs(blobs: BlobStore) -> None:
    now = datetime.now(UTC)

    def delete(account_id: int, blob: str) -> None:
        try:
            blobs.delete(account_id, blob)
        except FileNotFoundError:
            log.info("Blob %s of account %s was gone already.", blob, account_id)

    deleted = sum(_until_none(lambda: delete_doomed(delete, now)))
    forget_doomed(now)
    if swept := blobs.sweep(now - UNFINISHED_FOR):
        log.info("Deleted %s files that processes which ended had not finished.", swept)
    if deleted:
        log.info("Deleted %s blobs that no attachment names.", deleted)


def _until_none(work: Callable[[], int]) -> Iterator[int]:
    """The counts of one transaction after another, until one has nothing left to do."""
    while count := work():
        yield count
