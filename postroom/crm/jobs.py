"""Work on leads that takes longer than a page may: imports."""

import logging
from typing import Any

from django.db import transaction
from procrastinate import JobContext, RetryStrategy
from procrastinate.contrib.django import app

from postroom.crm.importing import fail_import, forget_old_imports, run_import
from postroom.crm.models import LeadImport
from postroom.threads import in_thread

log = logging.getLogger(__name__)

ATTEMPTS = 5
SMALL = 200
"""Rows that are checked, or written, while the page waits."""


@app.task(
    name="import_leads",
    pass_context=True,
    retry=RetryStrategy(max_attempts=ATTEMPTS, exponential_wait=3),
)
async def import_leads(context: JobContext, import_id: int) -> None:
    """Check or write a file of leads; goes on where it broke off."""
    try:
        await in_thread(run_import, import_id)
    except Exception as error:
        if context.job.attempts + 1 >= ATTEMPTS:
            await in_thread(fail_import, import_id, type(error).__name__)
        raise


@app.periodic(cron="31 3 * * *")
@app.task(name="forget_old_imports", queueing_lock="forget_old_imports")
async def forget_imports(timestamp: int) -> None:
    """Delete what imports of a month ago hold."""
    await in_thread(forget_old_imports)


def import_soon(job: LeadImport) -> None:
    """Check or write the file: at once where it is small, else as a job."""
    if job.total <= SMALL:
        run_import(job.pk)
        job.refresh_from_db()
        return
    with transaction.atomic():
        deferred: Any = import_leads.configure(lock=f"import_leads:{job.pk}")
        deferred.defer(import_id=job.pk)
