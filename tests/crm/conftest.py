"""An account without a network."""

import pytest

from postroom.crm.models import Lead
from postroom.organisations.models import Account
from tests.sync.conftest import make_lead


@pytest.fixture
def account(db) -> Account:
    return Account.objects.create(name="Northwind", domains=["northwind.example"])


@pytest.fixture
def carol(account: Account) -> Lead:
    return make_lead(account, "carol@customer.example")
