"""Work on synced mail that takes longer than a page may: erasing a person, removing a rep's mail."""

from datetime import UTC, datetime

from django.conf import settings
from django.db import transaction
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from postroom.connector.erasing import FILES_GONE_AFTER, run_erasure
from postroom.connector.forgetting import run_removal
from postroom.connector.merging import forget_undo
from postroom.connector.sweeping import sweep
from postroom.crm.models import Erasure, MailRemoval
from postroom.crm.retention import delete_doomed
from postroom.threads import in_thread
from postroom.vault.blobs import BlobStore

_PATIENT = RetryStrategy(max_attempts=20, exponential_wait=2)


@app.task(name="erase_person", retry=_PATIENT)
async def erase_person(erasure_id: int) -> None:
    """Erase a person (R-083); their files follow once no pass under way can need them."""
    await in_thread(run_erasure, erasure_id)
    seconds = int(FILES_GONE_AFTER.total_seconds()) + 60
    await delete_files.configure(schedule_in={"seconds": seconds}).defer_async()


@app.task(name="delete_files", retry=_PATIENT)
async def delete_files() -> None:
    """Delete the bytes whose time has come."""
    await in_thread(_delete_files)


@app.task(name="remove_mail", retry=_PATIENT)
async def remove_mail(removal_id: int) -> None:
    """Take a rep's synced mail out of the CRM (R-063)."""
    await in_thread(run_removal, removal_id)


@app.task(name="sweep_mailbox", retry=_PATIENT)
async def sweep_mailbox(account_id: int, mailbox_id: int) -> None:
    """Clear what names a mailbox that was removed."""
    await in_thread(sweep, account_id, mailbox_id)


@app.periodic(cron="37 3 * * *")
@app.task(name="forget_undo", queueing_lock="forget_undo")
async def forget_old_merges(timestamp: int) -> None:
    """Drop what merges of more than 30 days ago would need to be undone (R-083)."""
    await in_thread(forget_undo, datetime.now(UTC))


def erase_soon(erasure: Erasure) -> None:
    """Queue an erasure; with the caller's transaction, where there is one."""
    with transaction.atomic():
        erase_person.configure(lock=f"erase_person:{erasure.pk}").defer(erasure_id=erasure.pk)


def remove_soon(removal: MailRemoval) -> None:
    """Queue the removal of a rep's mail."""
    with transaction.atomic():
        remove_mail.configure(lock=f"remove_mail:{removal.pk}").defer(removal_id=removal.pk)


def sweep_soon(account_id: int, mailbox_id: int) -> None:
    """Queue the clearing of what names a removed mailbox; with the caller's transaction."""
    with transaction.atomic():
        sweep_mailbox.configure(lock=f"sweep_mailbox:{mailbox_id}").defer(
            account_id=account_id, mailbox_id=mailbox_id
        )


def _delete_files() -> None:
    store = BlobStore(settings.POSTROOM.blob_url)

    def delete(account_id: int, blob: str) -> None:
        try:
            store.delete(account_id, blob)
        except FileNotFoundError:
            return

    while delete_doomed(delete, datetime.now(UTC)):
        pass
