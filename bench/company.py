"""The account that the benchmarks sync into."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from postroom.connector import mailboxes
from postroom.connector.models import Mailbox, ProcessedMail, Provider
from postroom.connector.policies import save_settings
from postroom.crm.models import Activity
from postroom.organisations.models import Account, User
from postroom.policy.settings import Field, Settings
from postroom.providers.base import Consent, TokenSet


def ready(address: str, token: str, start: str) -> int:
    """A Gmail mailbox that stands at ``start`` and captures whoever writes; returns its id."""
    mailbox = _connected(address, Provider.GMAIL, token)
    mailboxes.activate(mailbox, {"history": start}, (), importing=False)
    return mailbox.pk


def ready_at_outlook(address: str, token: str, days: int) -> int:
    """An Outlook mailbox that is about to import the last days."""
    from postroom.sync.connecting import activate

    mailbox = _connected(address, Provider.OUTLOOK, token)
    activate(mailbox, days)
    return mailbox.pk


def synced(mailbox_id: int) -> int:
    """Activities that came of the mailbox's mail."""
    mails = ProcessedMail.objects.filter(mailbox_id=mailbox_id, message__isnull=False).values("message")
    return Activity.objects.filter(message__in=mails).count()


def _connected(address: str, provider: Provider, token: str) -> Mailbox:
    account, created = Account.objects.get_or_create(name="Bench", domains=["northwind.example"])
    if created:
        inbound = replace(Settings().inbound, capture=True, capture_from=frozenset({Field.FROM}))
        save_settings(account, replace(Settings(), inbound=inbound), None)
    Mailbox.objects.filter(address=address).delete()
    user = User.objects.filter(email=address).first() or User.objects.create_user(
        address, account=account, name=address
    )
    tokens = TokenSet(token, datetime.now(UTC) + timedelta(hours=5))
    return mailboxes.connect(user, provider, Consent(address, tokens))
