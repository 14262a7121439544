"""Programs that ask at the same moment, each on a connection of its own."""

from functools import partial

import orjson
import pytest

from postroom.api.models import KeptAnswer
from postroom.connector.models import SettingsVersion
from postroom.connector.policies import current_settings
from postroom.crm.models import Lead
from postroom.organisations.models import Account, Role, User
from postroom.policy.settings import to_data
from tests.api.room import Program, program
from tests.connector.conftest import make_person
from tests.sync.together import at_once

AT_ONCE = 6


@pytest.fixture
def account(transactional_db) -> Account:
    return Account.objects.create(name="Northwind", domains=["northwind.example"])


@pytest.fixture
def ada(account: Account) -> User:
    return make_person(account, "Ada", Role.ADMINISTRATOR)


def ask_at_once(*asks: "partial[object]") -> list[int]:
    """The statuses of the answers."""
    statuses: list[int] = []
    raised = at_once(*(lambda ask=ask: statuses.append(ask().status_code) for ask in asks))
    assert raised == []
    return sorted(statuses)


def test_of_requests_with_one_key_one_is_done(ada):
    asks = program(ada)
    statuses = ask_at_once(*[partial(asks.post, "/leads", {"company": "A"}, Idempotency_Key="a")] * AT_ONCE)
    assert len(statuses) == AT_ONCE
    assert set(statuses) <= {201, 409}
    assert 201 in statuses
    assert Lead.objects.count() == KeptAnswer.objects.count() == 1


def test_of_two_new_leads_with_one_address_one_is_made(ada):
    asks = program(ada)
    statuses = ask_at_once(*[partial(asks.post, "/leads", {"email": "x@example.com"})] * AT_ONCE)
    assert statuses.count(201) == 1
    assert set(statuses) <= {201, 409, 422}
    assert Lead.objects.count() == 1


def test_of_changes_to_one_state_one_is_made(ada, account):
    asks, lead = program(ada), Lead.objects.create(account=account, company="Acme")
    path = f"/leads/{lead.pk}"
    read = asks.get(path)["ETag"]
    changes = [
        partial(asks.patch, path, {"phone": f"030 {number}", "source": f"S{number}"}, If_Match=read)
        for number in range(AT_ONCE)
    ]
    assert ask_at_once(*changes) == [200] + [412] * (AT_ONCE - 1)


def test_of_settings_saved_at_once_one_version_is_made(ada, account):
    asks, draft = program(ada), {**to_data(current_settings(account.pk)), "version": 0}
    saves = [partial(asks.put, "/settings", {**draft, "longest_import": days}) for days in range(AT_ONCE)]
    assert ask_at_once(*saves) == [200] + [409] * (AT_ONCE - 1)
    assert SettingsVersion.objects.count() == 1


def test_requests_at_once_are_all_counted(ada):
    asks = program(ada)
    assert ask_at_once(*[partial(asks.get, "/me")] * AT_ONCE) == [200] * AT_ONCE
    asks.token.refresh_from_db()
    assert asks.token.window_used == AT_ONCE


def test_merging_two_leads_into_each_other_at_once_merges_once(ada, account):
    asks = program(ada)
    one, two = (Lead.objects.create(account=account, company=name) for name in ("A", "B"))
    statuses = ask_at_once(*(merging(asks, kept, gone) for kept, gone in ((one, two), (two, one))))
    assert statuses == [200, 404]
    assert Lead.objects.count() == 1
    kept = Lead.objects.get()
    gone = two if kept == one else one
    assert orjson.loads(asks.get(f"/leads/{gone.pk}").content)["merged_into"] == kept.pk


def merging(asks: Program, kept: Lead, gone: Lead) -> "partial[object]":
    return partial(asks.post, f"/leads/{kept.pk}/merge", {"other_id": gone.pk})
