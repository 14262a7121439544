"""What an organisation gave Postroom so that an administrator connects mailboxes for its users.

Of Gmail it is a service account's key, sealed and never shown again; of Outlook the permission of the
account's OAuth client in its tenant. Mailboxes opened by it hold no grant of their own: where it goes, they
wait.
"""

from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet

from postroom.connector.access import hold
from postroom.connector.audit import record
from postroom.connector.models import (
    SYNCING,
    AuditArea,
    Mailbox,
    MailboxState,
    OrganisationAccess,
    Provider,
)
from postroom.connector.secrets import client_of, sealer
from postroom.errors import AuthorizationLost, Misconfigured, PostroomError
from postroom.organisations.access import connecting_users
from postroom.organisations.models import Account, User
from postroom.providers.base import Client, Delegation
from postroom.providers.registry import PROVIDERS

TOLD_AGAIN_AFTER = timedelta(days=1)
"""However many mailboxes fail, the administrators are told once in this time."""
NO_ACCESS = (
    "An administrator removed the permission by which Postroom read this mailbox. It goes on once they enter"
    " another."
)


class NoDomains(PostroomError):
    """The account has no mail domains yet, so any mailbox would count as its own. The operator adds them."""

    code = "no_domains"


def access_of(account: Account, provider: str) -> OrganisationAccess | None:
    return OrganisationAccess.objects.filter(account=account, provider=provider).first()


def delegation_of(account_id: int, provider: str) -> Delegation:
    """What mailboxes of the account are opened by. Raises ``AuthorizationLost`` where it is gone."""
    access = OrganisationAccess.objects.filter(account_id=account_id, provider=provider).first()
    if access is None:
        raise AuthorizationLost(NO_ACCESS)
    if access.sealed_key:
        return Delegation(key=str(sealer().unseal(access.sealed_key)["key"]))
    return Delegation(client=_client(account_id, provider))


@transaction.atomic
def save_access(account: Account, provider: Provider, key: str, by: User) -> OrganisationAccess:
    """Keep the permission; ``key`` is the service account's, where the provider has such, else "".

    Mailboxes that lost it go on. Raises ``Misconfigured`` with what is wrong with it, and ``NoDomains``.
    """
    hold(account)
    account.refresh_from_db()
    if not account.domains:
        raise NoDomains
    kind = PROVIDERS[provider]
    delegation = (
        Delegation(key=key) if kind.has_service_accounts else Delegation(client_of(account.pk, provider))
    )
    delegate = kind.delegate(delegation)
    before = access_of(account, provider)
    access, _ = OrganisationAccess.objects.update_or_create(
        account=account,
        provider=provider,
        defaults={
            "sealed_key": sealer().seal({"key": key}) if key else b"",
            "name": delegate.name[:255],
            "name_id": delegate.id[:255],
            "granted_at": datetime.now(UTC),
            "granted_by": by,
            "granted_by_name": by.name or by.email,
            "tested_at": None,
            "told_at": None,
        },
    )
    record(
        account,
        by,
        AuditArea.PROVIDER,
        f"Saved the permission to open {provider.label} mailboxes of the organisation.",
        before=_data(before),
        after=_data(access),
    )
    take_up_lost(account, provider)
    return access


@transaction.atomic
def forget_access(account: Account, provider: Provider, by: User) -> int:
    """Delete the permission for good; returns how many mailboxes stop by it."""
    hold(account)
    before = access_of(account, provider)
    if before is None:
        return 0
    before.delete()
    said = f"Removed the permission to open {provider.label} mailboxes of the organisation."
    record(account, by, AuditArea.PROVIDER, said, before=_data(before))
    return _stop(account, provider)


@transaction.atomic
def take_up_lost(account: Account, provider: Provider) -> int:
    """Let the mailboxes that lost the permission go on at once, and return how many these are.

    A mailbox whose user may not connect one any more stays. Whether it works, the next pass tells.
    """
    hold(account)
    lost = opened_by(account, provider).filter(
        state=MailboxState.RECONNECT, activated_at__isnull=False, user__in=connecting_users(account)
    )
    ids = list(lost.order_by("pk").select_for_update(no_key=True, of=("self",)).values_list("pk", flat=True))
    found = Mailbox.objects.of(account).filter(pk__in=ids)
    goes_on = {
        "state_reason": "",
        "epoch": F("epoch") + 1,
        "failures": 0,
        "last_error": "",
        "next_sync_at": datetime.now(UTC),
    }
    found.filter(cursor__has_key="listing").update(state=MailboxState.IMPORTING, **goes_on)
    found.exclude(cursor__has_key="listing").update(state=MailboxState.ACTIVE, **goes_on)
    OrganisationAccess.objects.filter(account=account, provider=provider).update(told_at=None)
    return len(ids)


def note_access_works(account: Account, provider: Provider) -> None:
    """A mailbox was opened on request; the next failure is news again."""
    found = OrganisationAccess.objects.filter(account=account, provider=provider)
    found.update(tested_at=datetime.now(UTC), told_at=None)


def failure_is_news(account_id: int, provider: str) -> bool:
    """Whether the administrators are to be told now that a mailbox cannot be opened: true for one caller."""
    now = datetime.now(UTC)
    untold = Q(told_at=None) | Q(told_at__lt=now - TOLD_AGAIN_AFTER)
    found = OrganisationAccess.objects.filter(untold, account_id=account_id, provider=provider)
    return bool(found.update(told_at=now))


def opened_by(account: Account, provider: str) -> QuerySet[Mailbox]:
    """The mailboxes that are opened by the permission."""
    return Mailbox.objects.of(account).filter(by_organisation=True, provider=provider)


def _stop(account: Account, provider: Provider) -> int:
    syncing = opened_by(account, provider).filter(state__in=SYNCING).order_by("pk")
    ids = list(syncing.select_for_update(no_key=True).values_list("pk", flat=True))
    Mailbox.objects.of(account).filter(pk__in=ids).update(
        state=MailboxState.RECONNECT,
        state_reason=NO_ACCESS,
        epoch=F("epoch") + 1,
        failures=0,
        last_error="",
    )
    return len(ids)


def _client(account_id: int, provider: str) -> Client:
    try:
        return client_of(account_id, provider)
    except Misconfigured as error:
        raise AuthorizationLost(str(error)) from error


def _data(access: OrganisationAccess | None) -> dict[str, object]:
    """What the audit trail says of it: never the key."""
    return {"name": access.name, "id": access.name_id} if access else {}
