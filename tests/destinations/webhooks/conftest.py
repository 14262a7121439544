"""A listening endpoint, which the operator allows though it is on this machine."""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network

import pytest

from postroom.config import WebhookAllowance
from postroom.destinations.managing import create_destination
from postroom.destinations.models import Destination
from postroom.destinations.webhooks.settings import WebhookSettings, to_data
from postroom.destinations.webhooks.signing import new_secrets
from postroom.organisations.models import Account
from tests.destinations.webhooks.listener import Listener


@pytest.fixture
def listener(settings) -> Iterator[Listener]:
    allowance = WebhookAllowance(networks=(ip_network("127.0.0.0/8"),))
    settings.POSTROOM = replace(settings.POSTROOM, webhook_allow=allowance)
    endpoint = Listener()
    endpoint.start()
    try:
        yield endpoint
    finally:
        endpoint.stop()


@pytest.fixture
def webhook(listener: Listener, account: Account) -> Destination:
    return open_webhook(listener, account)


def open_webhook(listener: Listener, account: Account, **choices: object) -> Destination:
    secrets = new_secrets()
    listener.secret = str(secrets["secret"])
    chosen = WebhookSettings(f"{listener.origin}/hook", **choices)  # type: ignore[arg-type]
    return create_destination(account, "webhook", "Webhook", to_data(chosen), secrets, None)
