"""What people do to a destination after which something may go out at once: resume it, save it, send again.

The drain is queued with the change, so whoever looks on need not wait for the next look at what is due.
"""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from postroom.destinations import managing
from postroom.destinations.managing import Values
from postroom.destinations.models import DeliveryState, Destination
from postroom.organisations.models import User
from postroom.sync.jobs import deliver_soon


@transaction.atomic
def resume(destination: Destination, by: User | None) -> None:
    """``managing.resume``; what was collected goes out at once. Raises ``DestinationRefused``."""
    managing.resume(destination, by)
    deliver_soon(destination)


@transaction.atomic
def save(
    destination: Destination,
    *,
    version: int,
    by: User | None,
    name: str | None = None,
    settings: Values | None = None,
    secrets: Values | None = None,
) -> Destination:
    """``managing.save_destination``; where that mended it, what waits goes out at once.

    Raises ``DestinationChanged`` and ``DestinationRefused``.
    """
    saved = managing.save_destination(
        destination, version=version, by=by, name=name, settings=settings, secrets=secrets
    )
    deliver_soon(saved)
    return saved


@transaction.atomic
def send_again(
    destination: Destination,
    by: User | None,
    *,
    ids: Collection[int] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    states: Collection[str] = (DeliveryState.GIVEN_UP,),
) -> int:
    """``managing.replay``, at once; returns how many deliveries that is."""
    sent = managing.replay(destination, by, ids=ids, since=since, until=until, states=states)
    if sent:
        deliver_soon(destination)
    return sent
