"""kill -9 at many points: what comes after loses nothing and doubles nothing (R-007)."""

import os
import signal
import subprocess
import sys
import time

import pytest
from django.conf import settings as django_settings
from django.db import connection

from postroom.connector.models import JournalEntry, Mailbox, ProcessedMail
from postroom.connector.policies import current_settings
from postroom.crm.models import Activity, Attachment, Lead, StoredMessage
from tests.mails import mail
from tests.sync.conftest import change_policy
from tests.sync.test_passes import RITA

MAILS = 160
ONE_PASS = """
import asyncio, sys, django
django.setup()
from django.conf import settings
from postroom.sync.passes import run_pass
from postroom.sync.runtime import open_runtime

async def main():
    async with open_runtime() as runtime:
        await run_pass(int(sys.argv[1]), runtime.session, runtime.blobs)

asyncio.run(main())
"""


def environment(google_url: str) -> dict[str, str]:
    database = connection.settings_dict
    return os.environ | {
        "DATABASE_URL": f"postgresql:///{database['NAME']}?host={database['HOST']}&user={database['USER']}",
        "POSTROOM_GOOGLE_URL": google_url,
        "POSTROOM_GMAIL_UNITS_PER_MINUTE": "0",
        "DJANGO_SETTINGS_MODULE": "postroom.site.settings",
        "POSTROOM_POLL_SECONDS": "1",
    }


def post(google) -> None:
    for number in range(MAILS):
        plan = b"%PDF-1.7\n" + bytes([number]) * 2000
        attachments = (("plan.pdf", "application/pdf", plan),) if number % 4 == 0 else ()
        google.deliver(
            RITA,
            mail(
                from_=f"Person {number % 40} <p{number % 40}@customer.example>",
                subject=f"mail {number}",
                message_id="" if number % 10 == 0 else None,
                attachments=attachments,
            ),
        )


def everything_is_there_once() -> None:
    assert ProcessedMail.objects.count() == MAILS
    assert StoredMessage.objects.count() == MAILS
    assert Activity.objects.count() == MAILS
    assert JournalEntry.objects.count() == MAILS
    assert Lead.objects.count() == 40
    assert Attachment.objects.exclude(blob="").count() == MAILS // 4
    assert JournalEntry.objects.filter(captured=True).count() == 40
    mailbox = Mailbox.objects.get()
    assert mailbox.synced_count == MAILS


def test_a_pass_that_is_killed_again_and_again(google, mailbox, account):
    change_policy(account, "inbound", capture=True)
    assert current_settings(account.pk).inbound.capture
    post(google)
    # Kill when the sandbox has answered so many more reads: before, inside and between the commits.
    for reads in (1, 7, 20, 3, 45, 12, 2, 30):
        process = start([sys.executable, "-c", ONE_PASS, str(mailbox.pk)], google)
        wait_for_reads(google, reads, process)
        process.send_signal(signal.SIGKILL)
        process.wait()
    finish = start([sys.executable, "-c", ONE_PASS, str(mailbox.pk)], google)
    assert finish.wait(60) == 0
    everything_is_there_once()


def test_a_worker_that_is_killed_and_another_that_takes_over(google, mailbox, account):
    change_policy(account, "inbound", capture=True)
    post(google)
    google.fault("latency", method="messages.get", seconds=0.02, times=None)
    first = start([sys.executable, "-m", "postroom", "worker"], google)
    wait_for_reads(google, 60, first)
    first.send_signal(signal.SIGKILL)
    first.wait()
    second = start([sys.executable, "-m", "postroom", "worker"], google)
    try:
        deadline = time.monotonic() + 90
        while ProcessedMail.objects.count() < MAILS and time.monotonic() < deadline:
            connection.close()
            time.sleep(0.2)
        everything_is_there_once()
    finally:
        second.terminate()
        assert second.wait(30) == 0


def start(command: list[str], google) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, env=environment(django_settings.POSTROOM.google_url))


def wait_for_reads(google, more: int, process: "subprocess.Popen[bytes]") -> None:
    """Until the sandbox has handed out so many more mails, or the process has ended."""
    calls = google.ledger.spent[RITA]["messages.get"]
    start = calls.requests
    deadline = time.monotonic() + 60
    while calls.requests < start + more and process.poll() is None:
        if time.monotonic() > deadline:
            pytest.fail("The pass does not read.")
        time.sleep(0.001)
