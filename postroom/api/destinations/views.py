"""Destinations and their deliveries, for whoever configures the connector; secrets are never shown."""

from datetime import datetime
from typing import Literal

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Router
from pydantic import Field

from postroom.api.answers import answer, page
from postroom.api.auth import caller
from postroom.api.operations import operation
from postroom.api.paging import Id, Paged, by_id, by_time
from postroom.api.scopes import Scope
from postroom.api.shapes import Shown
from postroom.destinations.managing import attempts_of, deliveries_of, destinations_of, get_destination_for
from postroom.destinations.models import Delivery, DeliveryAttempt, Destination
from postroom.organisations.access import may_configure
from postroom.organisations.models import User

router = Router()

MOST_ATTEMPTS = 100
DeliveryStateName = Literal["waiting", "sending", "unknown", "delivered", "given_up", "dropped"]


class DestinationShown(Shown):
    id: int
    kind: str
    name: str
    state: Literal["on", "paused", "stopped"]
    events: list[str]
    waiting: int
    """Deliveries still to be made."""
    given_up: int
    failing_since: datetime | None
    last_error: str
    last_delivered_at: datetime | None
    created_at: datetime


class DestinationPage(Shown):
    items: list[DestinationShown]
    next: str | None


class DeliveryShown(Shown):
    id: int
    key: str
    """By it a receiver tells a repetition."""
    event: str
    lead_id: int
    subject_id: int
    """The activity, or the lead once more."""
    state: DeliveryStateName
    attempts: int
    due_at: datetime
    created_at: datetime
    delivered_at: datetime | None
    remote_id: str
    said: str
    """What the last attempt ended with."""


class DeliveryPage(Shown):
    items: list[DeliveryShown]
    next: str | None


class AttemptShown(Shown):
    at: datetime
    milliseconds: int
    outcome: str
    request_id: str
    said: str


class DeliveryWhole(DeliveryShown):
    destination_id: int
    tries: list[AttemptShown]
    """The latest attempts, newest first."""


class DeliveriesAsked(Paged):
    state: Literal["", "to_do", DeliveryStateName] = Field("", description="`to_do`: all still to be made.")
    lead_id: Id | None = None


@router.get(
    "/destinations", **operation("destination_list", Scope.DESTINATIONS_READ, DestinationPage, problems=[404])
)
def destination_list(request: HttpRequest, asked: Query[Paged]) -> HttpResponse:
    """Where the account's activities and leads are delivered to."""
    rows = by_id(destinations_of(_configurer(request).account), asked)
    return page(request, DestinationPage(items=list(map(_shown, rows.rows)), next=rows.next), rows.next)


@router.get(
    "/destinations/{id}",
    **operation("destination", Scope.DESTINATIONS_READ, DestinationShown, problems=[404]),
)
def destination(request: HttpRequest, id: Id) -> HttpResponse:
    """One destination."""
    found = get_object_or_404(destinations_of(_configurer(request).account), pk=id)
    return answer(request, _shown(found))


@router.get(
    "/destinations/{id}/deliveries",
    **operation("delivery_list", Scope.DESTINATIONS_READ, DeliveryPage, problems=[404]),
)
def delivery_list(request: HttpRequest, id: Id, asked: Query[DeliveriesAsked]) -> HttpResponse:
    """What was, or is to be, delivered to a destination, newest first."""
    destination = get_destination_for(caller(request).user, id)
    found = deliveries_of(destination, state=asked.state, lead=asked.lead_id)
    rows = by_time(found, "created_at", asked)
    return page(request, DeliveryPage(items=list(map(_delivery, rows.rows)), next=rows.next), rows.next)


@router.get(
    "/deliveries/{id}", **operation("delivery", Scope.DESTINATIONS_READ, DeliveryWhole, problems=[404])
)
def delivery(request: HttpRequest, id: Id) -> HttpResponse:
    """One delivery with its attempts."""
    account = _configurer(request).account
    found = get_object_or_404(Delivery, account=account, destination__removed_at=None, pk=id)
    shown = DeliveryWhole(
        **_delivery(found).model_dump(),
        destination_id=found.destination_id,
        tries=[_attempt(attempt) for attempt in attempts_of(found)[:MOST_ATTEMPTS]],
    )
    return answer(request, shown)


def _configurer(request: HttpRequest) -> User:
    user = caller(request).user
    if not may_configure(user):
        raise PermissionDenied
    return user


def _shown(destination: Destination) -> DestinationShown:
    return DestinationShown(
        id=destination.pk,
        kind=destination.kind,
        name=destination.name,
        state=destination.state,
        events=destination.events,
        waiting=getattr(destination, "waiting", 0),
        given_up=getattr(destination, "given_up", 0),
        failing_since=destination.failing_since,
        last_error=destination.last_error,
        last_delivered_at=destination.last_delivered_at,
        created_at=destination.created_at,
    )


def _delivery(delivery: Delivery) -> DeliveryShown:
    return DeliveryShown(
        id=delivery.pk,
        key=str(delivery.key),
        event=delivery.event,
        lead_id=delivery.lead_id,
        subject_id=delivery.subject_id,
        state=delivery.state,
        attempts=delivery.attempts,
        due_at=delivery.due_at,
        created_at=delivery.created_at,
        delivered_at=delivery.delivered_at,
        remote_id=delivery.remote_id,
        said=delivery.said,
    )


def _attempt(attempt: DeliveryAttempt) -> AttemptShown:
    return AttemptShown(
        at=attempt.at,
        milliseconds=attempt.milliseconds,
        outcome=attempt.outcome,
        request_id=attempt.request_id,
        said=attempt.said,
    )
