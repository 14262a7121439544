"""The jobs that a worker runs, by Procrastinate on the same PostgreSQL.

A job is a nudge: what is to be done stands in the tables, so a lost or repeated job does no harm. The
lock keeps passes of one mailbox apart; the queueing lock makes a burst of pushes one pass.
"""

import logging
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction
from procrastinate import JobContext, RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Job, JobDeferrer, Status
from procrastinate.tasks import Task

from postroom.connector.models import Mailbox
from postroom.destinations.draining import Tools, drain
from postroom.destinations.leadsquared.mirror import due_mirrors, mirror
from postroom.destinations.ledger import due_destinations
from postroom.destinations.models import Destination
from postroom.destinations.outbox import queue_history, with_history
from postroom.destinations.tidying import tidy
from postroom.errors import AuthorizationLost, PostroomError
from postroom.organisations.models import User
from postroom.providers.registry import PROVIDERS
from postroom.sync.notices import (
    lose_authorization,
    send_access_notice,
    send_destination_notice,
    send_invitation,
    send_reconnect_notice,
    tell_of_trouble,
)
from postroom.sync.passes import run_pass
from postroom.sync.retention import enforce_retention
from postroom.sync.runtime import Runtime
from postroom.sync.sources import open_source
from postroom.threads import in_thread

log = logging.getLogger(__name__)

MailboxTask = Task[Any, Any, Any]
"""A task with one argument, ``mailbox_id``."""

WATCH_MARGIN = timedelta(days=6)
"""A watch lasts seven days and is to be renewed daily ("Push notifications" of the Gmail guides)."""
HEARTBEAT_SECONDS, STALLED_SECONDS = 3, 12
"""How often a worker says that it lives, and after what silence it counts as dead."""
SOON, IMPORT = 10, 0
"""Priorities: new mail goes before old."""
FAILED_JOBS_KEPT_HOURS = 7 * 24
TRIES = 5
"""How often a mailbox is tried to be connected while the provider cannot be asked."""


@app.task(name="sync_mailbox", pass_context=True)
async def sync_mailbox(context: JobContext, mailbox_id: int) -> None:
    """One pass over a mailbox; a mailbox with more to read queues up again behind the others."""
    runtime: Runtime = context.additional_context["runtime"]
    report = await run_pass(mailbox_id, runtime.session, runtime.blobs)
    if report.synced:
        await _deliver(await in_thread(due_destinations, datetime.now(UTC), mailbox_id))
    if report.unfinished:
        await _defer(sync_mailbox, mailbox_id, IMPORT)
    elif report.synced or report.skipped:
        await _look_again(mailbox_id)


@app.task(name="watch_mailbox", pass_context=True)
async def watch_mailbox(context: JobContext, mailbox_id: int) -> None:
    """Ask for, or renew, push notifications; without them polling goes on."""
    runtime: Runtime = context.additional_context["runtime"]
    mailbox = await Mailbox.objects.syncing().filter(pk=mailbox_id).afirst()
    if mailbox is None:
        return
    try:
        source = await open_source(mailbox, runtime.session)
        watch = await source.watch()
    except AuthorizationLost as error:
        await in_thread(lose_authorization, mailbox, str(error))
        return
    except PostroomError as error:
        log.warning("Mailbox %s gets no push notifications for now: %s", mailbox_id, error)
        return
    if watch:
        await Mailbox.objects.filter(pk=mailbox_id).aupdate(watch_expires_at=watch.expires_at)


@app.periodic(cron="* * * * * */10")
@app.task(name="poll_due", queueing_lock="poll_due")
async def poll_due(timestamp: int) -> None:
    """Queue the mailboxes whose next look has come: pushes can be lost."""
    due = await in_thread(_due)
    for mailbox_id in due:
        await _defer(sync_mailbox, mailbox_id)


@app.task(name="drain_destination", pass_context=True)
async def drain_destination(context: JobContext, destination_id: int) -> None:
    """Deliver what is due to a destination (R-084). One drain at a time holds it, so this needs no lock."""
    runtime: Runtime = context.additional_context["runtime"]
    report = await drain(destination_id, Tools(runtime.session, runtime.blobs, tell_of_trouble))
    if report.unfinished:
        await _deliver([destination_id])


@app.task(name="queue_history", lock="queue_history", queueing_lock="queue_history")
async def queue_earlier() -> None:
    """Queue the earlier activities that new destinations asked for."""
    for destination_id in await in_thread(with_history):
        while not await in_thread(queue_history, destination_id):
            pass


@app.task(name="mirror_destination", pass_context=True)
async def mirror_destination(context: JobContext, destination_id: int) -> None:
    """Read some of LeadSquared's leads into ours; one with more to read queues up again behind the others."""
    runtime: Runtime = context.additional_context["runtime"]
    if await mirror(destination_id, runtime.session):
        await _mirror([destination_id])


@app.periodic(cron="* * * * * */30")
@app.task(name="poll_mirrors", queueing_lock="poll_mirrors")
async def poll_mirrors(timestamp: int) -> None:
    """Queue a look at the leads of each destination that mirrors, every two minutes."""
    await _mirror(await in_thread(due_mirrors, datetime.now(UTC)))


@app.periodic(cron="* * * * * */5")
@app.task(name="poll_destinations", queueing_lock="poll_destinations")
async def poll_destinations(timestamp: int) -> None:
    """Queue a drain of each destination with something due, whoever made it so."""
    await _deliver(await in_thread(due_destinations, datetime.now(UTC)))
    if await in_thread(with_history):
        with suppress(AlreadyEnqueued):
            await queue_earlier.defer_async()


@app.periodic(cron="47 3 * * *")
@app.task(name="tidy_deliveries", queueing_lock="tidy_deliveries")
async def tidy_deliveries(timestamp: int) -> None:
    """Delete deliveries of more than 90 days ago, and what removed destinations leave."""
    await in_thread(tidy, datetime.now(UTC))


@app.task(name="tell_destination", retry=RetryStrategy(max_attempts=8, exponential_wait=5))
async def tell_destination(destination_id: int, user_id: int) -> None:
    """Send an administrator the notice that a destination takes nothing."""
    await in_thread(send_destination_notice, destination_id, user_id)


@app.periodic(cron="17 * * * *")
@app.task(name="renew_watches", queueing_lock="renew_watches")
async def renew_watches(timestamp: int) -> None:
    """Renew what expires within six days, that is daily."""
    for mailbox_id in await in_thread(_watch_expiring):
        await _defer(watch_mailbox, mailbox_id)


@app.periodic(cron="* * * * * */10")
@app.task(name="free_stalled", queueing_lock="free_stalled")
async def free_stalled(timestamp: int) -> None:
    """Queue the jobs of dead workers anew; left alone they would hold their locks for ever."""
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
        try:
            await _free(job)
        except ConnectorException as error:
            # Another worker was faster, or the job has ended after all.
            log.info("Job %s was not to be freed: %s", job.id, error)


async def _free(job: Job) -> None:
    task = {task.name: task for task in (sync_mailbox, watch_mailbox)}.get(job.task_name)
    if task is None:
        await app.job_manager.retry_job(job)
        return
    await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)
    await _defer(task, int(str(job.task_kwargs["mailbox_id"])))


@app.task(name="tell_reconnect", retry=RetryStrategy(max_attempts=8, exponential_wait=5))
async def tell_reconnect(mailbox_id: int, user_id: int) -> None:
    """Send one person the notice that a mailbox must be reconnected (R-065)."""
    await in_thread(send_reconnect_notice, mailbox_id, user_id)


@app.task(name="tell_access_lost", retry=RetryStrategy(max_attempts=8, exponential_wait=5))
async def tell_access_lost(mailbox_id: int, user_id: int) -> None:
    """Send an administrator the notice that what the organisation gave opens mailboxes no more."""
    await in_thread(send_access_notice, mailbox_id, user_id)


@app.task(name="connect_user", pass_context=True, retry=RetryStrategy(max_attempts=TRIES, exponential_wait=4))
async def connect_user(context: JobContext, item_id: int) -> None:
    """Connect one user's mailbox, as an administrator asked for."""
    # It queues passes, so it imports this.
    from postroom.sync.connecting_many import connect_item

    await in_thread(connect_item, item_id, last=context.job.attempts + 1 >= TRIES)


@app.task(name="disconnect_user", retry=RetryStrategy(max_attempts=TRIES, exponential_wait=4))
async def disconnect_user(item_id: int, user_id: int, deletes_mail: bool) -> None:
    """Remove a mailbox that was connected so; ``user_id`` is who wants it."""
    from postroom.sync.connecting_many import disconnect_item

    await in_thread(disconnect_item, item_id, user_id, deletes_mail=deletes_mail)


@app.task(name="tell_invited", retry=RetryStrategy(max_attempts=8, exponential_wait=5))
async def tell_invited(user_id: int) -> None:
    """Send the mail that invites a user."""
    await in_thread(send_invitation, user_id)


@app.periodic(cron="41 2 * * *")
@app.task(name="enforce_retention", queueing_lock="enforce_retention", pass_context=True)
async def keep_retention(context: JobContext, timestamp: int) -> None:
    """Delete bodies and attachments past the retention period (R-011)."""
    runtime: Runtime = context.additional_context["runtime"]
    await in_thread(enforce_retention, runtime.blobs)


@app.periodic(cron="11 3 * * *")
@app.task(name="forget_failed_jobs", queueing_lock="forget_failed_jobs")
async def forget_failed_jobs(timestamp: int) -> None:
    """Delete jobs that failed a week ago; what was to be done has long been done by others."""
    await app.job_manager.delete_old_jobs(
        FAILED_JOBS_KEPT_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
    )


@app.periodic(cron="23 3 * * *")
@app.task(name="forget_sessions", queueing_lock="forget_sessions")
async def forget_sessions(timestamp: int) -> None:
    """Delete sessions that have ended: nobody else does."""
    await in_thread(SessionStore.clear_expired)


def sync_soon(mailbox: Mailbox) -> None:
    """Queue a pass over the mailbox; with the caller's transaction, where there is one."""
    _queue(sync_mailbox, mailbox.pk)


def watch_soon(mailbox: Mailbox) -> None:
    """Queue the request for push notifications."""
    _queue(watch_mailbox, mailbox.pk)


def tell_soon(mailbox: Mailbox, user: User) -> None:
    """Queue the notice that the mailbox must be reconnected; with the caller's transaction."""
    tell_reconnect.defer(mailbox_id=mailbox.pk, user_id=user.pk)


def invite_soon(user: User) -> None:
    """Queue the mail that invites a user; with the caller's transaction."""
    tell_invited.defer(user_id=user.pk)


def deliver_soon(destination: Destination) -> None:
    """Queue a drain, ahead of those that nobody waits for; with the caller's transaction."""
    with suppress(AlreadyEnqueued), transaction.atomic():
        _drain_job(destination.pk, SOON).defer(destination_id=destination.pk)


def _queue(task: MailboxTask, mailbox_id: int) -> None:
    with suppress(AlreadyEnqueued), transaction.atomic():
        _job(task, mailbox_id, SOON).defer(mailbox_id=mailbox_id)


async def _defer(task: MailboxTask, mailbox_id: int, priority: int = SOON) -> None:
    with suppress(AlreadyEnqueued):
        await _job(task, mailbox_id, priority).defer_async(mailbox_id=mailbox_id)


async def _mirror(destinations: Iterable[int]) -> None:
    for destination_id in destinations:
        name = f"mirror_destination:{destination_id}"
        with suppress(AlreadyEnqueued):
            await mirror_destination.configure(lock=name, queueing_lock=name, priority=IMPORT).defer_async(
                destination_id=destination_id
            )


async def _deliver(destinations: Iterable[int]) -> None:
    for destination_id in destinations:
        with suppress(AlreadyEnqueued):
            await _drain_job(destination_id, IMPORT).defer_async(destination_id=destination_id)


def _drain_job(destination_id: int, priority: int) -> JobDeferrer:
    return drain_destination.configure(queueing_lock=f"drain_destination:{destination_id}", priority=priority)


async def _look_again(mailbox_id: int) -> None:
    """Queue one more look shortly after mail came.

    Gmail sends at most one notification a second and user and drops the rest ("Push notifications" of the
    Gmail guides): of two mails in one second, the second would else wait for the next poll.
    """
    with suppress(AlreadyEnqueued):
        await sync_mailbox.configure(
            lock=_lock(sync_mailbox, mailbox_id),
            queueing_lock=f"look_again:{mailbox_id}",
            priority=SOON,
            schedule_in={"milliseconds": 1500},
        ).defer_async(mailbox_id=mailbox_id)


def _job(task: MailboxTask, mailbox_id: int, priority: int) -> JobDeferrer:
    name = _lock(task, mailbox_id)
    return task.configure(lock=name, queueing_lock=name, priority=priority)


def _lock(task: MailboxTask, mailbox_id: int) -> str:
    return f"{task.name}:{mailbox_id}"


def _due() -> list[int]:
    """Who has waited longest comes first, so that none is left out when very many are due."""
    due = Mailbox.objects.due(datetime.now(UTC)).order_by("next_sync_at")
    return list(due.values_list("pk", flat=True)[:5000])


def _watch_expiring() -> list[int]:
    expiring = Mailbox.objects.watch_expiring(datetime.now(UTC) + WATCH_MARGIN)
    # Where there is no push, asking every mailbox every hour would change nothing.
    pushing = [name for name, provider in PROVIDERS.items() if provider.pushes(settings.POSTROOM)]
    return list(expiring.filter(provider__in=pushing).values_list("pk", flat=True))
