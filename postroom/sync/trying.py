"""Trying an OAuth client at its provider before it is relied on (R-020)."""

import asyncio

import aiohttp
from asgiref.sync import async_to_sync

from postroom.connector.models import Provider
from postroom.errors import AuthorizationLost, Unavailable
from postroom.providers.base import Client
from postroom.providers.http import open_session
from postroom.sync.sources import oauth_of

SECONDS = 20
MADE_UP = "postroom-asks-whether-this-client-is-known"


def try_client(provider: Provider, client: Client) -> None:
    """Ask the token endpoint with a refresh token that nobody has.

    A client that it knows is answered ``invalid_grant``, an unknown one ``invalid_client`` (RFC 6749
    section 5.2). Raises ``Misconfigured`` for that one, ``ProviderError`` where it cannot be asked.
    """

    async def ask() -> None:
        async with open_session() as session:
            await _ask(client, session)

    async_to_sync(ask)()


async def _ask(client: Client, session: aiohttp.ClientSession) -> None:
    try:
        async with asyncio.timeout(SECONDS):
            await oauth_of(client, session).refresh(MADE_UP)
    except AuthorizationLost:
        return
    except TimeoutError as error:
        raise Unavailable("The provider did not answer in time.") from error
