"""The deployment's sealer, and the OAuth client of an account."""

from functools import cache

from django.conf import settings

from postroom.connector.models import OAuthApp
from postroom.errors import Misconfigured
from postroom.organisations.models import Account
from postroom.providers.base import Client
from postroom.providers.registry import PROVIDERS
from postroom.vault.secrets import Sealer, load_sealer


@cache
def sealer() -> Sealer:
    return load_sealer(settings.POSTROOM.home)


def client_of(account_id: int, provider: str) -> Client:
    """The account's own client, or the deployment's. Raises ``Misconfigured`` where there is neither."""
    found = own_client_of(account_id, provider) or deployment_client(provider)
    if found:
        return found
    kind = PROVIDERS[provider]
    raise Misconfigured(
        f"There is no {kind.company} OAuth client yet: an administrator enters one in the settings, under"
        f" Provider, or the operator sets {kind.variables}_CLIENT_ID and {kind.variables}_CLIENT_SECRET."
    )


def own_client_of(account_id: int, provider: str) -> Client | None:
    """The account's own client with its secret, where there is one."""
    own = OAuthApp.objects.filter(account_id=account_id, provider=provider).first()
    if own is None:
        return None
    return Client(own.client_id, str(sealer().unseal(own.sealed_secret)["secret"]), own.tenant)


def deployment_client(provider: str) -> Client | None:
    """The client that the operator set by the environment, where there is one."""
    return PROVIDERS[provider].client(settings.POSTROOM)


def save_client(account: Account, provider: str, client: Client) -> None:
    """Keep the account's own OAuth client, its secret sealed."""
    OAuthApp.objects.update_or_create(
        account=account,
        provider=provider,
        defaults={
            "client_id": client.id,
            "sealed_secret": sealer().seal({"secret": client.secret}),
            "tenant": client.tenant,
        },
    )
