"""Users over the wire. Pages: "Get a User by Email Address", "Get a User by Id", "User Advanced Search"."""

from typing import Any

import pytest

from postroom.sandbox.leadsquared import LeadSquaredSandbox

from .conftest import RITA, Api

pytestmark = pytest.mark.asyncio
SERVICE = "UserManagement.svc/User/"


def condition(name: str, operator: str, value: str, joined: str | None = None) -> dict[str, str | None]:
    return {"LookupName": name, "Operator": operator, "LookupValue": value, "ConditionOperator": joined}


async def test_a_user_is_found_by_address_and_by_id(api: Api, sandbox: LeadSquaredSandbox) -> None:
    (found,) = (await api.get(SERVICE + "Retrieve/ByEmailAddress", emailAddress=RITA.upper())).json
    assert (found["UserId"], found["EmailAddress"]) == (sandbox.users[RITA].id, RITA)
    assert (found["FirstName"], found["LastName"], found["Role"]) == ("Rita", "Rossi", "Sales_User")
    assert (await api.get(SERVICE + "Retrieve/ByUserId", userId=found["UserId"])).json == [found]


async def test_nobody_and_who_is_inactive_is_an_empty_list(api: Api, sandbox: LeadSquaredSandbox) -> None:
    assert (await api.get(SERVICE + "Retrieve/ByEmailAddress", emailAddress="no@x.example")).json == []
    sandbox.deactivate(RITA)
    assert (await api.get(SERVICE + "Retrieve/ByEmailAddress", emailAddress=RITA)).json == []
    assert (await api.get(SERVICE + "Retrieve/ByUserId", userId=sandbox.users[RITA].id)).json == []


async def test_the_sample_of_user_advanced_search(api: Api, sandbox: LeadSquaredSandbox) -> None:
    sandbox.add_user("bob@x.example", "Bob Doe")
    body = {
        "Columns": {"Include_CSV": "UserID,FirstName,LastName"},
        "GroupConditions": [
            {
                "Condition": [condition("LastName", "lik", "23", "OR"), condition("FirstName", "lik", "Bo")],
                "GroupOperator": None,
            }
        ],
        "GroupOperator": None,
        "Sorting": [{"ColumnName": "FirstName", "Direction": 0}],
        "Paging": {"PageIndex": 1, "PageSize": 5},
    }
    assert (await api.post(SERVICE + "AdvancedSearch", body)).json == {
        "RecordCount": 1,
        "Users": [
            {
                "UserId": sandbox.users["bob@x.example"].id,
                "FirstName": "Bob",
                "LastName": "Doe",
                "EmailAddress": None,
                "Role": None,
                "StatusCode": None,
            }
        ],
    }


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([condition("StatusCode", "eq", "1")], ["rita"]),
        ([condition("StatusCode", "neq", "1")], ["admin", "bob"]),
        ([condition("FirstName", "eq", "Bob", "OR"), condition("FirstName", "eq", "rita")], ["bob", "rita"]),
        ([condition("FirstName", "eq", "Bob", "AND"), condition("LastName", "eq", "Rossi")], []),
        ([], ["admin", "bob", "rita"]),
    ],
)
async def test_conditions_are_joined(
    api: Api, sandbox: LeadSquaredSandbox, conditions: list[Any], expected: list[str]
) -> None:
    sandbox.add_user("bob@x.example", "Bob Doe")
    sandbox.deactivate(RITA)
    body = {
        "Columns": {"Include_CSV": "*"},
        "GroupConditions": [{"Condition": conditions}],
        "Sorting": [{"ColumnName": "EmailAddress", "Direction": 0}],
    }
    users = (await api.post(SERVICE + "AdvancedSearch", body)).json["Users"]
    assert [user["EmailAddress"].partition("@")[0] for user in users] == expected


@pytest.mark.parametrize(
    "change",
    [
        {"Columns": {"Include_CSV": "ShoeSize"}},
        {"GroupConditions": [{"Condition": [condition("ShoeSize", "eq", "1")]}]},
        {"GroupConditions": [{"Condition": [condition("FirstName", "near", "1")]}]},
        {"Paging": {"PageIndex": 1, "PageSize": 1001}},
    ],
)
async def test_what_a_search_cannot_do_is_refused(api: Api, change: dict[str, Any]) -> None:
    answer = await api.post(SERVICE + "AdvancedSearch", {"Columns": {"Include_CSV": "*"}} | change)
    assert (answer.status, answer.kind) == (500, "MXInvalidInputException")
