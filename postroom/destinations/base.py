"""The port that every destination fills, and the values that pass through it.

A destination gets ``Parcel`` values, never rows: what a lead or an activity is at the moment of sending, with
no more in it than the policy and the destination's own settings let out.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import aiohttp

from postroom.config import Config


class Event(StrEnum):
    """What happened, as it is stored and as a webhook names it."""

    LEAD_CREATED = "lead.created"
    LEAD_UPDATED = "lead.updated"
    LEAD_MERGED = "lead.merged"
    LEAD_DELETED = "lead.deleted"
    ACTIVITY_CREATED = "activity.created"
    ACTIVITY_UPDATED = "activity.updated"
    ACTIVITY_DELETED = "activity.deleted"


@dataclass(frozen=True, slots=True)
class LeadData:
    """A lead as it is at the moment of sending."""

    id: int
    first_name: str
    last_name: str
    email: str
    phone: str = ""
    company: str = ""
    source: str = ""
    owner: str = ""
    """Mail address of the user who owns it; "" where nobody does."""
    custom: Mapping[str, str] = field(default_factory=dict)
    """The account's own fields by name, as a person reads them."""
    remote_id: str = ""
    """What the destination calls it; "" as long as that is not known."""


@dataclass(frozen=True, slots=True)
class FileData:
    """An attachment that was captured."""

    filename: str
    content_type: str
    size: int
    sha256: str
    inline: bool = False


@dataclass(frozen=True, slots=True)
class ActivityData:
    """One mail on one lead; what the policy left out is empty (R-040)."""

    id: int
    kind: str
    """``email_sent`` or ``email_received``."""
    happened_at: datetime
    message_id: str
    conversation: str
    from_: tuple[str, str]
    """Address and display name; likewise the others."""
    to: tuple[tuple[str, str], ...]
    cc: tuple[tuple[str, str], ...] = ()
    bcc: tuple[tuple[str, str], ...] = ()
    subject: str = ""
    text: str = ""
    html: str = ""
    reps: tuple[str, ...] = ()
    """Addresses of the users in whose mailboxes it is, who sent it first."""
    files: tuple[FileData, ...] = ()
    remote_id: str = ""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One thing to deliver."""

    key: str
    """UUID, the same at every attempt: by it a receiver tells a repetition."""
    event: Event
    at: datetime
    """When it happened here, not when it is sent."""
    lead: LeadData | None = None
    activity: ActivityData | None = None
    gone: Mapping[str, str] = field(default_factory=dict)
    """Of a deletion or a merge: the ids, here and there, of what went and of what stayed."""
    maybe_sent: bool = False
    """Whether an earlier attempt ended without an answer: ask before sending it again."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """It is there."""

    remote_id: str = ""
    """What the destination calls the thing delivered, where it tells."""
    remote_lead_id: str = ""
    request_id: str = ""
    said: str = ""
    """What to note beside it, such as that the destination leaves such a thing as it is."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The destination will never take this one; the next can be sent."""

    reason: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Later:
    """Not now: nothing of it arrived, and it may be tried again."""

    reason: str
    request_id: str = ""
    tried: bool = True
    """Whether it was sent at all; what only waited for another of its lead uses up no attempt."""
    retry_after: float = 0.0
    """Seconds for which the destination wants nothing at all any more; that uses up no attempt either."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """It was sent, and no answer came: it may have arrived."""

    reason: str
    request_id: str = ""


Outcome = Delivered | Refused | Later | Unknown


@dataclass(frozen=True, slots=True)
class Limit:
    """So many calls within so many seconds."""

    calls: int
    seconds: float


class Pace(Protocol):
    """The destination's limits, kept for all workers together."""

    async def turn(self, *limits: str) -> None:
        """Wait until one more call may go out by all the limits of these names, "" where none is given.

        Those without a limit wait for nothing. Raises ``Throttled`` where the wait would be too long to
        hold a worker for.
        """
        ...


class Files(Protocol):
    """The bytes of attachments."""

    def read(self, sha256: str) -> AsyncIterator[bytes]: ...


@dataclass(frozen=True, slots=True)
class Opening:
    """What a destination needs to be opened."""

    settings: Mapping[str, object]
    secrets: Mapping[str, object]
    session: aiohttp.ClientSession
    pace: Pace
    files: Files
    config: Config


class Receiver(Protocol):
    """An opened destination.

    Methods raise of ``ProviderError`` only: ``AuthorizationLost`` (its keys are no longer good),
    ``Throttled``, ``Unavailable``; or ``Misconfigured``, whose sentence says what to change.
    """

    async def deliver(self, parcels: Sequence[Parcel]) -> list[Outcome]:
        """Send parcels, in their order where they concern one lead; an outcome for each, in place.

        Of those ``maybe_sent`` it asks first. An error raised means that nothing of any arrived.
        """
        ...

    async def check(self) -> str:
        """Whether it can be reached with these keys: a sentence with what answered."""
        ...


class DestinationKind(Protocol):
    """A kind of destination as a whole."""

    name: str
    """What it is stored as, such as ``leadsquared``."""
    label: str
    events: frozenset[Event]
    """What it can be told; of these ``settings["events"]`` chooses, where it is there."""
    batch: int
    """The most parcels of one ``deliver``."""

    def limits(self, settings: Mapping[str, object]) -> Mapping[str, Limit]:
        """Its limits by name, "" the one of all calls; empty where it has none."""
        ...

    def receiver(self, opening: Opening) -> Receiver: ...
