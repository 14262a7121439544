"""A running sandbox, an account with two reps, and passes over their mailboxes."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from postroom.connector import mailboxes
from postroom.connector.models import JournalEntry, Mailbox, Provider
from postroom.connector.policies import current_settings, save_settings
from postroom.connector.setting_up import complete_at_once
from postroom.crm.models import Lead
from postroom.mail.addresses import make_address
from postroom.organisations.models import Account, Role, User
from postroom.policy.settings import DirectionSettings
from postroom.providers.base import Consent, TokenSet
from postroom.sandbox.google.sandbox import GoogleSandbox
from postroom.sandbox.microsoft import MicrosoftSandbox
from postroom.sync import connecting
from postroom.sync.passes import Report, run_pass
from postroom.sync.runtime import open_runtime
from tests.mails import mail

SCOPES = ("openid", "email", "https://www.googleapis.com/auth/gmail.readonly")


@pytest.fixture
def google(settings) -> Iterator[GoogleSandbox]:
    sandbox = GoogleSandbox()
    sandbox.add_client("client.apps.example", "client-secret", ["http://testserver/oauth/google/callback/"])
    sandbox.limit("off")
    with sandbox.run() as origin:
        settings.POSTROOM = replace(settings.POSTROOM, google_url=origin, gmail_units_per_minute=0)
        yield sandbox


@pytest.fixture
def microsoft(settings) -> Iterator[MicrosoftSandbox]:
    sandbox = MicrosoftSandbox()
    client = settings.POSTROOM.microsoft_client_id, settings.POSTROOM.microsoft_client_secret
    sandbox.add_app(*client, ["http://testserver/oauth/outlook/callback/"])
    with sandbox.run() as origin:
        settings.POSTROOM = replace(settings.POSTROOM, microsoft_url=origin)
        yield sandbox


@pytest.fixture
def account(transactional_db) -> Account:
    account = Account.objects.create(name="Northwind", domains=["northwind.example"])
    complete_at_once(account, (Provider.GMAIL, Provider.OUTLOOK))
    return account


def make_rep(account: Account, name: str, role: Role = Role.SALES_USER) -> User:
    return User.objects.create_user(
        f"{name.lower()}@northwind.example", "a long password", account=account, name=name, role=role
    )


def make_mailbox(google: GoogleSandbox, user: User, aliases: tuple[str, ...] = ()) -> Mailbox:
    """A mailbox that was just connected and activated, from now on."""
    google.add_account(user.email, user.name, aliases=aliases)
    mailbox = mailboxes.connect(user, Provider.GMAIL, Consent(user.email, token_set(google, user.email)))
    cursor = {"history": str(google.mailbox(user.email).history_id)}
    mailboxes.activate(mailbox, cursor, aliases, importing=False)
    return mailbox


def token_set(google: GoogleSandbox, address: str) -> TokenSet:
    tokens = google.issue_tokens(address, SCOPES)
    return TokenSet(
        tokens.access_token, datetime.now(UTC) + timedelta(hours=1), tokens.refresh_token, frozenset(SCOPES)
    )


def connect_outlook(microsoft: MicrosoftSandbox, user: User, **options: object) -> Mailbox:
    """A mailbox that was just connected and is not active yet."""
    microsoft.add_account(user.email, user.name, **options)  # type: ignore[arg-type]
    issued = microsoft.issue_tokens(user.email)
    expires = datetime.now(UTC) + timedelta(hours=1)
    tokens = TokenSet(issued.access_token, expires, issued.refresh_token)
    return mailboxes.connect(user, Provider.OUTLOOK, Consent(user.email, tokens))


def make_outlook_mailbox(microsoft: MicrosoftSandbox, user: User, import_days: int = 0) -> Mailbox:
    """A mailbox that was just connected and activated."""
    mailbox = connect_outlook(microsoft, user)
    connecting.activate(mailbox, import_days)
    return mailbox


def make_lead(account: Account, email: str) -> Lead:
    address = make_address(email)
    assert address is not None
    return Lead.objects.create(account=account, email=email, email_key=address.key)


def change_policy(account: Account, direction: str, **changes: object) -> None:
    """Save a version in which one direction differs from what is in force."""
    now = current_settings(account.pk)
    changed: DirectionSettings = replace(getattr(now, direction), **changes)
    save_settings(account, replace(now, **{direction: changed}), None)


@pytest.fixture
def rita(account: Account) -> User:
    return make_rep(account, "Rita")


@pytest.fixture
def sam(account: Account) -> User:
    return make_rep(account, "Sam")


@pytest.fixture
def mailbox(google: GoogleSandbox, rita: User) -> Mailbox:
    return make_mailbox(google, rita)


@pytest.fixture
def carol(account: Account) -> Lead:
    return make_lead(account, "carol@customer.example")


@pytest.fixture
def sync() -> Callable[[Mailbox], Report]:
    def run(mailbox: Mailbox) -> Report:
        async def one() -> Report:
            async with open_runtime() as runtime:
                return await run_pass(mailbox.pk, runtime.session, runtime.blobs)

        report = asyncio.run(one())
        mailbox.refresh_from_db()
        return report

    return run


def journal(mailbox: Mailbox) -> list[tuple[str, str]]:
    """(outcome, rule) of every row, oldest first."""
    return list(JournalEntry.objects.filter(mailbox=mailbox).order_by("pk").values_list("outcome", "rule"))


__all__ = ["mail"]
