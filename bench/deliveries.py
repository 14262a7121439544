"""Delivering a backlog to LeadSquared at the limit of a plan: how much of it is used, with how many calls.

The plan counts calls within five seconds, so a true run of 100,000 activities takes over half an hour. Here
the drain and the stand-in share a clock that leaves the waiting out: it goes on by the CPU time that the
worker uses, by the time that a call is on its way, and at once to the end of each wait. Calls follow one
another, so that none is on its way while the clock goes on; a worker has up to eight under way.

Usage: python -m bench.deliveries ORIGIN ACTIVITIES PLAN; prints a JSON line.
"""

import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from math import ceil
from typing import TYPE_CHECKING, Any, Protocol

from bench.leadsquared import FIELDS, NOW, RECEIVED, SENT

if TYPE_CHECKING:
    from postroom.destinations.models import Destination

PLAN = "super"
ON_ITS_WAY = 0.25
"""Seconds of a call, there and back."""
LEADS, IN_A_CALL, WINDOW = 2_000, 25, 5.0
WASTE_AIM = 2.0
"""Percent."""
POST = "ProspectActivity.svc/Bulk/CustomActivity/Add/ByLeadId"

Row = tuple[str, str, str, str]
"""What, measured, aim, beside."""

_SEED = """
    with leads as (
        insert into crm_lead (account_id, first_name, last_name, email, email_key, company, phone, custom,
            created_at)
        select %(account)s, 'Person', 'No ' || n, mail, mail,
            'Company ' || n %% 100, '', '{}', now()
        from generate_series(1, %(leads)s) n, lateral (select 'p' || n || '@client.example' mail) m
        returning id
    ), people as (
        select array_agg(id order by id) ids from leads
    ), messages as (
        insert into crm_storedmessage (account_id, identity, message_id, conversation, happened_at, subject,
            from_address, from_name, "to", cc, bcc, details)
        select %(account)s, 'deliver' || n, '<' || n || '@client.example>', md5((n / 5)::text),
            now() - n * interval '1 minute', 'Subject ' || n, 'p' || n || '@client.example', 'Person',
            '[["rep@northwind.example", "Rep"]]', '[]', '[]', '["subject", "body"]'
        from generate_series(1, %(activities)s) n returning id, happened_at
    ), bodies as (
        insert into crm_messagebody (account_id, message_id, text, html, preview)
        select %(account)s, id, repeat('What the mail says, in some words. ', 30), '', '' from messages
    ), numbered as (
        select id, happened_at, row_number() over (order by id) n from messages
    )
    insert into crm_activity (account_id, lead_id, message_id, kind, happened_at, created_at)
    select %(account)s, people.ids[1 + (n * 7919) %% %(leads)s], id,
        case when n %% 3 = 0 then 'email_sent' else 'email_received' end, happened_at, now()
    from numbered, people
"""


class StandIn(Protocol):
    """LeadSquared's stand-in, in a process of its own."""

    origin: str

    def spent(self) -> dict: ...

    def close(self) -> None: ...


def rows(start: Callable[..., StandIn], activities: int) -> Iterator[Row]:
    """Run the leg beside a stand-in, which ``start`` starts by its module; wants the tables made."""
    sandbox = start("bench.leadsquared", PLAN)
    try:
        words = [sandbox.origin, activities, PLAN]
        command = [sys.executable, "-m", "bench.deliveries", *map(str, words)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        spent = sandbox.spent()
    finally:
        sandbox.close()
    ours = json.loads(done.stdout.splitlines()[-1])
    yield from _table(ours, spent, activities)


def _table(ours: dict, spent: dict, activities: int) -> Iterator[Row]:
    arrived = f"{spent['activities']:,}, of them {spent['once']:,} different"
    yield "LeadSquared: activities arrived", arrived, f"{activities:,}", f"on {spent['leads']:,} new leads"
    bulk = sum(each["made"] for name, each in spent["calls"].items() if "/Bulk/" in name)
    ideal = bulk / ours["bulk"] * WINDOW
    wasted = (1 - ideal / ours["seconds"]) * 100
    rate = spent["activities"] / ours["seconds"]
    beside = f"{rate:,.0f} activities/s at {ours['bulk']} bulk calls in 5 s, on a clock without the waits"
    yield "LeadSquared: limit wasted", f"{wasted:.1f} %", f"{WASTE_AIM:.0f} %", beside
    made = sum(each["made"] for each in spent["calls"].values())
    refused = sum(each["limited"] for each in spent["calls"].values())
    least = ceil(activities / IN_A_CALL) + ceil(spent["leads"] / IN_A_CALL)
    more = f"{(made / least - 1) * 100:.1f} % above the least possible; {refused} over the limit"
    yield "LeadSquared: calls", f"{made:,}", f"{least:,}", more
    cost = ours["cpu"] / activities * 1e6
    yield "LeadSquared: worker CPU", f"{cost:,.0f} us an activity", "", f"{ours['megabytes']:,.0f} MB peak"


class Clock:
    """Time as far as something is done in it."""

    def __init__(self) -> None:
        self._began = time.time() - time.process_time()
        self._passed = 0.0

    def now(self) -> float:
        return self._began + time.process_time() + self._passed

    def pass_by(self, seconds: float) -> None:
        self._passed += seconds


def leg(origin: str, activities: int, plan: str) -> dict[str, float]:
    """Seed the backlog and drain it."""
    import django

    os.environ["POSTROOM_LEADSQUARED_URL"] = origin
    os.environ["DJANGO_SETTINGS_MODULE"] = "postroom.site.settings"
    django.setup()
    place, clock = _seeded(activities, plan), Clock()
    _send_by(clock)
    cpu, at = time.process_time(), clock.now()
    asyncio.run(_drain(place, clock))
    return {
        "seconds": clock.now() - at,
        "cpu": time.process_time() - cpu,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "bulk": _bulk(plan),
    }


def _send_by(clock: Clock) -> None:
    """Let every call tell the time, and take some; one after another."""
    from postroom.destinations.leadsquared import destination, posting
    from postroom.destinations.leadsquared.client import Answer, LeadSquaredClient

    class OnTheClock(LeadSquaredClient):
        def _headers(self) -> dict[str, str]:
            return {**super()._headers(), NOW: repr(clock.now())}

        async def _answered(self, *args: Any, **options: Any) -> Answer:
            try:
                return await super()._answered(*args, **options)
            finally:
                clock.pass_by(ON_ITS_WAY)

    destination.LeadSquaredClient = OnTheClock
    posting.AT_ONCE = 1


def _bulk(plan: str) -> int:
    from postroom.destinations.leadsquared.plans import PLANS

    return PLANS[plan].bulk


def _seeded(activities: int, plan: str) -> "Destination":
    from django.db import connection

    from postroom.destinations.leadsquared.settings import LeadSquaredSettings
    from postroom.destinations.managing import create_destination
    from postroom.organisations.models import Account
    from postroom.sandbox.leadsquared import WELL_KNOWN

    account = Account.objects.create(name="Deliveries", domains=["northwind.example"])
    chosen = LeadSquaredSettings(SENT, RECEIVED, plan=plan, sent_fields=FIELDS, received_fields=FIELDS)
    keys = {"access_key": WELL_KNOWN[0], "secret_key": WELL_KNOWN[1]}
    place = create_destination(account, "leadsquared", "LeadSquared", chosen.to_json(), keys, None)
    with connection.cursor() as cursor:
        cursor.execute(_SEED, {"account": account.pk, "leads": LEADS, "activities": activities})
        cursor.execute("analyze")
    return place


async def _drain(place: "Destination", clock: Clock) -> None:
    from django.conf import settings

    from postroom.destinations.draining import Tools, drain
    from postroom.destinations.ledger import is_drained
    from postroom.providers import http
    from postroom.threads import in_thread
    from postroom.vault.blobs import BlobStore

    def now() -> datetime:
        return datetime.fromtimestamp(clock.now(), UTC)

    async def sleep(seconds: float) -> None:
        clock.pass_by(seconds)

    # Waits for a call's repetition pass on that clock, too.
    http.sleep = sleep
    async with http.open_session() as session:
        blobs = BlobStore(settings.POSTROOM.blob_url)
        tools = Tools(session, blobs, lambda destination: None, now, sleep)
        while not await in_thread(is_drained, place):
            if not (await drain(place.pk, tools)).unfinished:
                await sleep(0.5)


if __name__ == "__main__":
    where, how_many, by = sys.argv[1:]
    print(json.dumps(leg(where, int(how_many), by)))
