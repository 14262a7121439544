"""kill -9 of processes that drain, at many points: nothing is lost, nothing doubled beyond the promise."""

import os
import signal
import subprocess
import sys
from contextlib import suppress

import pytest
from django.conf import settings as django_settings
from django.db import connection

from postroom.crm.models import Lead
from postroom.destinations.models import Delivery, DeliveryAttempt, Destination
from postroom.destinations.registry import KINDS
from postroom.destinations.webhooks.destination import AT_ONCE
from tests.destinations.contract import drain_all, everything_arrived_once, of, posted
from tests.destinations.leadsquared.conftest import leadsquared, no_naps
from tests.destinations.leadsquared.test_contract import LeadSquaredDesk
from tests.destinations.room import Clock, post
from tests.destinations.webhooks.conftest import listener, webhook
from tests.destinations.webhooks.test_contract import WebhookDesk
from tests.sync.conftest import make_lead

__all__ = ["leadsquared", "listener", "no_naps", "webhook"]

ONE_DRAIN = """
import asyncio, sys, django
django.setup()
from datetime import UTC, datetime, timedelta
from django.conf import settings
from postroom.destinations.draining import Tools, drain
from postroom.providers.http import open_session
from postroom.vault.blobs import BlobStore

ahead = timedelta(seconds=float(sys.argv[2]))

async def main():
    async with open_session() as session:
        blobs = BlobStore(settings.POSTROOM.blob_url)
        tools = Tools(session, blobs, lambda _: None, lambda: datetime.now(UTC) + ahead)
        await drain(int(sys.argv[1]), tools)

asyncio.run(main())
"""
LEADS, MAILS = 30, 2
LEASE = 91
"""Seconds after which what a dead process held is free."""


def start(destination: Destination, clock: Clock) -> "subprocess.Popen[bytes]":
    database = connection.settings_dict
    environment = os.environ | {
        "DATABASE_URL": f"postgresql:///{database['NAME']}?host={database['HOST']}&user={database['USER']}",
        "DJANGO_SETTINGS_MODULE": "postroom.site.settings",
        "POSTROOM_WEBHOOK_ALLOW": "127.0.0.1",
        "POSTROOM_LEADSQUARED_URL": django_settings.POSTROOM.leadsquared_url,
    }
    arguments = [str(destination.pk), str(clock.ahead.total_seconds())]
    return subprocess.Popen([sys.executable, "-c", ONE_DRAIN, *arguments], env=environment)


def await_requests(stand_in, more: int, process: "subprocess.Popen[bytes]") -> None:
    """Until so many more requests have come, or the process has ended."""
    wanted = stand_in.received + more
    while stand_in.received < wanted:
        try:
            process.wait(0.005)
        except subprocess.TimeoutExpired:
            continue
        return


def suspend(process: "subprocess.Popen[bytes]") -> None:
    """Stop it where it is in no transaction: in one it would hold its locks until it wakes."""
    while process.poll() is None:
        process.send_signal(signal.SIGSTOP)
        with connection.cursor() as cursor:
            cursor.execute(
                "select exists (select from pg_stat_activity where datname = current_database()"
                " and pid <> pg_backend_pid() and backend_type = 'client backend' and state <> 'idle')"
            )
            if not cursor.fetchone()[0]:
                return
        process.send_signal(signal.SIGCONT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.005)


def post_all(account) -> list[Lead]:
    leads = [make_lead(account, f"p{number}@customer.example") for number in range(LEADS)]
    for lead in leads:
        for number in range(MAILS):
            post(lead, f"{lead.email} {number}")
    return leads


def kill_again_and_again(stand_in, place: Destination, clock: Clock, points: tuple[int, ...]) -> None:
    for requests in points:
        process = start(place, clock)
        await_requests(stand_in, requests, process)
        process.send_signal(signal.SIGKILL)
        process.wait()
        clock.forward(seconds=LEASE)


def test_webhooks_at_least_once_by_equal_ids(listener, account, clock):
    desk = WebhookDesk(listener)
    place = desk.open(account)
    leads = post_all(account)
    points = (1, 3, 9, 14, 2, 20)
    kill_again_and_again(listener, place, clock, points)
    drain_all(place, clock)
    assert {arrival.key for arrival in desk.arrivals()} == posted()
    # Of each process at most the batch under way is sent once more.
    assert len(listener.seen) - Delivery.objects.count() <= len(points) * KINDS["webhook"].batch
    for lead in leads:
        assert list(dict.fromkeys(of(desk, lead))) == [f"{lead.email} {number}" for number in range(MAILS)]


def test_leadsquared_exactly_once(leadsquared, account, clock):
    desk = LeadSquaredDesk(leadsquared)
    place = desk.open(account)
    leads = post_all(account)
    kill_again_and_again(leadsquared, place, clock, (1, 2, 3, 4, 5, 6, 7, 8))
    drain_all(place, clock)
    everything_arrived_once(desk)
    for lead in leads:
        assert of(desk, lead) == [f"{lead.email} {number}" for number in range(MAILS)]
    assert DeliveryAttempt.objects.filter(outcome="unknown").exists()


@pytest.mark.parametrize("kind", ["webhook", "leadsquared"])
def test_a_process_that_is_asleep_for_long_sends_nothing_after_another_took_over(
    request, kind, account, clock
):
    """SIGSTOP is what a suspended machine looks like; on waking it finds that it holds nothing any more."""
    stand_in = request.getfixturevalue("listener" if kind == "webhook" else "leadsquared")
    desk = WebhookDesk(stand_in) if kind == "webhook" else LeadSquaredDesk(stand_in)
    place = desk.open(account)
    post_all(account)
    sleeper = start(place, clock)
    await_requests(stand_in, 2, sleeper)
    suspend(sleeper)
    clock.forward(seconds=LEASE)
    drain_all(place, clock)
    received = stand_in.received
    sleeper.send_signal(signal.SIGCONT)
    sleeper.wait()
    keys = [arrival.key for arrival in desk.arrivals()]
    assert set(keys) == posted()
    if desk.asks:
        assert len(keys) == len(posted())
    # Nothing but what had its turn already when it fell asleep.
    assert stand_in.received - received <= AT_ONCE
