"""A sales team in an account, and a stranger in another."""

import pytest

from postroom.organisations.models import Account, Role, User
from tests.connector.conftest import make_person


@pytest.fixture
def account(db) -> Account:
    return Account.objects.create(name="Northwind")


@pytest.fixture
def team(account: Account) -> dict[str, User]:
    """Mia leads Max, who leads Rita; Sam is alone; Zoe is of another account."""
    people = {
        "Ada": make_person(account, "Ada", Role.ADMINISTRATOR),
        "Mia": make_person(account, "Mia", Role.SALES_MANAGER),
        "Max": make_person(account, "Max", Role.SALES_MANAGER),
        "Rita": make_person(account, "Rita"),
        "Sam": make_person(account, "Sam"),
        "Zoe": make_person(Account.objects.create(name="Other"), "Zoe", Role.ADMINISTRATOR),
    }
    for report, manager in (("Max", "Mia"), ("Rita", "Max")):
        people[report].manager = people[manager]
        people[report].save()
    return people
