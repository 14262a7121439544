"""The settings of a LeadSquared destination, and what is wrong with them."""

import json

import pytest

from postroom.destinations.leadsquared.destination import LeadSquared
from postroom.destinations.leadsquared.endpoints import Endpoints
from postroom.destinations.leadsquared.settings import LeadSquaredSettings, problems, read_settings
from postroom.errors import Misconfigured

GOOD = LeadSquaredSettings(
    sent_code=201,
    received_code=202,
    region="in21",
    plan="super",
    sent_fields={"mx_Custom_1": "subject"},
    mirror=True,
)


def test_settings_survive_json() -> None:
    assert read_settings(json.loads(json.dumps(GOOD.to_json()))) == GOOD
    assert problems({"sent_code": 1, "received_code": 2}) == {}


def test_other_keys_of_the_destination_are_left_alone() -> None:
    assert read_settings({**GOOD.to_json(), "events": ["lead.created"]}) == GOOD


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("region", "mars"),
        ("plan", "gold"),
        ("calls", 0),
        ("calls", True),
        ("bulk", 10_000),
        ("day", -1),
        ("sent_code", None),
        ("sent_code", "201"),
        ("received_code", 0),
        ("sent_fields", {"mx Custom": "subject"}),
        ("sent_fields", {"mx_Custom_1": "nonsense"}),
        ("received_fields", ["subject"]),
        ("lead_fields", {"EmailAddress": "first_name"}),
        ("lead_fields", {"mx_City": "custom:"}),
        ("mirror", "yes"),
        ("on_delete", "explode"),
    ],
)
def test_each_problem_is_a_sentence_beside_its_field(name: str, value: object) -> None:
    found = problems({**GOOD.to_json(), name: value})
    assert list(found) == [name]
    assert found[name].endswith(".")
    with pytest.raises(Misconfigured):
        read_settings({**GOOD.to_json(), name: value})


def test_limits_are_the_plans_unless_others_were_agreed_on() -> None:
    limits = LeadSquared().limits(GOOD.to_json())
    assert {name: (each.calls, each.seconds) for name, each in limits.items()} == {
        "": (20, 5.0),
        "bulk": (10, 5.0),
        "day": (100_000, 86400.0),
    }
    own = LeadSquared().limits({**GOOD.to_json(), "calls": 4, "bulk": 8, "day": 500})
    assert [each.calls for each in own.values()] == [4, 4, 500]


@pytest.mark.parametrize(
    ("region", "api", "files"),
    [
        ("", "https://api.leadsquared.com", "https://files.leadsquared.com"),
        ("in21", "https://api-in21.leadsquared.com", "https://files-in21.leadsquared.com"),
    ],
)
def test_hosts_are_by_region_and_one_origin_can_be_all(region: str, api: str, files: str) -> None:
    assert Endpoints.of(region) == Endpoints(api, files)
    assert Endpoints.of(region, "http://127.0.0.1:1") == Endpoints("http://127.0.0.1:1", "http://127.0.0.1:1")
