"""Trying an OAuth client at its provider before it is relied on (R-020)."""

import asyncio

from asgiref.sync import async_to_sync
from django.conf import settings

from postroom.connector.models import Provider
from postroom.errors import Unavailable
from postroom.providers.base import Client
from postroom.providers.http import open_session
from postroom.providers.registry import PROVIDERS

SECONDS = 20


def try_client(provider: Provider, client: Client) -> None:
    """Ask the provider whether it knows the client.

    Raises ``Misconfigured`` where it does not, ``ProviderError`` where it cannot be asked.
    """

    async def ask() -> None:
        async with open_session() as session:
            try:
                async with asyncio.timeout(SECONDS):
                    await PROVIDERS[provider].check(client, session, settings.POSTROOM)
            except TimeoutError as error:
                raise Unavailable("The provider did not answer in time.") from error

    async_to_sync(ask)()
