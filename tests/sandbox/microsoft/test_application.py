"""Microsoft's own libraries, unchanged, with an application's secret and no signed-in user."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import AioHttpTransport
from azure.identity.aio import ClientSecretCredential
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.models.o_data_errors.o_data_error import ODataError

from postroom.sandbox.microsoft import MicrosoftSandbox
from postroom.sandbox.microsoft.accounts import App

from .conftest import MAYA, OMAR, letter

pytestmark = [pytest.mark.asyncio, pytest.mark.filterwarnings("ignore:This class is deprecated")]
DOMAIN = "northwind.example"


class ToTheSandbox(AioHttpTransport):
    """The library speaks to https only; what it sends there goes to the sandbox instead."""

    def __init__(self, origin: str) -> None:
        super().__init__()
        self._origin = origin

    async def send(self, request: Any, **options: Any) -> Any:
        request.url = self._origin + request.url.removeprefix(f"https://{urlsplit(request.url).netloc}")
        return await super().send(request, **options)


@pytest.fixture
def app(sandbox: MicrosoftSandbox) -> App:
    app = next(iter(sandbox.apps.values()))
    app.admin_consents.add(sandbox.accounts[MAYA].tid)
    return app


def credential(app: App, origin: str, secret: str = "", tenant: str = DOMAIN) -> ClientSecretCredential:
    return ClientSecretCredential(
        tenant,
        app.client_id,
        secret or app.client_secret,
        transport=ToTheSandbox(origin),
        disable_instance_discovery=True,
    )


@pytest_asyncio.fixture
async def sdk(app: App, origin: str) -> AsyncIterator[GraphServiceClient]:
    async with credential(app, origin) as credentials:
        scopes = ["https://graph.microsoft.com/.default"]
        adapter = GraphRequestAdapter(AzureIdentityAuthenticationProvider(credentials, scopes=scopes))
        adapter.base_url = f"{origin}/v1.0"
        yield GraphServiceClient(request_adapter=adapter)
        await adapter._http_client.aclose()


async def test_it_reads_the_mailboxes_of_the_tenant(
    sdk: GraphServiceClient, sandbox: MicrosoftSandbox
) -> None:
    made = sandbox.deliver(MAYA, letter("To Maya"))
    for user, found in ((MAYA, [made.id]), (OMAR, [])):
        inbox = sdk.users.by_user_id(user).mail_folders.by_mail_folder_id("inbox")
        messages = await inbox.messages.get()
        assert messages is not None
        assert [message.id for message in messages.value or []] == found


async def test_rbac_for_applications_gives_a_scope_of_mailboxes(
    sdk: GraphServiceClient, sandbox: MicrosoftSandbox, app: App
) -> None:
    """ "Role Based Access Control for Applications in Exchange Online"."""
    app.application_permissions, app.scoped_mailboxes = frozenset(), frozenset({MAYA})
    messages = await sdk.users.by_user_id(MAYA).messages.get()
    assert messages is not None
    with pytest.raises(ODataError) as denied:
        await sdk.users.by_user_id(OMAR).messages.get()
    assert denied.value.error is not None
    assert (denied.value.response_status_code, denied.value.error.code) == (403, "ErrorAccessDenied")
    app.scoped_mailboxes = None
    with pytest.raises(ODataError):
        await sdk.users.by_user_id(MAYA).messages.get()


async def test_what_entra_gives_counts_besides_the_scope(sdk: GraphServiceClient, app: App) -> None:
    """ "Permissions are additive": a tenant-wide consent is not narrowed by a scoped role."""
    app.scoped_mailboxes = frozenset({MAYA})
    assert await sdk.users.by_user_id(OMAR).messages.get() is not None


async def test_an_unknown_user_is_told_in_exchanges_words(sdk: GraphServiceClient) -> None:
    with pytest.raises(ODataError) as unknown:
        await sdk.users.by_user_id("nobody@northwind.example").messages.get()
    assert unknown.value.error is not None
    assert (unknown.value.response_status_code, unknown.value.error.code) == (404, "ErrorInvalidUser")


@pytest.mark.parametrize(
    ("secret", "tenant", "consents", "code"),
    [
        ("wrong", DOMAIN, True, "AADSTS7000215"),
        ("", "nowhere.example", True, "AADSTS90002"),
        ("", DOMAIN, False, "AADSTS700016"),
    ],
)
async def test_entra_refuses_in_codes(
    app: App, origin: str, secret: str, tenant: str, consents: bool, code: str
) -> None:
    if not consents:
        app.admin_consents.clear()
    async with credential(app, origin, secret, tenant) as credentials:
        with pytest.raises(ClientAuthenticationError, match=code):
            await credentials.get_token("https://graph.microsoft.com/.default")
