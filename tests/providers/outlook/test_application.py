"""Outlook by the application's own permission keeps the promises of every provider, and its refusals."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from postroom.errors import AuthorizationLost, Misconfigured
from postroom.providers.base import Client, Delegation
from postroom.providers.held_tokens import TokenTable
from postroom.providers.http import open_session
from postroom.providers.outlook.client import GraphClient
from postroom.providers.outlook.endpoints import Endpoints
from postroom.providers.outlook.oauth import PERSONAL_TENANT, AppTokens, MicrosoftOAuth
from postroom.providers.outlook.provider import Outlook
from postroom.providers.outlook.quota import Pace
from postroom.providers.outlook.source import OutlookSource
from postroom.sandbox.microsoft import MicrosoftSandbox
from tests.providers.contract import ADDRESS
from tests.providers.outlook import test_contract
from tests.providers.outlook.room import CLIENT, Intake, OutlookRoom


class ApplicationRoom(OutlookRoom):
    """Rita's mailbox, which nobody but her organisation opened."""

    remedy = "administrator consent"
    tenant = "northwind.example"

    def __init__(
        self, microsoft: MicrosoftSandbox, origin: str, session: aiohttp.ClientSession, intake: str = ""
    ) -> None:
        super().__init__(microsoft, origin, session, intake)
        self.app = microsoft.apps[CLIENT.id]
        self.app.admin_consents.add(microsoft.accounts[ADDRESS].tid)

    def app_tokens(self, secret: str = CLIENT.secret) -> AppTokens:
        ends = Endpoints.at(self.origin, self.tenant)
        return AppTokens(MicrosoftOAuth(self.session, Client(CLIENT.id, secret), ends), self.table)

    def client(self, user: str = ADDRESS) -> GraphClient:
        pace = Pace(clock=self.clock, sleep=self.clock.sleep)
        return GraphClient(self.session, self.app_tokens(), Endpoints.at(self.origin), pace, user)

    def expire_access(self) -> None:
        self.microsoft.tokens.expire_access()

    def revoke(self) -> None:
        """A token that is out lives on to its end, an hour or so."""
        self.app.admin_consents.clear()
        self.microsoft.tokens.expire_access()


@pytest_asyncio.fixture
async def room(
    microsoft: MicrosoftSandbox, intake: Intake, _served: tuple[MicrosoftSandbox, str]
) -> AsyncIterator[ApplicationRoom]:
    app = web.Application()
    app.router.add_route("POST", "/push", intake.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with open_session() as session:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/push"
        room = ApplicationRoom(microsoft, _served[1], session, url)
        await room.app_tokens().access_token()
        yield room
    await runner.cleanup()


class TestContract(test_contract.TestContract):
    pass


@pytest.mark.asyncio
async def test_rbac_for_applications_opens_its_scope_only(room: ApplicationRoom) -> None:
    """ "Role Based Access Control for Applications in Exchange Online": the token shows nothing of it."""
    room.microsoft.add_account("sam@northwind.example")
    room.app.application_permissions = frozenset()
    room.app.scoped_mailboxes = frozenset({ADDRESS})
    room.expire_access()
    source = room.source()
    assert await source.address() == ADDRESS
    assert await source.start()
    assert await source.watch() is not None
    await source.unwatch()
    with pytest.raises(AuthorizationLost, match="outside of the group"):
        await OutlookSource(room.client("sam@northwind.example"), None).start()


@pytest.mark.asyncio
async def test_an_unknown_user_is_told_so(room: ApplicationRoom) -> None:
    with pytest.raises(AuthorizationLost, match="no user of this address"):
        await OutlookSource(room.client("nobody@northwind.example"), None).start()


@pytest.mark.asyncio
async def test_a_user_of_another_organisation_is_unknown(room: ApplicationRoom) -> None:
    room.microsoft.add_account("eve@elsewhere.example")
    with pytest.raises(AuthorizationLost, match="no user of this address"):
        await OutlookSource(room.client("eve@elsewhere.example"), None).start()


@pytest.mark.asyncio
async def test_what_entra_refuses_is_said(room: ApplicationRoom) -> None:
    """AADSTS7000215, 7000222, 7000112, 700016 and 90002 of the error codes' page."""
    room.table = TokenTable()
    with pytest.raises(AuthorizationLost, match="client secret: it is wrong"):
        await room.app_tokens("wrong").access_token()
    room.app.secret_expired = True
    with pytest.raises(AuthorizationLost, match="has expired"):
        await room.app_tokens().access_token()
    room.app.secret_expired, room.app.disabled = False, True
    with pytest.raises(AuthorizationLost, match="disabled"):
        await room.app_tokens().access_token()
    room.app.disabled = False
    room.app.admin_consents.clear()
    with pytest.raises(AuthorizationLost, match="administrator consent"):
        await room.app_tokens().access_token()
    room.tenant = "nowhere.example"
    with pytest.raises(AuthorizationLost, match="does not know this organisation"):
        await room.app_tokens().access_token()


@pytest.mark.asyncio
async def test_one_token_serves_all_mailboxes_and_only_with_the_secret(room: ApplicationRoom) -> None:
    first = await room.app_tokens().access_token()
    assert await room.app_tokens().access_token() == first
    with pytest.raises(AuthorizationLost):
        await room.app_tokens("wrong").access_token()


@pytest.mark.parametrize("tenant", ["", "common", "organizations", "consumers", "Common", PERSONAL_TENANT])
def test_the_client_must_name_one_organisation(tenant: str) -> None:
    with pytest.raises(Misconfigured, match="which organisation"):
        Outlook().delegate(Delegation(Client("id", "secret", tenant)))
    with pytest.raises(Misconfigured, match="no OAuth client"):
        Outlook().delegate(Delegation())


def test_the_delegate_is_the_application_in_its_tenant() -> None:
    delegate = Outlook().delegate(Delegation(Client("id", "secret", "northwind.example")))
    assert (delegate.name, delegate.id) == ("northwind.example", "id")
