"""The deployment's sealer, and the OAuth client of an account."""

from functools import cache

from django.conf import settings

from postroom.connector.models import OAuthApp, Provider
from postroom.errors import Misconfigured
from postroom.organisations.models import Account
from postroom.providers.base import Client
from postroom.vault.secrets import Sealer, load_sealer


@cache
def sealer() -> Sealer:
    return load_sealer(settings.POSTROOM.home)


def google_client(account_id: int) -> Client:
    """The account's own client, or the deployment's. Raises ``Misconfigured`` where there is neither."""
    own = OAuthApp.objects.filter(account_id=account_id, provider=Provider.GMAIL).first()
    if own:
        return Client(own.client_id, str(sealer().unseal(own.sealed_secret)["secret"]))
    if settings.POSTROOM.google_client_id:
        return Client(settings.POSTROOM.google_client_id, settings.POSTROOM.google_client_secret)
    raise Misconfigured(
        "There is no Google OAuth client yet: an administrator enters one in the settings, under Provider,"
        " or the operator sets POSTROOM_GOOGLE_CLIENT_ID and POSTROOM_GOOGLE_CLIENT_SECRET."
    )


def save_client(account: Account, provider: str, client: Client) -> None:
    """Keep the account's own OAuth client, its secret sealed."""
    OAuthApp.objects.update_or_create(
        account=account,
        provider=provider,
        defaults={"client_id": client.id, "sealed_secret": sealer().seal({"secret": client.secret})},
    )
