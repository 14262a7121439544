"""Consent, codes, tokens and revocation, as Google documents them."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests

from postroom.sandbox.google import GMAIL_METADATA, GMAIL_READONLY, GoogleSandbox
from postroom.sandbox.google.keys import s256

from .conftest import CALLBACK, CLIENT_ID, CLIENT_SECRET, MAYA

PERSONAL = "maya.private@gmail.com"
VERIFIER = "v" * 64
ASK = {
    "client_id": CLIENT_ID,
    "redirect_uri": CALLBACK,
    "response_type": "code",
    "scope": f"openid email profile {GMAIL_READONLY}",
    "state": "a state & more",
    "access_type": "offline",
    "code_challenge": s256(VERIFIER),
    "code_challenge_method": "S256",
    "nonce": "n-1",
}


class Browser:
    """A person at the consent page, and the application behind them."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.page = f"{origin}/o/oauth2/v2/auth"

    def look(self, **changes: str) -> requests.Response:
        return requests.get(self.page, params=ASK | changes, allow_redirects=False)

    def consent(self, account: str = MAYA, button: str = "continue", **changes: str) -> dict[str, str]:
        asked = ASK | changes
        ticked = [scope for scope in asked["scope"].split() if "gmail" in scope]
        form = {"account": account, "granted": ticked, button: "1"}
        answer = requests.post(self.page, params=asked, data=form, allow_redirects=False)
        assert answer.status_code == 302, answer.text
        assert answer.headers["Location"].startswith(asked["redirect_uri"] + "?")
        query = parse_qs(urlsplit(answer.headers["Location"]).query)
        return {name: values[0] for name, values in query.items()}

    def redeem(self, code: str, /, **changes: Any) -> requests.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "code_verifier": VERIFIER,
        }
        kept = {name: value for name, value in (form | changes).items() if value is not None}
        return requests.post(f"{self.origin}/token", data=kept)

    def refresh(self, token: str) -> requests.Response:
        form = {"grant_type": "refresh_token", "refresh_token": token}
        return requests.post(f"{self.origin}/token", data=form, auth=(CLIENT_ID, CLIENT_SECRET))

    def profile(self, token: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.get(f"{self.origin}/gmail/v1/users/me/profile", headers=headers)


@pytest.fixture
def browser(origin: str) -> Browser:
    return Browser(origin)


def _error(answer: requests.Response) -> tuple[int, str, str]:
    body = answer.json()
    return answer.status_code, body["error"], body["error_description"]


def test_the_whole_way(browser: Browser) -> None:
    page = browser.look().text
    assert "Postroom wants access" in page
    assert "View your email messages and settings" in page
    assert 'value="maya@northwind.example"' in page
    granted = browser.consent()
    assert granted["state"] == ASK["state"]
    assert GMAIL_READONLY in granted["scope"]
    tokens = browser.redeem(granted["code"]).json()
    assert tokens["expires_in"] == 3599
    assert tokens["token_type"] == "Bearer"
    assert browser.profile(tokens["access_token"]).json()["emailAddress"] == MAYA
    fresh = browser.refresh(tokens["refresh_token"]).json()
    assert "refresh_token" not in fresh
    assert browser.profile(fresh["access_token"]).status_code == 200


def test_the_id_token_verifies_with_the_published_keys(browser: Browser, sandbox: GoogleSandbox) -> None:
    configuration = requests.get(f"{browser.origin}/.well-known/openid-configuration").json()
    keys = jwt.PyJWKClient(configuration["jwks_uri"])
    sandbox.keys.rotate()
    signed = browser.redeem(browser.consent()["code"]).json()["id_token"]
    claims = jwt.decode(
        signed,
        keys.get_signing_key_from_jwt(signed),
        ["RS256"],
        audience=CLIENT_ID,
        issuer=configuration["issuer"],
    )
    assert claims["email"] == MAYA
    assert claims["email_verified"] is True
    assert claims["nonce"] == "n-1"
    assert claims["hd"] == "northwind.example"
    assert claims["at_hash"]


def test_only_workspace_accounts_carry_a_domain(browser: Browser) -> None:
    granted = browser.consent(PERSONAL)
    assert "hd" not in granted
    signed = browser.redeem(granted["code"]).json()["id_token"]
    assert "hd" not in jwt.decode(signed, options={"verify_signature": False})


@pytest.mark.parametrize(
    ("verifier", "words"), [("w" * 64, "Invalid code verifier."), (None, "Missing code verifier.")]
)
def test_pkce_is_checked(browser: Browser, verifier: str | None, words: str) -> None:
    answer = browser.redeem(browser.consent()["code"], code_verifier=verifier)
    assert _error(answer) == (400, "invalid_grant", words)


def test_a_verifier_nobody_announced_is_refused(browser: Browser) -> None:
    code = browser.consent(code_challenge="")["code"]
    assert _error(browser.redeem(code))[:2] == (400, "invalid_grant")


def test_a_code_is_good_once_and_its_reuse_ends_the_tokens(browser: Browser) -> None:
    code = browser.consent()["code"]
    tokens = browser.redeem(code).json()
    assert _error(browser.redeem(code)) == (400, "invalid_grant", "Bad Request")
    assert browser.profile(tokens["access_token"]).status_code == 401


def test_a_code_is_good_for_ten_minutes(browser: Browser, sandbox: GoogleSandbox) -> None:
    code = browser.consent()["code"]
    sandbox.clock.advance(601)
    assert _error(browser.redeem(code))[1] == "invalid_grant"


def test_an_access_token_is_good_for_an_hour(browser: Browser, sandbox: GoogleSandbox) -> None:
    token = browser.redeem(browser.consent()["code"]).json()["access_token"]
    sandbox.clock.advance(3_600)
    refused = browser.profile(token)
    assert refused.status_code == 401
    assert refused.json()["error"]["status"] == "UNAUTHENTICATED"
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]


def test_the_token_endpoints_refusals(browser: Browser) -> None:
    def refused(**changes: Any) -> tuple[int, str]:
        return _error(browser.redeem(browser.consent()["code"], **changes))[:2]

    assert refused(redirect_uri="http://elsewhere/") == (400, "redirect_uri_mismatch")
    assert refused(client_secret="wrong") == (401, "invalid_client")
    assert refused(client_id="nobody") == (401, "invalid_client")
    assert refused(client_id=None) == (400, "invalid_request")
    assert refused(grant_type="password") == (400, "unsupported_grant_type")
    assert refused(code="garbage") == (400, "invalid_grant")
    assert refused(code=None) == (400, "invalid_request")
    assert _error(browser.refresh("1//nonsense"))[:2] == (400, "invalid_grant")


def test_a_refresh_token_comes_with_the_first_consent_only(browser: Browser) -> None:
    assert "refresh_token" in browser.redeem(browser.consent()["code"]).json()
    assert "refresh_token" not in browser.redeem(browser.consent()["code"]).json()
    assert "refresh_token" in browser.redeem(browser.consent(prompt="consent")["code"]).json()
    online = browser.consent(PERSONAL, access_type="online")
    assert "refresh_token" not in browser.redeem(online["code"]).json()


def test_a_revoked_grant_is_over(browser: Browser) -> None:
    tokens = browser.redeem(browser.consent()["code"]).json()
    revoke = f"{browser.origin}/revoke"
    assert requests.post(revoke, data={"token": tokens["access_token"]}).status_code == 200
    words = "Token has been expired or revoked."
    assert _error(browser.refresh(tokens["refresh_token"])) == (400, "invalid_grant", words)
    assert browser.profile(tokens["access_token"]).status_code == 401
    again = requests.post(revoke, data={"token": tokens["access_token"]})
    assert _error(again)[:2] == (400, "invalid_token")
    assert "refresh_token" in browser.redeem(browser.consent()["code"]).json()


def test_a_password_change_ends_grants_that_reach_into_mail(browser: Browser, sandbox: GoogleSandbox) -> None:
    mail = browser.redeem(browser.consent()["code"]).json()
    identity = browser.redeem(browser.consent(scope="openid email", prompt="consent")["code"]).json()
    sandbox.change_password(MAYA)
    assert _error(browser.refresh(mail["refresh_token"]))[1] == "invalid_grant"
    assert browser.refresh(identity["refresh_token"]).status_code == 200


def test_the_oldest_refresh_token_dies_above_the_limit(browser: Browser, sandbox: GoogleSandbox) -> None:
    sandbox.settings.refresh_tokens_per_account = 2
    tokens = [sandbox.issue_tokens(MAYA).refresh_token for _ in range(3)]
    assert [browser.refresh(token).status_code for token in tokens] == [400, 200, 200]


def test_refresh_tokens_can_rotate(browser: Browser, sandbox: GoogleSandbox) -> None:
    sandbox.settings.rotate_refresh_tokens = True
    first = sandbox.issue_tokens(MAYA).refresh_token
    second = browser.refresh(first).json()["refresh_token"]
    assert browser.refresh(second).status_code == 200
    assert browser.refresh(first).status_code == 400


def test_an_application_in_testing_loses_its_grants_in_a_week(
    browser: Browser, sandbox: GoogleSandbox
) -> None:
    sandbox.clients[CLIENT_ID].testing = True
    token = sandbox.issue_tokens(MAYA).refresh_token
    sandbox.clock.advance(7 * 86_400 + 1)
    assert _error(browser.refresh(token))[1] == "invalid_grant"


def test_cancel_goes_back_with_access_denied(browser: Browser) -> None:
    assert browser.consent(button="cancel") == {"state": ASK["state"], "error": "access_denied"}


def test_a_person_may_grant_less_than_was_asked(browser: Browser) -> None:
    form = {"account": MAYA, "granted": [GMAIL_METADATA], "continue": "1"}
    asked = ASK | {"scope": f"openid email {GMAIL_READONLY} {GMAIL_METADATA}"}
    answer = requests.post(browser.page, params=asked, data=form, allow_redirects=False)
    code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]
    scopes = browser.redeem(code).json()["scope"].split()
    assert GMAIL_METADATA in scopes
    assert GMAIL_READONLY not in scopes


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"redirect_uri": CALLBACK + "/"}, 400, "redirect_uri_mismatch"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"response_type": "token"}, 400, "unsupported_response_type"),
        ({"scope": "openid https://www.googleapis.com/auth/gmial"}, 400, "invalid_scope"),
        ({"scope": ""}, 400, "invalid_request"),
        ({"code_challenge_method": "S512"}, 400, "invalid_request"),
        ({"access_type": "always"}, 400, "invalid_request"),
    ],
)
def test_a_wrong_request_is_shown_and_never_redirected(
    browser: Browser, changes: dict[str, str], status: int, error: str
) -> None:
    answer = browser.look(**changes)
    assert answer.status_code == status
    assert f"<code>{error}</code>" in answer.text


def test_policies_of_organisations(browser: Browser, sandbox: GoogleSandbox) -> None:
    form = {"account": PERSONAL, "continue": "1"}
    sandbox.clients[CLIENT_ID].internal_to = "northwind.example"
    refused = requests.post(browser.page, params=ASK, data=form, allow_redirects=False)
    assert (refused.status_code, "org_internal" in refused.text) == (403, True)
    sandbox.accounts[MAYA].blocked_by_admin = True
    refused = requests.post(browser.page, params=ASK, data=form | {"account": MAYA}, allow_redirects=False)
    assert "admin_policy_enforced" in refused.text


def test_hd_and_login_hint_narrow_the_choice(browser: Browser) -> None:
    assert PERSONAL not in browser.look(hd="northwind.example").text
    assert f'value="{MAYA}" required checked' in browser.look(login_hint=MAYA).text


def test_prompt_none_needs_an_earlier_consent(browser: Browser) -> None:
    def silently(**changes: str) -> dict[str, list[str]]:
        return parse_qs(urlsplit(browser.look(prompt="none", **changes).headers["Location"]).query)

    assert silently()["error"] == ["login_required"]
    assert silently(login_hint=MAYA)["error"] == ["consent_required"]
    browser.consent()
    assert "code" in silently(login_hint=MAYA)


def test_who_am_i(browser: Browser) -> None:
    token = browser.redeem(browser.consent()["code"]).json()["access_token"]
    info = requests.get(f"{browser.origin}/tokeninfo", params={"access_token": token}).json()
    assert (info["email"], info["aud"]) == (MAYA, CLIENT_ID)
    headers = {"Authorization": f"Bearer {token}"}
    claims = requests.get(f"{browser.origin}/v1/userinfo", headers=headers).json()
    assert claims["hd"] == "northwind.example"
    assert requests.get(f"{browser.origin}/v1/userinfo").status_code == 401
