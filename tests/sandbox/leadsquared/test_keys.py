"""Who may call. Pages: "Authentication", "API Host", "Authenticate a User", "Get Users", "Error Handling"."""

import pytest

from postroom.sandbox.leadsquared import WELL_KNOWN, LeadSquaredSandbox

from .conftest import LEADS, RITA, Api

pytestmark = pytest.mark.asyncio
USERS = "UserManagement.svc/Users.Get"


async def test_keys_go_in_headers_or_in_the_query(api: Api) -> None:
    assert (await api.get(USERS)).status == 200
    in_query = await api.ask("GET", USERS, headers={}, accessKey=WELL_KNOWN[0], secretKey=WELL_KNOWN[1])
    assert in_query.status == 200
    in_lower_case = await api.ask("GET", USERS, headers={}, accesskey=WELL_KNOWN[0], secretkey=WELL_KNOWN[1])
    assert in_lower_case.status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-LSQ-AccessKey": WELL_KNOWN[0]},
        {"x-LSQ-AccessKey": WELL_KNOWN[0], "x-LSQ-SecretKey": "wrong"},
        {"x-LSQ-AccessKey": "wrong", "x-LSQ-SecretKey": WELL_KNOWN[1]},
    ],
)
async def test_wrong_or_missing_keys_are_unauthorized(api: Api, headers: dict[str, str]) -> None:
    answer = await api.ask("GET", USERS, headers=headers)
    assert (answer.status, answer.kind) == (401, "MXInvalidAccessDetailsException")


async def test_keys_end_when_they_are_revoked(api: Api, sandbox: LeadSquaredSandbox) -> None:
    sandbox.revoke()
    assert (await api.get(USERS)).status == 401
    sandbox.restore()
    assert (await api.get(USERS)).status == 200


async def test_keys_end_with_their_user(api: Api, sandbox: LeadSquaredSandbox) -> None:
    sandbox.add_key("rita-access", "rita-secret", user=RITA)
    headers = {"x-LSQ-AccessKey": "rita-access", "x-LSQ-SecretKey": "rita-secret"}
    assert (await api.ask("GET", USERS, headers=headers)).status == 200
    sandbox.deactivate(RITA)
    assert (await api.ask("GET", USERS, headers=headers)).status == 401


async def test_a_call_acts_as_the_user_of_its_keys(api: Api, sandbox: LeadSquaredSandbox) -> None:
    sandbox.add_key("rita-access", "rita-secret", user=RITA)
    headers = {"x-LSQ-AccessKey": "rita-access", "x-LSQ-SecretKey": "rita-secret"}
    body = [{"Attribute": "EmailAddress", "Value": "new@x.example"}]
    await api.ask("POST", LEADS + "Lead.Create", body, headers)
    assert sandbox.lead("new@x.example").creator.email == RITA
    assert sandbox.lead("new@x.example").owner.email == RITA


async def test_another_regions_host_is_named(api: Api, sandbox: LeadSquaredSandbox) -> None:
    sandbox.settings.api_host = "api-in21.leadsquared.com"
    answer = await api.get(USERS)
    assert answer.status == 401
    assert "api-in21.leadsquared.com" in answer.json["ExceptionMessage"]
    assert (await api.get("Authentication.svc/UserByAccessKey.Get")).status == 200


async def test_authenticate_a_user_tells_who_and_where(api: Api) -> None:
    found = (await api.get("Authentication.svc/UserByAccessKey.Get")).json
    assert found["Role"] == "Administrator"
    assert found["MobileServiceURLs"]["FileUploadURL"] == f"{api.origin}/File/Upload"
    assert found["LSQCommonServiceURLs"]["api"] == f"{api.origin}/v2/"


async def test_get_users_lists_active_and_inactive_ones(api: Api, sandbox: LeadSquaredSandbox) -> None:
    sandbox.deactivate(RITA)
    users = {user["EmailAddress"]: user for user in (await api.get(USERS)).json}
    assert users[RITA] == {
        "ID": sandbox.users[RITA].id,
        "FirstName": "Rita",
        "LastName": "Rossi",
        "EmailAddress": RITA,
        "Role": "Sales_User",
        "StatusCode": 1,
        "MemberOfGroups": [],
        "Tag": None,
        "IsPhoneCallAgent": False,
    }
    assert users["admin@leadsquared.example"]["StatusCode"] == 0


async def test_what_does_not_exist_is_not_json(api: Api) -> None:
    missing = await api.get(LEADS + "Leads.GetByShoeSize")
    assert (missing.status, missing.headers["Content-Type"]) == (404, "text/html; charset=UTF-8")
    assert (await api.post(USERS, {})).status == 405


async def test_paths_may_be_written_in_any_case(api: Api) -> None:
    assert (await api.get(USERS.lower())).status == 200


@pytest.mark.parametrize("body", [b"{", b"\xff", b"<a/>"])
async def test_a_body_that_is_no_json_is_a_bad_request(api: Api, body: bytes) -> None:
    answer = await api.ask("POST", LEADS + "Lead.Create", body)
    assert (answer.status, answer.kind) == (400, "MXInvalidInputException")


@pytest.mark.parametrize("body", [None, {}, [], ["x"], [{"Value": "x"}], [{"Attribute": 3}]])
async def test_a_body_of_another_structure_is_a_bad_request(api: Api, body: object) -> None:
    answer = await api.post(LEADS + "Lead.Create", body)
    assert (answer.status, answer.kind) == (400, "MXInvalidInputException")
