"""What tests of destinations need: leads with activities, a clock, a drain, and a receiver in memory."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from django.conf import settings

from postroom.crm.models import Activity, ActivityKind, Lead, MessageBody, StoredMessage
from postroom.destinations.base import (
    Delivered,
    DestinationKind,
    Event,
    Later,
    Limit,
    Opening,
    Outcome,
    Parcel,
    Receiver,
    Refused,
    Unknown,
)
from postroom.destinations.draining import Report, Tools, drain
from postroom.destinations.models import Destination
from postroom.errors import ProviderError
from postroom.providers.http import open_session
from postroom.vault.blobs import BlobStore

_numbers = count(1)


def post(
    lead: Lead, subject: str, kind: ActivityKind = ActivityKind.RECEIVED, text: str = "Hello"
) -> Activity:
    """A mail on a lead, as a commit of the sync leaves it."""
    number = next(_numbers)
    message = StoredMessage.objects.create(
        account_id=lead.account_id,
        identity=f"identity-{number}",
        message_id=f"<{number}@customer.example>",
        conversation=f"conversation-{number}",
        happened_at=datetime.now(UTC),
        subject=subject,
        from_address=lead.email,
        from_name=lead.name,
        to=[["rita@northwind.example", "Rita"]],
        details=["body", "subject"],
    )
    MessageBody.objects.create(account_id=lead.account_id, message=message, text=text)
    return Activity.objects.create(
        account_id=lead.account_id, lead=lead, message=message, kind=kind, happened_at=message.happened_at
    )


@dataclass(slots=True)
class Clock:
    """The time, as tests put it forward."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def forward(self, **units: float) -> None:
        self.ahead += timedelta(**units)

    async def sleep(self, seconds: float) -> None:
        self.forward(seconds=seconds)


@dataclass(slots=True)
class Told:
    """The destinations of which administrators were told."""

    names: list[str] = field(default_factory=list)

    def __call__(self, destination: Destination) -> None:
        self.names.append(f"{destination.name}: {destination.last_error}")


def run_drain(destination: Destination, clock: Clock, told: Told | None = None) -> Report:
    """One drain."""

    async def run() -> Report:
        async with open_session() as session:
            blobs = BlobStore(settings.POSTROOM.blob_url)
            tools = Tools(session, blobs, told or Told(), clock.now, clock.sleep)
            return await drain(destination.pk, tools)

    report = asyncio.run(run())
    destination.refresh_from_db()
    return report


class Memory(DestinationKind):
    """A receiver that keeps what it is sent, and tells what it has when asked."""

    name = "memory"
    label = "Memory"
    events = frozenset(Event)

    def __init__(self) -> None:
        self.batch = 10
        self.limit: Limit | None = None
        self.parcels: list[Parcel] = []
        """Everything that took effect, in order."""
        self.plan: list[ProviderError | type[Later] | type[Unknown] | None] = []
        """What happens to the next calls."""
        self.fault: ProviderError | None = None
        """What every call ends with."""
        self.refused: set[str] = set()
        """Subjects that it never takes."""
        self.stuck: set[str] = set()
        """Subjects that it does not take for now."""
        self.during: Callable[[], None] | None = None
        """What happens once, while a call is under way."""
        self.hangs = False
        self.reached = asyncio.Event()
        """Set when a call that hangs has come."""
        self.times: list[float] = []
        """When calls went out, by the clock of the pace."""

    def limits(self, settings: Mapping[str, object]) -> Mapping[str, Limit]:
        return {"": self.limit} if self.limit else {}

    def receiver(self, opening: Opening) -> Receiver:
        return _MemoryReceiver(self, opening)

    @property
    def keys(self) -> list[str]:
        return [parcel.key for parcel in self.parcels]

    @property
    def said(self) -> list[str]:
        """Subjects of activities, and events of the rest."""
        return [parcel.activity.subject if parcel.activity else parcel.event for parcel in self.parcels]


class _MemoryReceiver(Receiver):
    def __init__(self, kind: Memory, opening: Opening) -> None:
        self._kind = kind
        self._opening = opening

    async def check(self) -> str:
        return "It is there."

    async def deliver(self, parcels: Sequence[Parcel]) -> list[Outcome]:
        kind = self._kind
        await self._opening.pace.turn()
        kind.times.append(self._opening.pace.now())  # type: ignore[attr-defined]
        if kind.hangs:
            kind.reached.set()
            await asyncio.Event().wait()
        if kind.during:
            kind.during, work = None, kind.during
            work()
        planned = kind.fault or (kind.plan.pop(0) if kind.plan else None)
        if isinstance(planned, Exception):
            raise planned
        outcomes: list[Outcome] = []
        waiting: set[int] = set()
        for parcel in parcels:
            lead = parcel.lead.id if parcel.lead else 0
            outcome = (
                Later("It waits for the one before.") if lead in waiting else self._take(parcel, planned)
            )
            if isinstance(outcome, Later | Unknown):
                waiting.add(lead)
            outcomes.append(outcome)
        return outcomes

    def _take(self, parcel: Parcel, planned: type[Later] | type[Unknown] | None) -> Outcome:
        subject = parcel.activity.subject if parcel.activity else ""
        if parcel.maybe_sent and parcel.key in self._kind.keys:
            return Delivered(f"there-{parcel.key[:8]}")
        if planned is Later or subject in self._kind.stuck:
            return Later("Not now.")
        if subject in self._kind.refused:
            return Refused("It takes no such thing.")
        self._kind.parcels.append(parcel)
        if planned is Unknown:
            return Unknown("The answer was lost.")
        remote_lead = f"lead-{parcel.lead.id}" if parcel.lead else ""
        return Delivered(f"there-{parcel.key[:8]}", remote_lead, "request-1")
