"""What `postroom doctor` checks, each with what to do about it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from procrastinate.contrib.django.models import ProcrastinateWorker

from postroom.connector.models import (
    JournalEntry,
    Mailbox,
    MailboxState,
    OAuthApp,
    OrganisationAccess,
    Outcome,
    Provider,
    SetUp,
)
from postroom.connector.organisation_access import delegation_of
from postroom.connector.secrets import sealer
from postroom.destinations.managing import failing_destinations
from postroom.destinations.models import Destination
from postroom.errors import Misconfigured, ProviderError
from postroom.providers.registry import PROVIDERS
from postroom.sync.resealing import sealed_values
from postroom.vault.blobs import BlobStore

MOST_OPENED = 5_000
"""Secrets that are tried."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's result, in words."""

    ok: bool
    subject: str
    said: str


def examine() -> Iterator[Finding]:
    """Run every check; those that need the database are left out where it cannot be reached."""
    database = _checked("Database", _database)
    yield database
    if not database.ok:
        return
    for subject, check in _CHECKS.items():
        yield _checked(subject, check)


def _checked(subject: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(True, subject, check())
    except (Misconfigured, DatabaseError, OSError) as error:
        return Finding(False, subject, str(error).strip())


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("show server_version")
        version = cursor.fetchone()[0]
    where = "DATABASE_URL" if settings.POSTROOM.database_url else f"embedded, in {settings.POSTROOM.home}"
    return f"PostgreSQL {version} ({where})"


def _tables() -> str:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        raise Misconfigured(f"{len(missing)} updates are missing. Run `postroom migrate`.")
    return "up to date"


def _keys() -> str:
    for sealed in islice(sealed_values(), MOST_OPENED):
        sealer().unseal(sealed)
    return "every stored secret can be opened"


def _blobs() -> str:
    BlobStore(settings.POSTROOM.blob_url).check()
    return settings.POSTROOM.blob_url


def _providers() -> str:
    """An OAuth client for every provider that some account has switched on, and for one at least."""
    config = settings.POSTROOM
    own = set(OAuthApp.objects.values_list("provider", flat=True).distinct())
    found = [each for each in Provider if each in own or PROVIDERS[each].client(config)]
    chosen = {name for names in SetUp.objects.values_list("providers", flat=True) for name in names}
    missing = [each for each in Provider if each not in found and (each in chosen or not found)]
    if missing:
        named = " or ".join(PROVIDERS[each].company for each in missing)
        variables = " or ".join(f"{PROVIDERS[each].variables}_CLIENT_ID" for each in missing)
        raise Misconfigured(
            f"No OAuth client of {named}. Enter one in the settings, under Provider, or set {variables} and"
            " the like, as the operator guide describes."
        )
    returns = (
        f"{each.label} consents return to {config.public_url}/{PROVIDERS[each].callback}" for each in found
    )
    return "; ".join(returns)


def _organisations() -> str:
    """Every permission of an organisation can still be used, as far as that can be told from here."""
    for access in OrganisationAccess.objects.order_by("pk"):
        try:
            PROVIDERS[access.provider].delegate(delegation_of(access.account_id, access.provider))
        except (Misconfigured, ProviderError) as error:
            raise Misconfigured(f"{access.name} opens no {access.provider} mailbox: {error}") from error
    opened = Mailbox.objects.filter(by_organisation=True)
    lost = opened.filter(state=MailboxState.RECONNECT).count()
    return f"{opened.count()} mailboxes, {lost} of them waiting for an administrator of their account"


def _outlook_push() -> str:
    config = settings.POSTROOM
    if PROVIDERS[Provider.OUTLOOK].pushes(config):
        return f"to {config.public_url}/push/outlook/…, which Microsoft must reach from the internet"
    return f"needs an https address in POSTROOM_URL; mailboxes are polled every {config.poll_seconds} s"


def _gmail_push() -> str:
    config = settings.POSTROOM
    if not config.google_topic:
        return f"not set up; mailboxes are polled every {config.poll_seconds} s"
    if not config.google_push_service_account:
        raise Misconfigured(
            "POSTROOM_GOOGLE_TOPIC is set, but pushes are refused until POSTROOM_GOOGLE_PUSH_SERVICE_ACCOUNT"
            " names the account that signs them."
        )
    return f"{config.google_topic} to {config.google_push_audience}"


def _workers() -> str:
    alive = ProcrastinateWorker.objects.filter(
        last_heartbeat__gt=datetime.now(UTC) - timedelta(seconds=30)
    ).count()
    if not alive:
        raise Misconfigured("No worker runs, so no mail is synced. Start `postroom worker` or `postroom up`.")
    return f"{alive} running"


def _mailboxes() -> str:
    lost = Mailbox.objects.filter(state=MailboxState.RECONNECT, by_organisation=False).count()
    failing = Mailbox.objects.syncing().filter(failures__gte=3)
    if failing:
        worst = failing.order_by("-failures")[0]
        raise Misconfigured(f"{len(failing)} keep failing, first {worst.address}: {worst.last_error}")
    return f"{Mailbox.objects.syncing().count()} syncing, {lost} waiting for their rep to reconnect"


def _destinations() -> str:
    failing = failing_destinations(datetime.now(UTC)).select_related("account").order_by("pk")
    if failing:
        first = failing[0]
        raise Misconfigured(
            f"{len(failing)} take nothing, first {first.name} of {first.account}: {first.last_error} An"
            " administrator of the account finds it in the settings, under Destinations."
        )
    return f"{Destination.objects.filter(removed_at=None).count()}, none stopped or failing"


def _set_aside() -> str:
    day = datetime.now(UTC) - timedelta(days=1)
    count = JournalEntry.objects.filter(outcome=Outcome.SET_ASIDE, recorded_at__gt=day).count()
    return f"{count} mails in the last day" + (" (the journal says why)" if count else "")


_CHECKS: dict[str, Callable[[], str]] = {
    "Tables": _tables,
    "Keys": _keys,
    "Blob store": _blobs,
    "Providers": _providers,
    "Connected by administrators": _organisations,
    "Push of Gmail": _gmail_push,
    "Push of Outlook": _outlook_push,
    "Workers": _workers,
    "Mailboxes": _mailboxes,
    "Destinations": _destinations,
    "Set aside": _set_aside,
}
