"""The contract of all destinations, kept by webhooks over a real socket."""

from collections.abc import Sequence

import pytest

from postroom.destinations.base import Event
from postroom.destinations.models import Destination
from postroom.organisations.models import Account
from tests.destinations.contract import Arrival, Desk, DestinationContract
from tests.destinations.webhooks.conftest import open_webhook
from tests.destinations.webhooks.listener import Listener


class WebhookDesk(Desk):
    asks = False

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def open(self, account: Account) -> Destination:
        return open_webhook(self._listener, account, events=(Event.LEAD_CREATED, Event.ACTIVITY_CREATED))

    def arrivals(self) -> Sequence[Arrival]:
        return [
            Arrival(
                seen.headers["webhook-id"],
                seen.body["data"]["lead"]["email"],
                seen.body["data"]["activity"]["subject"],
            )
            for seen in self._listener.seen
            if seen.body["type"] == "activity.created"
        ]

    def refuse(self, subject: str) -> None:
        self._listener.refused = subject

    def lose_answers(self, times: int) -> None:
        self._listener.lost = times

    def fail(self, share: float, times: int) -> None:
        self._listener.dice(share, times)

    def throttle(self, seconds: int, times: int) -> None:
        self._listener.statuses = [429] * times
        self._listener.answer_headers = {"Retry-After": str(seconds)}

    def go_down(self) -> None:
        self._listener.stop()

    def come_back(self) -> None:
        self._listener.start_again()

    def revoke_keys(self) -> None:
        self._listener.always = 410

    def restore_keys(self) -> None:
        self._listener.always = 0


@pytest.fixture
def desk(listener: Listener) -> Desk:
    return WebhookDesk(listener)


class TestWebhooks(DestinationContract):
    pass
