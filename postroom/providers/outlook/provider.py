"""Outlook as a whole."""

import aiohttp

from postroom.config import Config
from postroom.errors import AuthorizationLost, PostroomError
from postroom.providers.base import Client, MailSource, Opening
from postroom.providers.outlook.client import GraphClient
from postroom.providers.outlook.endpoints import Endpoints
from postroom.providers.outlook.notifications import Push, client_state
from postroom.providers.outlook.oauth import MicrosoftOAuth, explain
from postroom.providers.outlook.quota import Pace
from postroom.providers.outlook.source import OutlookSource

MADE_UP = "postroom-asks-whether-this-client-is-known"
ANY_TENANT = "organizations"


class Outlook:
    """Microsoft 365's mail."""

    company = "Microsoft"
    callback = "oauth/outlook/callback/"
    variables = "POSTROOM_MICROSOFT"
    permissions_page = "myapps.microsoft.com"
    has_tenants = True

    def __init__(self) -> None:
        self._paces: dict[str, Pace] = {}
        """One a mailbox and process."""

    def client(self, config: Config) -> Client | None:
        found = Client(config.microsoft_client_id, config.microsoft_client_secret, config.microsoft_tenant)
        return found if found.id else None

    def oauth(self, client: Client, session: aiohttp.ClientSession, config: Config) -> MicrosoftOAuth:
        ends = Endpoints.at(config.microsoft_url, client.tenant or ANY_TENANT)
        return MicrosoftOAuth(session, client, ends)

    def source(self, opening: Opening) -> MailSource:
        config = opening.config
        pace = self._paces.setdefault(opening.key, Pace())
        graph = GraphClient(opening.session, opening.tokens, Endpoints.at(config.microsoft_url), pace)
        secret = client_state(opening.push_secret, opening.key)
        push = Push(f"{config.public_url}/push/outlook/{opening.key}/", secret)
        return OutlookSource(graph, push if self.pushes(config) else None)

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
