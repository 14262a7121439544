"""What people do to a destination, and what they see of it: add, change, pause, resume, remove; the delivery
log, what was given up, and sending it again.

Who configures the connector (R-012) does so here. Every change is in the audit trail, secrets only as that
they changed.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.shortcuts import get_object_or_404

from postroom.connector.audit import record
from postroom.connector.models import AuditArea
from postroom.connector.secrets import sealer
from postroom.destinations.base import DestinationKind
from postroom.destinations.models import (
    TO_DO,
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    Destination,
    DestinationState,
    RemoteActivity,
)
from postroom.destinations.registry import KINDS
from postroom.errors import PostroomError
from postroom.organisations.access import may_configure
from postroom.organisations.models import Account, User

Values = Mapping[str, object]
FAILING_AFTER = timedelta(minutes=15)
"""How long a destination has not worked when people are told."""


class DestinationRefused(PostroomError):
    """This destination cannot be saved."""

    code = "destination_refused"


class DestinationChanged(PostroomError):
    """Someone else saved this destination meanwhile. Look at what they saved, then save yours again."""

    code = "destination_changed"


@dataclass(frozen=True, slots=True)
class Counts:
    """A destination's deliveries by what became of them."""

    waiting: int
    """Not delivered yet, whether tried or not."""
    given_up: int
    delivered: int
    """Within the last 90 days."""


def destinations_of(account: Account) -> QuerySet[Destination]:
    """Those of the account by name, each with the numbers ``waiting`` and ``given_up``."""
    return (
        Destination.objects.of(account)
        .annotate(waiting=_number(TO_DO), given_up=_number([DeliveryState.GIVEN_UP]))
        .order_by("name", "pk")
    )


def all_destinations() -> QuerySet[Destination]:
    """Those of every account, for whoever runs the server; with the numbers of ``destinations_of``."""
    rows = Destination.objects.filter(removed_at=None).select_related("account")
    return rows.annotate(waiting=_number(TO_DO), given_up=_number([DeliveryState.GIVEN_UP])).order_by(
        "account__name", "name", "pk"
    )


def get_destination_for(viewer: User, pk: int) -> Destination:
    """The destination, for who may configure the connector; a 404 where there is none, or it was removed."""
    if not may_configure(viewer):
        raise PermissionDenied
    return get_object_or_404(Destination.objects.of(viewer.account), pk=pk)


def kind_of(destination: Destination) -> DestinationKind:
    return KINDS[destination.kind]


def secrets_of(destination: Destination) -> dict[str, object]:
    """The secrets, unsealed. Raises ``Misconfigured`` where no key fits."""
    return sealer().unseal(bytes(destination.sealed_secrets)) if destination.sealed_secrets else {}


@transaction.atomic
def create_destination(
    account: Account,
    kind: str,
    name: str,
    settings: Values,
    secrets: Values,
    by: User | None,
    *,
    history_days: int = 0,
) -> Destination:
    """Add a destination, which takes what happens from now on, and activities of the last ``history_days``.

    The settings are checked by the kind's own form before. Raises ``DestinationRefused``.
    """
    destination = Destination(
        account=account,
        kind=kind,
        name=_name(name),
        settings=dict(settings),
        sealed_secrets=sealer().seal(secrets),
        events=_events(kind, settings),
        history={"days": history_days, "total": 0, "done": 0, "after": 0} if history_days else {},
        created_by=by,
    )
    _save(destination, force_insert=True)
    said = f"Added the destination {destination.name} ({KINDS[kind].label})."
    record(account, by, AuditArea.DESTINATIONS, said, after=_data(destination))
    return destination


@transaction.atomic
def save_destination(
    destination: Destination,
    *,
    version: int,
    by: User | None,
    name: str | None = None,
    settings: Values | None = None,
    secrets: Values | None = None,
) -> Destination:
    """Change what is given; a destination that Postroom had stopped goes on with it.

    ``version`` is the one that was edited. Raises ``DestinationChanged`` and ``DestinationRefused``.
    """
    held = _held(destination)
    if held.version != version:
        raise DestinationChanged
    before = _data(held)
    held.name = held.name if name is None else _name(name)
    held.settings = held.settings if settings is None else dict(settings)
    held.events = _events(held.kind, held.settings)
    changed = secrets is not None and dict(secrets) != secrets_of(held)
    if secrets is not None and changed:
        held.sealed_secrets = sealer().seal(secrets)
    after = _data(held)
    if before == after and not changed:
        return held
    held.version += 1
    if held.state == DestinationState.STOPPED:
        _go_on(held)
    _save(held)
    marks = {"secrets": ""}, {"secrets": "changed" if changed else ""}
    said = f"Changed the destination {held.name}."
    record(held.account, by, AuditArea.DESTINATIONS, said, before=before | marks[0], after=after | marks[1])
    return held


@transaction.atomic
def pause(destination: Destination, by: User | None) -> None:
    """Send nothing more after the call under way; what happens meanwhile is collected."""
    held = _held(destination)
    if held.state == DestinationState.PAUSED:
        return
    held.state = DestinationState.PAUSED
    held.save(update_fields=["state"])
    record(held.account, by, AuditArea.DESTINATIONS, f"Paused the destination {held.name}.")


@transaction.atomic
def resume(destination: Destination, by: User | None) -> None:
    """Go on after a pause, or after Postroom stopped it."""
    held = _held(destination)
    if held.state == DestinationState.ON:
        return
    _go_on(held)
    held.save()
    record(held.account, by, AuditArea.DESTINATIONS, f"Resumed the destination {held.name}.")


@transaction.atomic
def remove(destination: Destination, by: User | None) -> None:
    """Forget its secrets at once; its deliveries follow. What was delivered stays where it is."""
    held = _held(destination)
    held.removed_at, held.sealed_secrets, held.events = datetime.now(UTC), b"", []
    held.save(update_fields=["removed_at", "sealed_secrets", "events"])
    said = f"Removed the destination {held.name}."
    record(held.account, by, AuditArea.DESTINATIONS, said, before=_data(held))


def counts_of(destination: Destination) -> Counts:
    mine = Delivery.objects.filter(account_id=destination.account_id, destination=destination)
    found = mine.aggregate(
        waiting=Count("pk", filter=Q(state__in=TO_DO)),
        given_up=Count("pk", filter=Q(state=DeliveryState.GIVEN_UP)),
        delivered=Count("pk", filter=Q(state=DeliveryState.DELIVERED)),
    )
    return Counts(**found)


def deliveries_of(
    destination: Destination, *, state: str = "", event: str = "", lead: int | None = None
) -> QuerySet[Delivery]:
    """The delivery log, to be paged by ``created_at``; "" and None mean any.

    ``state`` may be "to_do" for everything that is neither delivered nor given up.
    """
    rows = Delivery.objects.filter(account_id=destination.account_id, destination=destination)
    if state == "to_do":
        rows = rows.filter(state__in=TO_DO)
    elif state:
        rows = rows.filter(state=state)
    if event:
        rows = rows.filter(event=event)
    return rows if lead is None else rows.filter(lead_id=lead)


def attempts_of(delivery: Delivery) -> QuerySet[DeliveryAttempt]:
    """Newest first."""
    return DeliveryAttempt.objects.filter(account_id=delivery.account_id, delivery_id=delivery.pk).order_by(
        "-pk"
    )


def delivered_to(account: Account, activities: Collection[int]) -> dict[int, list[Destination]]:
    """By activity the destinations that have it, for the marks on a lead's page; two queries."""
    places = {destination.pk: destination for destination in Destination.objects.of(account)}
    rows = RemoteActivity.objects.filter(
        account=account, activity_id__in=activities, destination_id__in=list(places)
    ).order_by("destination_id")
    found: dict[int, list[Destination]] = {}
    for activity, destination in rows.values_list("activity_id", "destination_id"):
        found.setdefault(activity, []).append(places[destination])
    return found


def is_failing(destination: Destination, now: datetime) -> bool:
    """Whether people should know: Postroom stopped it, or it has not worked for a quarter of an hour."""
    if destination.state == DestinationState.STOPPED:
        return True
    since = destination.failing_since
    return destination.state == DestinationState.ON and since is not None and since <= now - FAILING_AFTER


def failing_destinations(now: datetime) -> QuerySet[Destination]:
    """Those for which ``is_failing`` is true, of every account; filter by account."""
    failing = Q(state=DestinationState.ON, failing_since__lte=now - FAILING_AFTER)
    return Destination.objects.filter(failing | Q(state=DestinationState.STOPPED), removed_at=None)


@transaction.atomic
def replay(
    destination: Destination,
    by: User | None,
    *,
    ids: Collection[int] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    states: Collection[str] = (DeliveryState.GIVEN_UP,),
) -> int:
    """Send again what is in these states, and returns how much that is: chosen rows, or a time range.

    Keys stay, so a receiver that has one of them already can tell.
    """
    rows = Delivery.objects.filter(
        account_id=destination.account_id, destination=destination, state__in=set(states) - set(TO_DO)
    )
    rows = _chosen(rows, ids, since, until)
    # What was sent without an answer may have arrived: it is asked for first.
    sent = rows.exclude(state=DeliveryState.DROPPED).update(
        state=DeliveryState.UNKNOWN,
        is_maybe_sent=True,
        attempts=0,
        due_at=datetime.now(UTC),
        delivered_at=None,
    )
    sent += rows.filter(state=DeliveryState.DROPPED).update(
        state=DeliveryState.WAITING, attempts=0, due_at=datetime.now(UTC)
    )
    if sent:
        said = f"Had {sent} deliveries to {destination.name} sent again."
        record(destination.account, by, AuditArea.DESTINATIONS, said)
    return sent


@transaction.atomic
def drop(destination: Destination, by: User | None, *, ids: Collection[int] | None = None) -> int:
    """Take what was given up off the list, chosen rows or all; returns how much that is."""
    rows = Delivery.objects.filter(
        account_id=destination.account_id, destination=destination, state=DeliveryState.GIVEN_UP
    )
    dropped = _chosen(rows, ids, None, None).update(state=DeliveryState.DROPPED)
    if dropped:
        said = f"Dropped {dropped} deliveries to {destination.name} that were given up."
        record(destination.account, by, AuditArea.DESTINATIONS, said)
    return dropped


def _chosen(
    rows: QuerySet[Delivery], ids: Collection[int] | None, since: datetime | None, until: datetime | None
) -> QuerySet[Delivery]:
    if ids is not None:
        rows = rows.filter(pk__in=ids)
    if since:
        rows = rows.filter(created_at__gte=since)
    return rows.filter(created_at__lt=until) if until else rows


def _number(states: Collection[str]) -> Coalesce:
    rows = Delivery.objects.filter(
        account=OuterRef("account"), destination=OuterRef("pk"), state__in=list(states)
    )
    counted = rows.order_by().values("destination").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _held(destination: Destination) -> Destination:
    """The row, locked. Raises ``DestinationRefused`` where it was removed meanwhile."""
    rows = Destination.objects.of(destination.account).select_for_update(no_key=True)
    held = rows.filter(pk=destination.pk).first()
    if held is None:
        raise DestinationRefused("This destination was removed in the meantime.")
    return held


def _name(name: str) -> str:
    plain = " ".join(name.replace("\x00", "").split())
    if not plain or len(plain) > 100:
        raise DestinationRefused("A destination needs a name of at most 100 characters.")
    return plain


def _events(kind: str, settings: Values) -> list[str]:
    """What is queued for it."""
    chosen = settings.get("events")
    known = KINDS[kind].events
    return sorted(known & set(chosen) if isinstance(chosen, list | tuple) else known)


def _go_on(destination: Destination) -> None:
    destination.state = DestinationState.ON
    destination.failures = 0
    destination.failing_since = destination.not_before = destination.told_at = None
    destination.last_error = ""


def _save(destination: Destination, *, force_insert: bool = False) -> None:
    try:
        with transaction.atomic():
            destination.save(force_insert=force_insert)
    except IntegrityError as error:
        raise DestinationRefused(f"There is a destination {destination.name} already.") from error


def _data(destination: Destination) -> dict[str, object]:
    return {
        "name": destination.name,
        "kind": destination.kind,
        "settings": dict(destination.settings),
        "events": list(destination.events),
    }
