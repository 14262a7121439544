"""Outlook as a whole."""

import aiohttp

from postroom.config import Config
from postroom.errors import AuthorizationLost, Misconfigured, PostroomError
from postroom.providers.base import Client, Delegate, Delegation, MailSource, Opening
from postroom.providers.held_tokens import TokenTable
from postroom.providers.outlook.client import GraphClient
from postroom.providers.outlook.endpoints import Endpoints
from postroom.providers.outlook.notifications import Push, client_state
from postroom.providers.outlook.oauth import PERSONAL_TENANT, AppTokens, MicrosoftOAuth, explain
from postroom.providers.outlook.quota import Pace
from postroom.providers.outlook.source import OutlookSource
from postroom.providers.recent import Recent

MADE_UP = "postroom-asks-whether-this-client-is-known"
ANY_TENANT = "organizations"
NO_TENANT = frozenset({ANY_TENANT, "common", "consumers", PERSONAL_TENANT})
"""What names no organisation."""
MOST_PACES = 20_000
"""Mailboxes whose pace is held."""
NO_CLIENT = "There is no OAuth client for Outlook yet. Enter one first, with your organisation's tenant id."
WHICH_TENANT = (
    "The OAuth client for Outlook does not say which organisation it is for. Enter your tenant's id or domain"
    " beside it first."
)


class Outlook:
    """Microsoft 365's mail."""

    company = "Microsoft"
    callback = "oauth/outlook/callback/"
    variables = "POSTROOM_MICROSOFT"
    permissions_page = "myapps.microsoft.com"
    has_tenants = True
    has_service_accounts = False

    def __init__(self) -> None:
        self._paces: Recent[str, Pace] = Recent(MOST_PACES)
        """One a mailbox and process."""
        self._delegated = TokenTable()

    def client(self, config: Config) -> Client | None:
        found = Client(config.microsoft_client_id, config.microsoft_client_secret, config.microsoft_tenant)
        return found if found.id else None

    def oauth(self, client: Client, session: aiohttp.ClientSession, config: Config) -> MicrosoftOAuth:
        ends = Endpoints.at(config.microsoft_url, client.tenant or ANY_TENANT)
        return MicrosoftOAuth(session, client, ends)

    def source(self, opening: Opening) -> MailSource:
        config = opening.config
        pace = self._paces.get_or_make(opening.key, Pace)
        ends = Endpoints.at(config.microsoft_url)
        graph = GraphClient(opening.session, opening.tokens, ends, pace, opening.user)
        secret = client_state(opening.push_secret, opening.key)
        push = Push(f"{config.public_url}/push/outlook/{opening.key}/", secret)
        return OutlookSource(graph, push if self.pushes(config) else None)

    def delegate(self, delegation: Delegation) -> Delegate:
        """The application, in the one organisation that its client is limited to."""
        client = delegation.client
        if client is None:
            raise Misconfigured(NO_CLIENT)
        if client.tenant.lower() in NO_TENANT or not client.tenant:
            raise Misconfigured(WHICH_TENANT)
        return Delegate(client.tenant, client.id)

    def tokens_for(
        self, user: str, delegation: Delegation, session: aiohttp.ClientSession, config: Config
    ) -> AppTokens:
        """The same for every user; whose mailbox it is, the path says."""
        self.delegate(delegation)
        if delegation.client is None:
            raise Misconfigured(NO_CLIENT)
        return AppTokens(self.oauth(delegation.client, session, config), self._delegated)

    def pushes(self, config: Config) -> bool:
        """Graph posts to https only."""
        return config.public_url.startswith("https://") or bool(config.microsoft_url)

    def explain(self, error: str, description: str) -> PostroomError:
        return explain(error, description)

    async def check(self, client: Client, session: aiohttp.ClientSession, config: Config) -> None:
        """By the client's own token where its tenant is named, else with a refresh token that nobody has."""
        oauth = self.oauth(client, session, config)
        if client.tenant:
            await oauth.by_itself()
            return
        try:
            await oauth.refresh(MADE_UP)
        except AuthorizationLost:
            return
