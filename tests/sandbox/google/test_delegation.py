"""Google's own library for service accounts, unchanged, against the sandbox; and the control API's part."""

import json
import time
import urllib.error
import urllib.request
from typing import Any

import jwt
import pytest
from google.auth.exceptions import RefreshError
from google.oauth2.service_account import Credentials
from googleapiclient.discovery import build

from postroom.sandbox.google import GMAIL_METADATA, GMAIL_READONLY, GoogleSandbox, ServiceAccount

from .conftest import MAYA, OMAR, letter

DOMAIN = "northwind.example"


@pytest.fixture
def account(sandbox: GoogleSandbox) -> ServiceAccount:
    return sandbox.add_service_account()


@pytest.fixture
def key(sandbox: GoogleSandbox, account: ServiceAccount, origin: str) -> dict[str, str]:
    return sandbox.service_account_key(account.email, origin)


def official(key: dict[str, str], origin: str, user: str = MAYA, *scopes: str) -> Any:
    """Google's client for ``user``'s mailbox, as its guide has it."""
    credentials = Credentials.from_service_account_info(key, scopes=scopes or [GMAIL_READONLY])
    options = {"api_endpoint": origin}
    return build(
        "gmail",
        "v1",
        static_discovery=True,
        credentials=credentials.with_subject(user),
        client_options=options,
    )


def refused(key: dict[str, str], origin: str, user: str = MAYA, *scopes: str) -> str:
    """The ``error`` and its description that the library is given."""
    with pytest.raises(RefreshError) as error:
        official(key, origin, user, *scopes).users().getProfile(userId="me").execute()
    answer = error.value.args[1]
    return f"{answer['error']}: {answer['error_description']}"


def test_it_reads_the_mailboxes_of_a_domain_that_let_it_in(
    sandbox: GoogleSandbox, account: ServiceAccount, key: dict[str, str], origin: str
) -> None:
    sandbox.delegate(DOMAIN, account.client_id, [GMAIL_READONLY])
    made = sandbox.deliver(MAYA, letter("To Maya"))
    for user, found in ((MAYA, [made.id]), (OMAR, [])):
        gmail = official(key, origin, user)
        assert gmail.users().getProfile(userId="me").execute()["emailAddress"] == user
        listed = gmail.users().messages().list(userId="me").execute().get("messages", [])
        assert [message["id"] for message in listed] == found
    assert gmail.users().settings().sendAs().list(userId="me").execute()["sendAs"]


def test_it_is_refused_as_the_guide_says(
    sandbox: GoogleSandbox, account: ServiceAccount, key: dict[str, str], origin: str
) -> None:
    """ "Using OAuth 2.0 for Server to Server Applications", JWT error codes."""
    assert refused(key, origin).startswith("unauthorized_client: Client is unauthorized")
    sandbox.delegate(DOMAIN, account.client_id, [GMAIL_READONLY])
    assert refused(key, origin, MAYA, GMAIL_METADATA).startswith("unauthorized_client")
    assert refused(key, origin, MAYA, GMAIL_READONLY, GMAIL_METADATA).startswith("access_denied")
    assert refused(key, origin, "nobody@northwind.example") == "invalid_grant: Invalid email or User ID"
    assert refused(key, origin, "maya.private@gmail.com").startswith("unauthorized_client")
    assert refused(key, origin, MAYA, "https://made.up/scope").startswith("invalid_scope")
    sandbox.suspend(OMAR)
    assert refused(key, origin, OMAR).startswith("invalid_grant")
    account.disabled = True
    assert refused(key, origin).startswith("disabled_client")
    account.disabled = False
    account.keys.clear()
    assert refused(key, origin) == "invalid_grant: Invalid JWT Signature."
    del sandbox.service_accounts[account.email]
    assert refused(key, origin) == "invalid_grant: Invalid grant: account not found"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"aud": "https://elsewhere.example/token"}, "invalid_grant"),
        ({"exp": 7_200}, "invalid_grant"),
        ({"exp": -7_200}, "invalid_grant"),
        ({"iat": "yesterday"}, "invalid_grant"),
        ({"sub": ""}, "unauthorized_client"),
        ({"scope": ""}, "invalid_scope"),
        ({"iss": "stranger@sandbox.iam.gserviceaccount.com"}, "invalid_grant"),
    ],
)
def test_claims_are_checked(
    sandbox: GoogleSandbox,
    account: ServiceAccount,
    key: dict[str, str],
    origin: str,
    changes: dict[str, Any],
    error: str,
) -> None:
    sandbox.delegate(DOMAIN, account.client_id, [GMAIL_READONLY])
    now = int(time.time())
    claims: dict[str, Any] = {"iss": account.email, "sub": MAYA, "scope": GMAIL_READONLY, "iat": now}
    claims |= {"aud": f"{origin}/token", "exp": now + 3_600}
    assert _redeem(origin, _signed(claims, key))[0] == 200
    if isinstance(changes.get("exp"), int):
        changes = {"exp": now + changes["exp"]}
    status, answer = _redeem(origin, _signed(claims | changes, key))
    assert (status >= 400, answer["error"]) == (True, error)


def test_an_assertion_signed_by_another_is_refused(
    sandbox: GoogleSandbox, account: ServiceAccount, key: dict[str, str], origin: str
) -> None:
    other = sandbox.service_account_key(account.email)
    now = int(time.time())
    claims = {"iss": account.email, "sub": MAYA, "scope": GMAIL_READONLY, "iat": now, "exp": now + 60}
    forged = _signed(claims, other | {"private_key_id": key["private_key_id"]})
    assert _redeem(origin, forged)[1]["error_description"] == "Invalid JWT Signature."
    assert _redeem(origin, "no.jwt")[1]["error"] == "invalid_grant"
    assert _redeem(origin, "")[1]["error"] == "invalid_request"


def test_another_process_makes_and_delegates_one(origin: str) -> None:
    key = _ask(origin, "POST", "/sandbox/service-accounts", {"project": "apart"})
    assert key["client_email"].endswith("@apart.iam.gserviceaccount.com")
    delegation = f"/sandbox/delegations/{DOMAIN}"
    _ask(origin, "PUT", delegation, {"client_id": key["client_id"], "scopes": [GMAIL_READONLY]})
    profile = official(key, origin).users().getProfile(userId="me").execute()
    assert profile["emailAddress"] == MAYA
    _ask(origin, "DELETE", delegation, {})
    assert refused(key, origin).startswith("unauthorized_client")


def _signed(claims: dict[str, Any], key: dict[str, str]) -> str:
    headers = {"kid": key["private_key_id"]}
    return jwt.encode(
        {name: value for name, value in claims.items() if value != "yesterday"},
        key["private_key"],
        algorithm="RS256",
        headers=headers,
    )


def _redeem(origin: str, assertion: str) -> tuple[int, dict[str, Any]]:
    form = f"grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion={assertion}"
    request = urllib.request.Request(f"{origin}/token", form.encode(), method="POST")
    request.add_header("Content-Type", "application/x-www-form-urlencoded")
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def _ask(origin: str, verb: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(f"{origin}{path}", json.dumps(body).encode(), method=verb)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)
