"""The drain's side of the tables: holding a destination, taking what is due, noting what became of it.

One drain holds a destination at a time, by an epoch and until a moment that it keeps moving. What it is about
to send is marked, and committed, before the call: so a process that dies leaves behind what it may have sent,
and the next one knows to ask. Nothing here waits for the network.
"""

import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from postroom.connector.models import Mailbox
from postroom.crm.giving_way import again_if_broken_off
from postroom.destinations.base import Delivered, Event, Later, Outcome, Refused, Unknown
from postroom.destinations.managing import is_failing
from postroom.destinations.models import (
    TO_DO,
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    Destination,
    DestinationState,
    RemoteActivity,
)
from postroom.errors import AuthorizationLost, Misconfigured, PostroomError, Throttled
from postroom.mail.charsets import storable

LEASE = timedelta(seconds=30)
"""How long a destination is held without a sign of life."""
MOST_ATTEMPTS = 20
"""Of one delivery before it is given up; with the waits between, about three days."""
FIRST_WAIT, LONGEST_WAIT = 60.0, 6 * 3600.0
"""Seconds between the attempts of one delivery."""
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 600.0
"""Seconds between attempts to reach a destination that cannot be reached."""
ROUNDS = 20
"""Looks for something due in one take, past leads that wait for an earlier delivery."""

_PENDING = (DeliveryState.WAITING, DeliveryState.UNKNOWN)
Tell = Callable[[Destination], None]
"""Has the administrators told that a destination stopped or is failing, in the transaction under way."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A destination as the drain that holds it knows it."""

    destination: Destination
    epoch: int

    @property
    def rows(self) -> QuerySet[Destination]:
        """The destination's row, as long as this drain holds it."""
        return Destination.objects.filter(
            pk=self.destination.pk, account_id=self.destination.account_id, epoch=self.epoch
        )

    @property
    def deliveries(self) -> QuerySet[Delivery]:
        return Delivery.objects.filter(
            account_id=self.destination.account_id, destination_id=self.destination.pk
        )


class HoldLost(PostroomError):
    """Another worker delivers to this destination by now."""


def due_destinations(now: datetime, mailbox_id: int | None = None) -> list[int]:
    """Those with something due that nobody holds, and those whose worker died.

    Of all accounts, or of that of a mailbox.
    """
    mine = Delivery.objects.filter(
        account=OuterRef("account"), destination=OuterRef("pk"), state__in=_PENDING, due_at__lte=now
    )
    free = Q(held_until=None) & Exists(mine)
    rows = Destination.objects.open(now).filter(free | Q(held_until__lt=now))
    if mailbox_id is not None:
        rows = rows.filter(account__in=Mailbox.objects.filter(pk=mailbox_id).values("account"))
    return list(rows.values_list("pk", flat=True))


@transaction.atomic
def hold(destination_id: int, now: datetime) -> Hold | None:
    """Hold the destination; None where it takes nothing now, or another drain holds it.

    What a drain that died was sending is unknown from now on.
    """
    free = Q(held_until=None) | Q(held_until__lt=now)
    rows = Destination.objects.open(now).filter(free, pk=destination_id).select_for_update(no_key=True)
    destination = rows.first()
    if destination is None:
        return None
    destination.epoch += 1
    destination.held_until = now + LEASE
    destination.save(update_fields=["epoch", "held_until"])
    held = Hold(destination, destination.epoch)
    _recover(held, now)
    return held


def keep(held: Hold, now: datetime) -> None:
    """Hold it for longer. Raises ``HoldLost``."""
    if not held.rows.update(held_until=now + LEASE):
        raise HoldLost


def make_sure(held: Hold) -> None:
    """Raises ``HoldLost`` where another drain has begun since."""
    if not held.rows.exists():
        raise HoldLost


def let_go(held: Hold, now: datetime) -> None:
    """Leave the destination to the next drain, at once also where this one was broken off while sending."""
    was_sending = held.deliveries.filter(state=DeliveryState.SENDING).exists()
    held.rows.update(held_until=now if was_sending else None)


def _recover(held: Hold, now: datetime) -> None:
    said = "The worker ended before an answer came."
    broken_off = list(held.deliveries.filter(state=DeliveryState.SENDING).select_for_update())
    DeliveryAttempt.objects.bulk_create(
        DeliveryAttempt(account_id=row.account_id, delivery_id=row.pk, at=now, outcome="unknown", said=said)
        for row in broken_off
    )
    rows = held.deliveries.filter(pk__in=[row.pk for row in broken_off])
    rows.update(state=DeliveryState.UNKNOWN, is_maybe_sent=True, due_at=now, said=said)
    rows.filter(attempts__gte=MOST_ATTEMPTS).update(state=DeliveryState.GIVEN_UP)


@transaction.atomic
def take(held: Hold, size: int, now: datetime) -> list[Delivery]:
    """Mark at most ``size`` deliveries as being sent; in order for each lead, oldest first.

    Raises ``HoldLost`` where the destination was paused, changed, removed or taken over meanwhile.
    """
    rows = held.rows.filter(
        state=DestinationState.ON, removed_at=None, version=held.destination.version
    ).select_for_update(no_key=True)
    if rows.first() is None:
        raise HoldLost
    for _ in range(ROUNDS):
        leads = _leads_due(held, size, now)
        if not leads:
            return []
        chosen, waiting = _heads(held, leads, size, now)
        _step_aside(held, waiting)
        if taken := _mark(held, chosen[:size], now):
            return taken
        if not waiting:
            return []
    return []


def _leads_due(held: Hold, size: int, now: datetime) -> list[int]:
    """Leads for which something is due, in the order in which it became so."""
    due = held.deliveries.filter(state__in=_PENDING, due_at__lte=now).order_by("due_at", "pk")
    return list(dict.fromkeys(due.values_list("lead_id", flat=True)[: size * 4]))


_FIRST = """
    select l.lead_id, d.id, d.due_at, d.state
    from unnest(%s::bigint[]) with ordinality as l(lead_id, nth)
    cross join lateral (
        select id, due_at, state, row_number() over (order by id) as depth from destinations_delivery
        where account_id = %s and destination_id = %s and lead_id = l.lead_id
          and state in ('waiting', 'sending', 'unknown')
        order by id limit %s
    ) d
    order by d.depth, l.nth limit %s
"""
"""The first delivery of every lead, then the second ones: of many leads a batch holds the same kind of work,
which fills the calls of a destination that takes many things of one kind in a call."""


def _heads(
    held: Hold, leads: Sequence[int], size: int, now: datetime
) -> tuple[list[int], dict[int, datetime]]:
    """What can be sent, and the leads whose first delivery waits, with until when."""
    place = held.destination
    with connection.cursor() as cursor:
        cursor.execute(_FIRST, [list(leads), place.account_id, place.pk, size, len(leads) + size])
        first: list[tuple[int, int, datetime, str]] = cursor.fetchall()
    chosen: list[int] = []
    waiting: dict[int, datetime] = {}
    begun, blocked = set[int](), set[int]()
    for lead, pk, due_at, state in first:
        if lead in blocked:
            continue
        if due_at <= now and state in _PENDING:
            chosen.append(pk)
        else:
            blocked.add(lead)
            if lead not in begun:
                waiting[lead] = due_at
        begun.add(lead)
    return chosen, waiting


_ASIDE = """
    update destinations_delivery set due_at = later.at
    from (
        select d.id, w.at from unnest(%s::bigint[], %s::timestamptz[]) as w(lead_id, at)
        join destinations_delivery d on d.account_id = %s and d.destination_id = %s and d.lead_id = w.lead_id
        where d.state in ('waiting', 'unknown') and d.due_at < w.at
        order by d.id for update of d skip locked
    ) as later
    where destinations_delivery.id = later.id
"""


def _step_aside(held: Hold, waiting: Mapping[int, datetime]) -> None:
    """Let what waits for an earlier delivery of its lead become due with it, out of the way until then."""
    if waiting:
        place = held.destination
        values = [list(waiting), list(waiting.values()), place.account_id, place.pk]
        with connection.cursor() as cursor:
            cursor.execute(_ASIDE, values)


def _mark(held: Hold, chosen: Sequence[int], now: datetime) -> list[Delivery]:
    rows = held.deliveries.filter(pk__in=chosen, state__in=_PENDING, due_at__lte=now)
    # Who changes the thing right now holds its row: it is sent afterwards, with the change.
    free = {row.pk: row for row in rows.select_for_update(skip_locked=True)}
    skipped = {row.lead_id for row in held.deliveries.filter(pk__in=set(chosen) - set(free))}
    taken = [free[pk] for pk in chosen if pk in free and free[pk].lead_id not in skipped]
    held.deliveries.filter(pk__in=[row.pk for row in taken]).update(
        state=DeliveryState.SENDING, attempts=F("attempts") + 1
    )
    for row in taken:
        row.attempts += 1
    return taken


@transaction.atomic
def drop(held: Hold, said: Mapping[int, str]) -> None:
    """Note that there is nothing to send of these any more, by id with the reason. Raises ``HoldLost``."""
    if said and held.rows.select_for_update(no_key=True).first() is None:
        raise HoldLost
    for pk, reason in said.items():
        held.deliveries.filter(pk=pk, state=DeliveryState.SENDING).update(
            state=DeliveryState.DROPPED, attempts=F("attempts") - 1, said=reason
        )


@dataclass(frozen=True, slots=True)
class Call:
    """One call with what it was about and what became of it."""

    deliveries: Sequence[Delivery]
    outcomes: Sequence[Outcome]
    at: datetime
    milliseconds: int

    def pairs(self) -> Iterator[tuple[Delivery, Outcome]]:
        return zip(self.deliveries, self.outcomes, strict=True)


def settle(held: Hold, call: Call, now: datetime, tell: Tell) -> int:
    """Write what became of each, and of the destination; returns how many arrived.

    A delivery that another drain has tried since is left as that one found it. Whoever merges leads takes the
    rows of several deliveries, too, and in another order: what gives way is done again.
    """
    return again_if_broken_off(lambda: _settle(held, call, now, tell))


@transaction.atomic
def _settle(held: Hold, call: Call, now: datetime, tell: Tell) -> int:
    call = _without_untried(held, call, now)
    patient = {row.pk for row, outcome in call.pairs() if isinstance(outcome, Later) and outcome.retry_after}
    _put_back(held, patient, now)
    _write(held, [_result(row, outcome, now) for row, outcome in call.pairs() if row.pk not in patient])
    DeliveryAttempt.objects.bulk_create(_attempts(call))
    _note_remote(held, call)
    arrived = [outcome for outcome in call.outcomes if isinstance(outcome, Delivered | Refused)]
    leads = {row.lead_id for row in call.deliveries}
    delivered = sum(isinstance(outcome, Delivered) for outcome in arrived)
    if delivered:
        _work_again(held, now)
    elif not arrived and len(leads) > 1:
        # One lead's trouble is its own; that of several is the destination's.
        reasons = [outcome.reason for outcome in call.outcomes if not isinstance(outcome, Delivered)]
        _fail(held, reasons[-1], now, tell)
    patience = max((each.retry_after for each in call.outcomes if isinstance(each, Later)), default=0.0)
    if patience:
        held.rows.update(not_before=now + timedelta(seconds=patience))
    return delivered


def _without_untried(held: Hold, call: Call, now: datetime) -> Call:
    """The call less what was not sent, which is put back as it was.

    That is also what follows something of its lead that did not arrive.
    """
    tried: list[tuple[Delivery, Outcome]] = []
    stuck, untried = set[int](), list[int]()
    for row, outcome in call.pairs():
        if isinstance(outcome, Later) and (not outcome.tried or row.lead_id in stuck):
            untried.append(row.pk)
        else:
            tried.append((row, outcome))
        if isinstance(outcome, Later | Unknown):
            stuck.add(row.lead_id)
    _put_back(held, untried, now)
    return replace(call, deliveries=[row for row, _ in tried], outcomes=[outcome for _, outcome in tried])


def _put_back(held: Hold, ids: Collection[int], now: datetime) -> None:
    """Let an attempt not count, as long as no other drain has begun one since."""
    if not ids or held.rows.select_for_update(no_key=True).first() is None:
        return
    mine = held.deliveries.filter(pk__in=ids, state=DeliveryState.SENDING)
    back = {"attempts": F("attempts") - 1, "due_at": now}
    mine.filter(is_maybe_sent=True).update(state=DeliveryState.UNKNOWN, **back)
    mine.filter(is_maybe_sent=False).update(state=DeliveryState.WAITING, **back)


@dataclass(frozen=True, slots=True)
class _Result:
    id: int
    attempts: int
    state: DeliveryState
    due_at: datetime
    delivered_at: datetime | None
    is_maybe_sent: bool
    remote_id: str
    said: str


def _result(row: Delivery, outcome: Outcome, now: datetime) -> _Result:
    said = _storable(outcome.said if isinstance(outcome, Delivered) else outcome.reason)
    match outcome:
        case Delivered():
            state, maybe, remote = DeliveryState.DELIVERED, False, _storable(outcome.remote_id, 100)
        case Refused():
            state, maybe, remote = DeliveryState.GIVEN_UP, False, ""
        case Later():
            # What was unknown before stays so, unless it was found out.
            state = DeliveryState.UNKNOWN if row.is_maybe_sent else DeliveryState.WAITING
            maybe, remote = row.is_maybe_sent, ""
        case _:
            state, maybe, remote = DeliveryState.UNKNOWN, True, ""
    if state in _PENDING and row.attempts >= MOST_ATTEMPTS:
        state = DeliveryState.GIVEN_UP
    due_at = now + _wait(row.attempts, FIRST_WAIT, LONGEST_WAIT) if state in _PENDING else row.due_at
    delivered_at = now if state == DeliveryState.DELIVERED else None
    return _Result(row.pk, row.attempts, state, due_at, delivered_at, maybe, remote, said)


def _wait(times: int, first: float, longest: float) -> timedelta:
    """Doubling with each time, and a little at random, so that not all come back at once."""
    return timedelta(seconds=min(first * 2 ** min(times - 1, 20), longest) * random.uniform(0.9, 1.1))


def _storable(words: str, longest: int = 1000) -> str:
    """What the other side said, whatever it said, as text that the database takes."""
    return storable(words)[:longest]


_WRITE = """
    update destinations_delivery d set state = n.state, due_at = n.due_at, delivered_at = n.delivered_at,
        is_maybe_sent = n.maybe, remote_id = n.remote_id, said = n.said
    from unnest(%s::bigint[], %s::int[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::bool[],
                %s::text[], %s::text[])
        as n(id, attempts, state, due_at, delivered_at, maybe, remote_id, said)
    where d.account_id = %s and d.destination_id = %s and d.id = n.id and d.attempts = n.attempts
      and d.state in ('sending', 'unknown')
"""


def _write(held: Hold, results: Sequence[_Result]) -> None:
    columns = [
        [getattr(result, name) for result in results]
        for name in (
            *("id", "attempts", "state", "due_at", "delivered_at"),
            *("is_maybe_sent", "remote_id", "said"),
        )
    ]
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, [*columns, held.destination.account_id, held.destination.pk])


def _attempts(call: Call) -> Iterator[DeliveryAttempt]:
    for row, outcome in call.pairs():
        yield DeliveryAttempt(
            account_id=row.account_id,
            delivery_id=row.pk,
            at=call.at,
            milliseconds=call.milliseconds,
            outcome=type(outcome).__name__.lower(),
            request_id=_storable(outcome.request_id, 100),
            said=_storable(outcome.said if isinstance(outcome, Delivered) else outcome.reason),
        )


_REMOTE_LEADS = """
    insert into destinations_remotelead (account_id, destination_id, lead_id, remote_id)
    select %s, %s, n.lead_id, n.remote_id from unnest(%s::bigint[], %s::text[]) as n(lead_id, remote_id)
    on conflict (account_id, destination_id, remote_id) do update set lead_id = excluded.lead_id
        where not exists (select from crm_lead l where l.account_id = destinations_remotelead.account_id
                          and l.id = destinations_remotelead.lead_id)
"""
_REMOTE_ACTIVITIES = """
    insert into destinations_remoteactivity (account_id, destination_id, activity_id, remote_id)
    select %s, %s, n.activity_id, n.remote_id
    from unnest(%s::bigint[], %s::text[]) as n(activity_id, remote_id)
    on conflict (account_id, destination_id, activity_id) do update set remote_id = excluded.remote_id
        where excluded.remote_id <> ''
"""
_OF_ACTIVITIES = (Event.ACTIVITY_CREATED, Event.ACTIVITY_UPDATED)


def _note_remote(held: Hold, call: Call) -> None:
    """Keep what the destination calls the leads and activities that arrived."""
    arrived = [(row, outcome) for row, outcome in call.pairs() if isinstance(outcome, Delivered)]
    place = [held.destination.account_id, held.destination.pk]
    leads = {
        _storable(outcome.remote_lead_id, 100): row.lead_id
        for row, outcome in arrived
        if outcome.remote_lead_id
    }
    activities = {
        row.subject_id: _storable(outcome.remote_id, 100)
        for row, outcome in arrived
        if row.event in _OF_ACTIVITIES
    }
    with connection.cursor() as cursor:
        if leads:
            cursor.execute(_REMOTE_LEADS, [*place, list(leads.values()), list(leads)])
        if activities:
            cursor.execute(_REMOTE_ACTIVITIES, [*place, list(activities), list(activities.values())])
    gone = [row.subject_id for row, _ in arrived if row.event == Event.ACTIVITY_DELETED]
    RemoteActivity.objects.filter(account_id=place[0], destination_id=place[1], activity_id__in=gone).delete()


_NOW = """
    update destinations_delivery set due_at = %s
    where id in (
        select id from destinations_delivery
        where account_id = %s and destination_id = %s and state in ('waiting', 'unknown') and due_at > %s
        order by id for update skip locked
    )
"""


def _work_again(held: Hold, now: datetime) -> None:
    """The destination works; after a time when it did not, what waits need not wait any longer."""
    was = held.rows.values_list("failing_since", flat=True).first()
    held.rows.update(
        failures=0, failing_since=None, last_error="", last_delivered_at=now, not_before=None, told_at=None
    )
    if was:
        with connection.cursor() as cursor:
            cursor.execute(_NOW, [now, held.destination.account_id, held.destination.pk, now])


def undo(held: Hold, deliveries: Sequence[Delivery], error: PostroomError, now: datetime, tell: Tell) -> None:
    """Note a call of which nothing arrived: it uses up no attempts, for it is the destination's matter."""
    again_if_broken_off(lambda: _undo(held, deliveries, error, now, tell))


@transaction.atomic
def _undo(
    held: Hold, deliveries: Sequence[Delivery], error: PostroomError, now: datetime, tell: Tell
) -> None:
    _put_back(held, [row.pk for row in deliveries], now)
    said = _storable(str(error))
    if isinstance(error, AuthorizationLost | Misconfigured):
        _stop(held, said, now, tell)
    elif isinstance(error, Throttled):
        held.rows.update(not_before=now + timedelta(seconds=error.retry_after), last_error=said)
    else:
        _fail(held, said, now, tell)


def _stop(held: Hold, said: str, now: datetime, tell: Tell) -> None:
    """Until a person has changed something."""
    stopped = held.rows.filter(state=DestinationState.ON).update(
        state=DestinationState.STOPPED, last_error=said, told_at=now
    )
    if stopped:
        held.destination.last_error = said
        tell(held.destination)


def _fail(held: Hold, said: str, now: datetime, tell: Tell) -> None:
    destination = held.rows.select_for_update(no_key=True).first()
    if destination is None:
        return
    destination.failures += 1
    destination.failing_since = destination.failing_since or now
    destination.last_error = said
    destination.not_before = now + _wait(destination.failures, FIRST_PAUSE, LONGEST_PAUSE)
    is_news = destination.told_at is None and is_failing(destination, now)
    destination.told_at = now if is_news else destination.told_at
    destination.save(update_fields=["failures", "failing_since", "last_error", "not_before", "told_at"])
    if is_news:
        tell(destination)


def is_open(held: Hold, now: datetime) -> bool:
    """Whether the destination takes more; ``take`` makes sure of the rest."""
    return held.rows.filter(Q(not_before=None) | Q(not_before__lte=now)).exists()


def anything_due(held: Hold, now: datetime) -> bool:
    return held.deliveries.filter(state__in=_PENDING, due_at__lte=now).exists()


def is_drained(destination: Destination) -> bool:
    """Whether nothing is left to deliver."""
    return not Delivery.objects.filter(
        account_id=destination.account_id, destination=destination, state__in=TO_DO
    ).exists()
