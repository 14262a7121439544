"""An account with an administrator and a rep, without a mailbox and without a network."""

from datetime import UTC, datetime, timedelta

import pytest

from postroom.connector import mailboxes
from postroom.connector.models import Mailbox, Provider
from postroom.organisations.models import Account, Role, User
from postroom.providers.base import Consent, TokenSet


def make_person(account: Account, name: str, role: Role = Role.SALES_USER) -> User:
    """A user who cannot sign in, for hashing a password takes longer than most tests."""
    email = f"{name.lower()}@northwind.example"
    return User.objects.create(account=account, email=email, password="!", name=name, role=role)


def consent(address: str) -> Consent:
    """What the provider gives when the owner of the address agrees."""
    return Consent(address, TokenSet("access", datetime.now(UTC) + timedelta(hours=1), "refresh"))


@pytest.fixture
def account(db) -> Account:
    return Account.objects.create(name="Northwind", domains=["northwind.example"])


@pytest.fixture
def ada(account: Account) -> User:
    return make_person(account, "Ada", Role.ADMINISTRATOR)


@pytest.fixture
def rita(account: Account) -> User:
    return make_person(account, "Rita")


@pytest.fixture
def mailbox(rita: User) -> Mailbox:
    mailbox = mailboxes.connect(rita, Provider.GMAIL, consent(rita.email))
    mailboxes.activate(mailbox, {"history": "1"}, (), importing=False)
    return mailbox
