"""A batch of parcels on its way: what became of each so far, and what keeps the rest from being sent."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeVar

from postroom.destinations.base import Event, Files, Later, LeadData, Outcome, Parcel, Unknown
from postroom.destinations.leadsquared.client import LeadSquaredClient
from postroom.destinations.leadsquared.mapping import Known
from postroom.destinations.leadsquared.refusals import AnswerLost, NotAccepted
from postroom.destinations.leadsquared.settings import LeadSquaredSettings
from postroom.errors import Misconfigured, PostroomError, ProviderError, Throttled, Unavailable

Item = TypeVar("Item")

LONGEST = 120.0
"""Seconds after which no further call begins, so that what came of those before can be noted."""
NO_TIME = "There was no time left for it; it goes next."
WAITS = "It waits for what comes before it on this lead."


class Work(Enum):
    """What is done for a parcel; parcels of the same work on different leads can share a call."""

    MAKE = auto()
    POST = auto()
    CHANGE = auto()
    END = auto()


WORK: Mapping[Event, Work] = {
    Event.LEAD_CREATED: Work.MAKE,
    Event.ACTIVITY_CREATED: Work.POST,
    Event.LEAD_UPDATED: Work.CHANGE,
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the parcels go."""

    client: LeadSquaredClient
    settings: LeadSquaredSettings
    known: Known
    files: Files
    leads: dict[int, str] = field(default_factory=dict)
    """Ids there by our own, as far as they were learnt since it was opened."""


class Batch:
    """Parcels, by their place in the batch."""

    def __init__(self, parcels: Sequence[Parcel]) -> None:
        self.parcels = parcels
        self.outcomes: dict[int, Outcome] = {}
        self.fault: PostroomError | None = None
        """What keeps the rest from being sent."""
        self.deaf: PostroomError | None = None
        """What keeps LeadSquared from being asked what arrived."""
        self.arrived = False
        """Whether a call may have had an effect."""
        self._waiting: set[object] = set()
        """Leads on which something is still to be sent, so that what follows has to wait."""
        self._until = asyncio.get_running_loop().time() + LONGEST

    def lead(self, at: int) -> LeadData:
        """The lead of a parcel that has one."""
        lead = self.parcels[at].lead
        if lead is None:
            raise ValueError(f"{self.parcels[at].event} without a lead")
        return lead

    def open(self, these: Sequence[int]) -> list[int]:
        """Those of which nothing is known yet."""
        return [at for at in these if at not in self.outcomes]

    def ended(self) -> list[Outcome]:
        """The outcomes in place. Raises the fault that kept all of them from being sent."""
        unsent = all(isinstance(each, Later) for each in self.outcomes.values())
        fault = self.fault or self.deaf
        if fault and unsent and not self.arrived:
            raise fault
        return [self.outcomes[at] for at in range(len(self.parcels))]

    def note(self, at: int, outcome: Outcome) -> None:
        self.outcomes[at] = outcome
        if isinstance(outcome, Later | Unknown):
            self._waiting.add(lead_of(self.parcels[at]))

    def must_wait(self, at: int) -> bool:
        if not self.stopped([at]) and lead_of(self.parcels[at]) in self._waiting:
            self.note(at, Later(WAITS, tried=False))
        return at in self.outcomes

    def stopped(self, these: Sequence[int]) -> bool:
        """Whether nothing more is to be sent, which is then what became of these."""
        if not self.fault and asyncio.get_running_loop().time() > self._until:
            self.fault = Unavailable(NO_TIME)
        if self.fault:
            for at in these:
                self.note_unsent(at, self.fault)
        return self.fault is not None

    def note_unsent(self, at: int, fault: PostroomError, *, tried: bool = False) -> None:
        """Nothing of it arrived at this try; whether it did at an earlier one is as open as before."""
        wait = fault.retry_after if isinstance(fault, Throttled) else 0.0
        self.note(at, Later(str(fault), tried=tried and not self.parcels[at].maybe_sent, retry_after=wait))

    async def guarded(self, these: Sequence[int], call: Callable[[], Awaitable[None]]) -> None:
        """Make a call for parcels; those without an outcome afterwards get that of its fault.

        One that LeadSquared refuses as a whole raises ``NotAccepted``.
        """
        try:
            await call()
            self.arrived = True
        except AnswerLost as error:
            self.arrived = True
            for at in these:
                self.note(at, Unknown(str(error)))
        except NotAccepted:
            raise
        except (ProviderError, Misconfigured) as error:
            self.fault = error
            for at in these:
                self.note_unsent(at, error, tried=True)


def layers_of(parcels: Sequence[Parcel]) -> list[list[int]]:
    """Indexes of parcels, grouped so that of each lead's the work is the same within a group, and in order
    from group to group."""
    layers: list[list[int]] = []
    last: dict[object, tuple[int, Work]] = {}
    for at, parcel in enumerate(parcels):
        lead, work = lead_of(parcel), work_of(parcel)
        depth, before = last.get(lead, (0, work))
        depth += work != before
        last[lead] = depth, work
        while len(layers) <= depth:
            layers.append([])
        layers[depth].append(at)
    return layers


def lead_of(parcel: Parcel) -> object:
    """What keeps order: our lead's id; a parcel without any stands by itself."""
    return str(parcel.lead.id) if parcel.lead else parcel.gone.get("lead_id") or parcel.key


def work_of(parcel: Parcel) -> Work:
    return WORK.get(parcel.event, Work.END)


def chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
