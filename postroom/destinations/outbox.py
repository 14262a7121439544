"""The outbox: rows of what is to be delivered, written in the transaction of what they tell of.

Triggers write them (``migrations/0004_outbox_triggers.py``), so nothing that changes a lead can forget to,
and nothing that is rolled back is told. What they do:

- a new lead or activity is queued for every destination that wants to hear of it, paused ones included;
- a change of what was queued but never sent makes no row of its own: content is put together when it is sent;
- an activity that moves to another lead takes what is queued of it along, so that order is kept;
- what is deleted before it was sent is dropped; what may have been sent is told to be gone;
- what comes from a destination is not told to it again (``coming_from``).

Here is the rest: activities from before a destination was added.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

from django.db import connection, transaction

from postroom.crm.models import Activity
from postroom.destinations.base import Event
from postroom.destinations.models import Destination

BATCH = 1000
"""Earlier activities queued in one transaction."""


@contextmanager
def coming_from(destination: Destination) -> Iterator[None]:
    """A transaction whose changes come from the destination itself, and so are not told to it."""
    with transaction.atomic():
        _set_origin(str(destination.pk))
        yield
        # The setting lasts as long as the outermost transaction.
        _set_origin("")


def _set_origin(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select set_config('postroom.from_destination', %s, true)", [value])


_QUEUE = """
    insert into destinations_delivery
        (account_id, destination_id, key, event, lead_id, subject_id, nth, gone,
         state, attempts, due_at, created_at, remote_id, said)
    select d.account_id, d.id, gen_random_uuid(), %(event)s, n.lead, n.subject, 0, '{}',
        'waiting', 0, now(), now(), '', ''
    from unnest(%(leads)s::bigint[], %(subjects)s::bigint[]) as n(lead, subject)
    join destinations_destination d on d.account_id = %(account)s and d.id = %(destination)s
    where %(event)s = any (d.events)
      and not exists (select from destinations_delivery q
                      where q.account_id = d.account_id and q.destination_id = d.id
                        and q.subject_id = n.subject and q.event = %(event)s)
    order by n.subject
    on conflict do nothing
"""


def _queue(destination: Destination, event: Event, subjects: Mapping[int, int]) -> int:
    """Queue what never was; ``subjects`` are their leads by id. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            _QUEUE,
            {
                "account": destination.account_id,
                "destination": destination.pk,
                "event": event,
                "leads": list(subjects.values()),
                "subjects": list(subjects),
            },
        )
        return cursor.rowcount


def queue_history(destination_id: int) -> bool:
    """Queue some of the activities of the last days that were asked for; True once all are.

    Each with its lead before it. Going on where it broke off; the same again changes nothing.
    """
    with transaction.atomic():
        rows = Destination.objects.select_for_update(no_key=True).filter(pk=destination_id, removed_at=None)
        destination = rows.first()
        if destination is None or not destination.history or destination.history.get("finished"):
            return True
        destination.history = _step(destination, dict(destination.history))
        destination.save(update_fields=["history"])
        return bool(destination.history["finished"])


def _step(destination: Destination, history: dict[str, int | bool]) -> dict[str, int | bool]:
    since = destination.created_at - timedelta(days=int(history["days"]))
    if not history.get("last"):
        mine = Activity.objects.filter(account_id=destination.account_id)
        # By id and not by time: what is posted from now on is queued by the triggers.
        newest = mine.order_by("-pk").values_list("pk", flat=True).first()
        history["last"] = newest or 0
        history["total"] = mine.filter(happened_at__gte=since).count()
    earlier = (
        Activity.objects.filter(
            account_id=destination.account_id, pk__gt=history["after"], pk__lte=history["last"]
        )
        .order_by("pk")
        .values_list("pk", "lead_id", "happened_at")
    )
    looked_at = list(earlier[:BATCH])
    wanted = {pk: lead for pk, lead, at in looked_at if at >= since}
    _queue(destination, Event.LEAD_CREATED, {lead: lead for lead in sorted(set(wanted.values()))})
    _queue(destination, Event.ACTIVITY_CREATED, wanted)
    history["done"] = int(history["done"]) + len(wanted)
    history["after"] = looked_at[-1][0] if looked_at else history["last"]
    history["finished"] = len(looked_at) < BATCH
    return history


def with_history() -> list[int]:
    """Destinations whose earlier activities are still to be queued."""
    return list(
        Destination.objects.filter(removed_at=None, history__has_key="days")
        .exclude(history__contains={"finished": True})
        .values_list("pk", flat=True)
    )
