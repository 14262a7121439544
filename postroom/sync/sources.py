"""Opening a mailbox at its provider."""

import aiohttp
from django.conf import settings

from postroom.connector.grants import GrantTokens
from postroom.connector.models import Mailbox
from postroom.connector.secrets import client_of, sealer
from postroom.providers.base import Client, MailSource, OAuth, Opening
from postroom.providers.registry import PROVIDERS
from postroom.threads import in_thread

PUSH = "push"
"""What the secrets are derived for that pushes carry."""


def oauth_of(provider: str, client: Client, session: aiohttp.ClientSession) -> OAuth:
    return PROVIDERS[provider].oauth(client, session, settings.POSTROOM)


async def open_source(mailbox: Mailbox, session: aiohttp.ClientSession) -> MailSource:
    """The mailbox's ``MailSource``. Raises ``Misconfigured`` where there is no OAuth client."""
    client = await in_thread(client_of, mailbox.account_id, mailbox.provider)
    oauth = oauth_of(mailbox.provider, client, session)
    opening = Opening(
        key=str(mailbox.pk),
        tokens=GrantTokens(mailbox.account_id, mailbox.pk, oauth),
        session=session,
        config=settings.POSTROOM,
        push_secret=push_secrets()[0],
    )
    return PROVIDERS[mailbox.provider].source(opening)


def push_secrets() -> tuple[bytes, ...]:
    """What pushes are known by; those of retired keys count until the watches they were made for end."""
    return sealer().derived(PUSH)
