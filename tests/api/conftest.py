"""A team in an account with one of everything, and a stranger in another."""

import pytest

from postroom.organisations.models import Account, Role, User
from tests.api.room import Filed, file_everything
from tests.connector.conftest import make_person


@pytest.fixture
def account(db) -> Account:
    return Account.objects.create(name="Northwind", domains=["northwind.example"])


@pytest.fixture
def ada(account: Account) -> User:
    return make_person(account, "Ada", Role.ADMINISTRATOR)


@pytest.fixture
def max_(account: Account) -> User:
    """The manager of Rita, and of nobody else."""
    return make_person(account, "Max", Role.SALES_MANAGER)


@pytest.fixture
def rita(account: Account, max_: User) -> User:
    rita = make_person(account, "Rita")
    rita.manager = max_
    rita.save()
    return rita


@pytest.fixture
def sam(account: Account) -> User:
    return make_person(account, "Sam")


@pytest.fixture
def mona(account: Account) -> User:
    return make_person(account, "Mona", Role.MARKETING_USER)


@pytest.fixture
def eve(db) -> User:
    """An administrator of another account."""
    elsewhere = Account.objects.create(name="Elsewhere", domains=["elsewhere.example"])
    return User.objects.create(
        account=elsewhere, email="eve@elsewhere.example", password="!", name="Eve", role=Role.ADMINISTRATOR
    )


@pytest.fixture
def filed(account: Account, rita: User) -> Filed:
    return file_everything(account, rita)
