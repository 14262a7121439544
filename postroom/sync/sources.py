"""Opening a mailbox at its provider."""

import aiohttp
from django.conf import settings

from postroom.connector.grants import GrantTokens
from postroom.connector.models import Mailbox
from postroom.connector.organisation_access import delegation_of
from postroom.connector.secrets import client_of, sealer
from postroom.errors import AuthorizationLost, Misconfigured
from postroom.providers.base import Client, MailSource, OAuth, Opening
from postroom.providers.registry import PROVIDERS
from postroom.threads import in_thread

PUSH = "push"
"""What the secrets are derived for that pushes carry."""


def oauth_of(provider: str, client: Client, session: aiohttp.ClientSession) -> OAuth:
    return PROVIDERS[provider].oauth(client, session, settings.POSTROOM)


async def open_source(mailbox: Mailbox, session: aiohttp.ClientSession) -> MailSource:
    """The mailbox's ``MailSource``.

    Raises ``Misconfigured`` where there is no OAuth client, and ``AuthorizationLost`` where the organisation
    has taken back what the mailbox is opened by.
    """
    if mailbox.by_organisation:
        where = mailbox.account_id, mailbox.provider
        return await open_by_organisation(*where, mailbox.address, session, key=str(mailbox.pk))
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


async def open_by_organisation(
    account_id: int, provider: str, address: str, session: aiohttp.ClientSession, *, key: str
) -> MailSource:
    """The ``MailSource`` of ``address``, with nobody signed in. Raises ``AuthorizationLost``.

    ``key`` is the mailbox's, or what stands for it until there is one.
    """
    delegation = await in_thread(delegation_of, account_id, provider)
    kind = PROVIDERS[provider]
    try:
        tokens = kind.tokens_for(address, delegation, session, settings.POSTROOM)
    except Misconfigured as error:
        raise AuthorizationLost(str(error)) from error
    opening = Opening(key, tokens, session, settings.POSTROOM, push_secrets()[0], address)
    return kind.source(opening)


def push_secrets() -> tuple[bytes, ...]:
    """What pushes are known by; those of retired keys count until the watches they were made for end."""
    return sealer().derived(PUSH)
