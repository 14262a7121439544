"""What a mailbox leaves behind when it is removed: rows that name it, cleared in batches by a job.

The mailbox itself is gone at once, and no other ever has its number, so that nothing depends on when this is
done. A journal row stays, as it stood; what was processed is forgotten.
"""

from django.db import transaction

from postroom.connector.models import JournalEntry, ProcessedMail

BATCH = 5_000
"""Rows of one transaction."""


def sweep(account_id: int, mailbox_id: int) -> None:
    """Clear all of it; where it broke off, another call goes on."""
    while _forget_processed(account_id, mailbox_id):
        pass
    while _clear_journal(account_id, mailbox_id):
        pass


@transaction.atomic
def _forget_processed(account_id: int, mailbox_id: int) -> int:
    rows = ProcessedMail.objects.filter(account_id=account_id, mailbox_id=mailbox_id)
    some = rows.order_by("provider_id").values("pk")[:BATCH]
    return ProcessedMail.objects.filter(account_id=account_id, pk__in=some).delete()[0]


@transaction.atomic
def _clear_journal(account_id: int, mailbox_id: int) -> int:
    rows = JournalEntry.objects.filter(account_id=account_id, mailbox_id=mailbox_id)
    some = rows.order_by("pk").values("pk")[:BATCH]
    return JournalEntry.objects.filter(account_id=account_id, pk__in=some).update(mailbox=None)
