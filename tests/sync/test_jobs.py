"""Jobs around the pass: freeing a dead worker's, renewing push, and putting off what fails."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.db import connection
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import ConnectorException

from postroom.config import Config
from postroom.connector import mailboxes
from postroom.connector.models import Mailbox, MailboxState, Provider
from postroom.crm.models import Activity, StoredMessage
from postroom.errors import CursorExpired, Misconfigured
from postroom.providers.base import Consent, Cursor, Page
from postroom.providers.gmail.source import GmailSource
from postroom.sync import connecting, jobs, passes
from postroom.sync.runtime import open_runtime
from tests.mails import mail
from tests.sync.conftest import token_set
from tests.sync.test_passes import RITA


@pytest.fixture(autouse=True)
def empty_queue(transactional_db) -> None:
    with connection.cursor() as cursor:
        cursor.execute("truncate procrastinate_jobs, procrastinate_workers cascade")


def run(work) -> None:
    async def main() -> None:
        worker = app.connector.get_worker_connector()
        with app.replace_connector(worker):
            async with app.open_async(), open_runtime() as runtime:
                await work(SimpleNamespace(additional_context={"runtime": runtime}))

    asyncio.run(main())


def with_topic() -> Config:
    return replace(django_settings.POSTROOM, google_topic="projects/p/topics/t")


def held_by_the_dead(task: str, **args: int) -> None:
    """A job that a worker took and never finished."""
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into procrastinate_jobs (task_name, queue_name, lock, args, status)"
            " values (%s, 'default', %s, %s::jsonb, 'doing')",
            [task, f"{task}:{args.get('mailbox_id', '')}", str(args).replace("'", '"')],
        )


def queued() -> list[tuple[str, dict[str, int]]]:
    found = ProcrastinateJob.objects.filter(status="todo").order_by("task_name")
    return [(job.task_name, job.args) for job in found]


def test_r007_jobs_of_a_worker_that_was_killed_are_queued_anew(google, mailbox):
    held_by_the_dead("sync_mailbox", mailbox_id=mailbox.pk)
    held_by_the_dead("tell_reconnect", mailbox_id=mailbox.pk, user_id=mailbox.user_id)

    run(lambda _: jobs.free_stalled(0))
    assert queued() == [
        ("sync_mailbox", {"mailbox_id": mailbox.pk}),
        ("tell_reconnect", {"mailbox_id": mailbox.pk, "user_id": mailbox.user_id}),
    ]
    assert not ProcrastinateJob.objects.filter(status="doing").exists()


def test_a_job_that_waits_already_is_not_queued_twice(google, mailbox):
    held_by_the_dead("sync_mailbox", mailbox_id=mailbox.pk)
    jobs.sync_soon(mailbox)
    run(lambda _: jobs.free_stalled(0))
    assert queued() == [("sync_mailbox", {"mailbox_id": mailbox.pk})]


def test_one_job_that_cannot_be_freed_does_not_hold_up_the_others(google, mailbox, monkeypatch):
    held_by_the_dead("enforce_retention", timestamp=1)
    held_by_the_dead("sync_mailbox", mailbox_id=mailbox.pk)

    async def fail(job: object, **_: object) -> None:
        raise ConnectorException

    monkeypatch.setattr(app.job_manager, "retry_job", fail)
    run(lambda _: jobs.free_stalled(0))
    assert queued() == [("sync_mailbox", {"mailbox_id": mailbox.pk})]


def test_r065_a_watch_that_is_refused_for_good_is_a_lost_authorisation(google, mailbox, settings):
    settings.POSTROOM = with_topic()
    google.revoke(RITA)
    run(lambda context: jobs.watch_mailbox(context, mailbox.pk))
    mailbox.refresh_from_db()
    assert mailbox.state == MailboxState.RECONNECT


def test_a_watch_that_fails_for_now_is_asked_for_again(google, mailbox, settings, monkeypatch):
    monkeypatch.setattr("postroom.providers.http.PATIENCE", 0.0)
    settings.POSTROOM = with_topic()
    google.fault("error", status=429, reason="rateLimitExceeded", retry_after=600, method="watch", times=None)
    run(lambda context: jobs.watch_mailbox(context, mailbox.pk))
    mailbox.refresh_from_db()
    assert (mailbox.state, mailbox.watch_expires_at) == (MailboxState.ACTIVE, None)
    assert list(Mailbox.objects.watch_expiring(datetime.now(UTC))) == [mailbox]


def test_a_watch_that_the_project_is_not_set_up_for_fails_no_job(google, mailbox, settings, monkeypatch):
    async def not_enabled(_: GmailSource) -> None:
        raise Misconfigured("The Gmail API is not enabled in this project.")

    settings.POSTROOM = with_topic()
    monkeypatch.setattr(GmailSource, "watch", not_enabled)
    run(lambda context: jobs.watch_mailbox(context, mailbox.pk))
    mailbox.refresh_from_db()
    assert (mailbox.state, mailbox.watch_expires_at) == (MailboxState.ACTIVE, None)


def test_a_fault_of_our_own_is_noted_and_the_mailbox_put_off(google, mailbox, carol, sync, monkeypatch):
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    google.deliver(RITA, mail())
    with monkeypatch.context() as patch:
        patch.setattr(passes, "commit", broken)
        with pytest.raises(ZeroDivisionError):
            sync(mailbox)
    mailbox.refresh_from_db()
    assert "ZeroDivisionError" in mailbox.last_error
    assert mailbox.next_sync_at > datetime.now(UTC)
    sync(mailbox)
    assert (mailbox.failures, Activity.objects.count()) == (0, 1)


def test_r007_a_cursor_lost_after_a_long_import_hides_nothing_that_came_meanwhile(
    google, mailbox, carol, sync
):
    """The import went on for days; what came since its beginning was never listed."""
    now = datetime.now(UTC)
    began = now - timedelta(days=10)
    Mailbox.objects.update(activated_at=began, followed_at=began, last_sync_at=now)
    three_days_ago = int((now - timedelta(days=3)).timestamp() * 1000)
    google.deliver(RITA, mail(subject="meanwhile"), internal_date=three_days_ago)
    google.expire_history(RITA)
    sync(mailbox)
    assert StoredMessage.objects.get().subject == "meanwhile"


def test_r008_a_cursor_lost_in_the_midst_of_an_import_begins_the_import_anew(
    google, account, rita, carol, sync, monkeypatch
):
    google.add_account(RITA)
    now = datetime.now(UTC)
    for days in (1, 4, 9):
        when = int((now - timedelta(days=days)).timestamp() * 1000)
        google.deliver(RITA, mail(subject=f"{days} days ago"), internal_date=when)
    mailbox = mailboxes.connect(rita, Provider.GMAIL, Consent(RITA, token_set(google, RITA)))
    connecting.activate(mailbox, import_days=7)
    real, lost = GmailSource.changes, []

    async def lose_once(source: GmailSource, cursor: Cursor) -> Page:
        if not lost:
            lost.append(cursor)
            raise CursorExpired
        return await real(source, cursor)

    monkeypatch.setattr(GmailSource, "changes", lose_once)
    sync(mailbox)
    assert sorted(StoredMessage.objects.values_list("subject", flat=True)) == ["1 days ago", "4 days ago"]
    assert mailbox.state == MailboxState.ACTIVE


def test_without_push_nobody_is_asked_to_renew_it(google, mailbox, settings):
    run(lambda _: jobs.renew_watches(0))
    assert queued() == []
    settings.POSTROOM = with_topic()
    run(lambda _: jobs.renew_watches(0))
    assert queued() == [("watch_mailbox", {"mailbox_id": mailbox.pk})]


def test_the_last_complete_look_moves_only_when_nothing_is_left(google, mailbox, carol, sync, monkeypatch):
    long_ago = datetime.now(UTC) - timedelta(days=5)
    Mailbox.objects.update(followed_at=long_ago)
    real = passes.Pass._next_page

    async def never_the_last(one: passes.Pass, cursor: Cursor) -> Page:
        page = await real(one, cursor)
        return Page(page.changes, page.cursor, more=True)

    with monkeypatch.context() as patch:
        patch.setattr(passes.Pass, "_next_page", never_the_last)
        assert sync(mailbox).unfinished
    assert mailbox.followed_at == long_ago
    sync(mailbox)
    assert mailbox.followed_at > long_ago


def test_sessions_that_have_ended_are_deleted(transactional_db):
    now = datetime.now(UTC)
    Session.objects.create(session_key="ended", session_data="", expire_date=now - timedelta(days=1))
    Session.objects.create(session_key="lasts", session_data="", expire_date=now + timedelta(days=1))
    run(lambda _: jobs.forget_sessions(0))
    assert set(Session.objects.values_list("session_key", flat=True)) == {"lasts"}
