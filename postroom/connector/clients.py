"""Which OAuth client is in force for an account at a provider (R-020): its own, or the deployment's."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction

from postroom.connector.access import hold
from postroom.connector.audit import record
from postroom.connector.models import AuditArea, OAuthApp, Provider
from postroom.connector.secrets import deployment_client, own_client_of, save_client
from postroom.organisations.models import Account, User
from postroom.providers.base import Client


@dataclass(frozen=True, slots=True)
class ClientInForce:
    """What may be shown of a client: never its secret."""

    id: str
    is_own: bool
    """Whether it was entered for the account, rather than set by the operator."""
    tested_at: datetime | None = None
    tenant: str = ""


def client_in_force(account: Account, provider: Provider) -> ClientInForce | None:
    """None where there is neither an own client nor one of the deployment."""
    own = OAuthApp.objects.filter(account=account, provider=provider).first()
    if own:
        return ClientInForce(own.client_id, is_own=True, tested_at=own.tested_at, tenant=own.tenant)
    deployment = deployment_client(provider)
    return ClientInForce(deployment.id, is_own=False, tenant=deployment.tenant) if deployment else None


def own_client(account: Account, provider: Provider) -> Client | None:
    """The account's own client with its secret, where there is one."""
    return own_client_of(account.pk, provider)


@transaction.atomic
def keep_client(account: Account, provider: Provider, client: Client, by: User | None) -> None:
    """Keep a client that the provider was just found to know."""
    hold(account)
    before = own_client(account, provider)
    save_client(account, provider, client)
    note_test(account, provider)
    if before == client:
        return
    secret = "" if before and before.secret == client.secret else "changed"
    record(
        account,
        by,
        AuditArea.PROVIDER,
        f"Saved the OAuth client for {provider.label}.",
        before={
            "client_id": before.id if before else "",
            "client_secret": "",
            "tenant": before.tenant if before else "",
        },
        after={"client_id": client.id, "client_secret": secret, "tenant": client.tenant},
    )


@transaction.atomic
def forget_client(account: Account, provider: Provider, by: User | None) -> None:
    """Go back to the deployment's client."""
    hold(account)
    before = OAuthApp.objects.filter(account=account, provider=provider).first()
    if before is None:
        return
    before.delete()
    said = f"Removed the account's own OAuth client for {provider.label}."
    record(account, by, AuditArea.PROVIDER, said, before={"client_id": before.client_id})


def note_test(account: Account, provider: Provider) -> None:
    OAuthApp.objects.filter(account=account, provider=provider).update(tested_at=datetime.now(UTC))
