"""The contract, kept by a receiver in memory: what outbox and drain promise by themselves."""

import random
from collections.abc import Sequence

import pytest

from postroom.destinations.base import Later, Unknown
from postroom.destinations.managing import create_destination
from postroom.destinations.models import Destination
from postroom.errors import AuthorizationLost, Throttled, Unavailable
from postroom.organisations.models import Account
from tests.destinations.contract import Arrival, Desk, DestinationContract
from tests.destinations.room import Memory


class MemoryDesk(Desk):
    asks = True

    def __init__(self, kind: Memory) -> None:
        self._kind = kind

    def open(self, account: Account) -> Destination:
        events = ["lead.created", "activity.created"]
        return create_destination(account, "memory", "Memory", {"events": events}, {}, None)

    def arrivals(self) -> Sequence[Arrival]:
        return [
            Arrival(parcel.key, parcel.lead.email if parcel.lead else "", parcel.activity.subject)
            for parcel in self._kind.parcels
            if parcel.activity
        ]

    def refuse(self, subject: str) -> None:
        self._kind.refused = {subject}

    def lose_answers(self, times: int) -> None:
        self._kind.plan += [Unknown] * times

    def fail(self, share: float, times: int) -> None:
        dice = random.Random(1)
        self._kind.plan += [Later if dice.random() < share else None for _ in range(times)]

    def throttle(self, seconds: int, times: int) -> None:
        self._kind.plan += [Throttled(retry_after=seconds)] * times

    def go_down(self) -> None:
        self._kind.fault = Unavailable("It is down.")

    def come_back(self) -> None:
        self._kind.fault = None

    def revoke_keys(self) -> None:
        self._kind.fault = AuthorizationLost("Its keys are no longer good.")

    def restore_keys(self) -> None:
        self._kind.fault = None


@pytest.fixture
def desk(memory: Memory) -> Desk:
    return MemoryDesk(memory)


class TestMemory(DestinationContract):
    pass
