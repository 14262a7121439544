"""Gmail as a whole."""

import aiohttp

from postroom.config import Config
from postroom.errors import AccountRefused, AuthorizationLost, PostroomError
from postroom.providers.base import Client, Delegate, Delegation, MailSource, Opening
from postroom.providers.gmail.client import GmailClient
from postroom.providers.gmail.delegation import DelegatedTokens, checked_key, read_key
from postroom.providers.gmail.endpoints import Endpoints
from postroom.providers.gmail.oauth import GoogleOAuth, explain
from postroom.providers.gmail.quota import Budget
from postroom.providers.gmail.source import GmailSource
from postroom.providers.held_tokens import TokenTable
from postroom.providers.recent import Recent

MADE_UP = "postroom-asks-whether-this-client-is-known"
MOST_BUDGETS = 20_000
"""Mailboxes whose budgets are held; one that was not looked at for long begins anew, empty."""


class Gmail:
    """Google Workspace's mail."""

    company = "Google"
    callback = "oauth/google/callback/"
    variables = "POSTROOM_GOOGLE"
    permissions_page = "myaccount.google.com/permissions"
    has_tenants = False
    has_service_accounts = True

    def __init__(self) -> None:
        self._budgets: Recent[str, Budget] = Recent(MOST_BUDGETS)
        """One a mailbox and process; passes of a mailbox never overlap."""
        self._delegated = TokenTable()

    def client(self, config: Config) -> Client | None:
        found = Client(config.google_client_id, config.google_client_secret)
        return found if found.id else None

    def oauth(self, client: Client, session: aiohttp.ClientSession, config: Config) -> GoogleOAuth:
        return GoogleOAuth(session, client, Endpoints.at(config.google_url))

    def source(self, opening: Opening) -> MailSource:
        config = opening.config
        budget = self._budgets.get_or_make(opening.key, lambda: Budget(config.gmail_units_per_minute))
        gmail = GmailClient(opening.session, opening.tokens, Endpoints.at(config.google_url), budget)
        return GmailSource(gmail, config.google_topic)

    def delegate(self, delegation: Delegation) -> Delegate:
        account = checked_key(delegation.key)
        return Delegate(account.email, account.client_id)

    def tokens_for(
        self, user: str, delegation: Delegation, session: aiohttp.ClientSession, config: Config
    ) -> DelegatedTokens:
        account, ends = read_key(delegation.key), Endpoints.at(config.google_url)
        return DelegatedTokens(account, user, session, ends, self._delegated)

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
