"""Gmail as a whole."""

import aiohttp

from postroom.config import Config
from postroom.errors import AccountRefused, AuthorizationLost, PostroomError
from postroom.providers.base import Client, MailSource, Opening
from postroom.providers.gmail.client import GmailClient
from postroom.providers.gmail.endpoints import Endpoints
from postroom.providers.gmail.oauth import GoogleOAuth, explain
from postroom.providers.gmail.quota import Budget
from postroom.providers.gmail.source import GmailSource

MADE_UP = "postroom-asks-whether-this-client-is-known"


class Gmail:
    """Google Workspace's mail."""

    company = "Google"
    callback = "oauth/google/callback/"
    variables = "POSTROOM_GOOGLE"
    permissions_page = "myaccount.google.com/permissions"
    has_tenants = False

    def __init__(self) -> None:
        self._budgets: dict[str, Budget] = {}
        """One a mailbox and process; passes of a mailbox never overlap."""

    def client(self, config: Config) -> Client | None:
        found = Client(config.google_client_id, config.google_client_secret)
        return found if found.id else None

    def oauth(self, client: Client, session: aiohttp.ClientSession, config: Config) -> GoogleOAuth:
        return GoogleOAuth(session, client, Endpoints.at(config.google_url))

    def source(self, opening: Opening) -> MailSource:
        config = opening.config
        budget = self._budgets.setdefault(opening.key, Budget(config.gmail_units_per_minute))
        gmail = GmailClient(opening.session, opening.tokens, Endpoints.at(config.google_url), budget)
        return GmailSource(gmail, config.google_topic)

    def pushes(self, config: Config) -> bool:
        return bool(config.google_topic)

    def explain(self, error: str, description: str) -> PostroomError:
        return AccountRefused(explain(error))

    async def check(self, client: Client, session: aiohttp.ClientSession, config: Config) -> None:
        """With a refresh token that nobody has: ``invalid_grant`` where the client is known, else
        ``invalid_client`` (RFC 6749 section 5.2)."""
        try:
            await self.oauth(client, session, config).refresh(MADE_UP)
        except AuthorizationLost:
            return
