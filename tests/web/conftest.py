"""People of two accounts, and clients signed in as them."""

from collections.abc import Callable

import pytest
from django.test import Client

from postroom.organisations.models import Account, Role, User
from tests.sync.conftest import account, carol, google, mailbox, make_rep, rita, sam, sync

__all__ = ["account", "carol", "google", "mailbox", "rita", "sam", "sync"]


@pytest.fixture
def ada(account: Account) -> User:
    return make_rep(account, "Ada", Role.ADMINISTRATOR)


@pytest.fixture
def max_(account: Account, rita: User) -> User:
    """The manager of Rita, and of nobody else."""
    manager = make_rep(account, "Max", Role.SALES_MANAGER)
    rita.manager = manager
    rita.save()
    return manager


@pytest.fixture
def stranger(transactional_db) -> User:
    """An administrator of another account."""
    other = Account.objects.create(name="Elsewhere", domains=["elsewhere.example"])
    return User.objects.create_user(
        "eve@elsewhere.example", "a long password", account=other, name="Eve", role=Role.ADMINISTRATOR
    )


@pytest.fixture
def as_() -> Callable[[User], Client]:
    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return sign_in
