"""Opening a mailbox at its provider."""

import aiohttp
from django.conf import settings

from postroom.connector.grants import GrantTokens
from postroom.connector.models import Mailbox
from postroom.connector.secrets import google_client
from postroom.providers.base import Client, MailSource, OAuth
from postroom.providers.gmail.client import GmailClient
from postroom.providers.gmail.endpoints import Endpoints
from postroom.providers.gmail.oauth import GoogleOAuth
from postroom.providers.gmail.quota import Budget
from postroom.providers.gmail.source import GmailSource
from postroom.threads import in_thread

_budgets: dict[int, Budget] = {}


def oauth_of(client: Client, session: aiohttp.ClientSession) -> OAuth:
    return GoogleOAuth(session, client, endpoints())


def endpoints() -> Endpoints:
    return Endpoints.at(settings.POSTROOM.google_url)


async def open_source(mailbox: Mailbox, session: aiohttp.ClientSession) -> MailSource:
    """The mailbox's ``MailSource``. Raises ``Misconfigured`` where there is no OAuth client."""
    client = await in_thread(google_client, mailbox.account_id)
    tokens = GrantTokens(mailbox.account_id, mailbox.pk, oauth_of(client, session))
    gmail = GmailClient(session, tokens, endpoints(), _budget(mailbox.pk))
    return GmailSource(gmail, settings.POSTROOM.google_topic)


def _budget(mailbox_id: int) -> Budget:
    """One budget a mailbox and process; passes of a mailbox never overlap."""
    if mailbox_id not in _budgets:
        _budgets[mailbox_id] = Budget(settings.POSTROOM.gmail_units_per_minute)
    return _budgets[mailbox_id]
