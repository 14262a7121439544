"""An account with leads, and a destination in memory that takes everything."""

import pytest

from postroom.crm.models import Lead
from postroom.destinations.managing import create_destination
from postroom.destinations.models import Destination
from postroom.destinations.registry import KINDS
from postroom.organisations.models import Account
from tests.destinations.room import Clock, Memory, Told
from tests.sync.conftest import account, google, mailbox, make_lead, rita, sam, sync

__all__ = ["account", "google", "mailbox", "rita", "sam", "sync"]


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    kind = Memory()
    monkeypatch.setitem(KINDS, kind.name, kind)  # type: ignore[arg-type]
    return kind


@pytest.fixture
def destination(account: Account, memory: Memory) -> Destination:
    return create_destination(account, "memory", "Memory", {}, {"key": "secret"}, None)


@pytest.fixture
def carol(account: Account, destination: Destination) -> Lead:
    return make_lead(account, "carol@customer.example")


@pytest.fixture
def dave(account: Account, destination: Destination) -> Lead:
    return make_lead(account, "dave@customer.example")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def told() -> Told:
    return Told()
