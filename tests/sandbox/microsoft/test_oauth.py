"""Entra's endpoints by plain HTTP: pages, codes, tokens, keys and refusals."""

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import jwt
import pytest

from postroom.sandbox.google.keys import s256
from postroom.sandbox.microsoft import PERSONAL_TENANT, MicrosoftSandbox
from postroom.sandbox.microsoft.sandbox import WELL_KNOWN

from .conftest import BOSS, CALLBACK, MAYA, PRIVATE

pytestmark = pytest.mark.asyncio
VERIFIER = "v" * 50
SCOPE = "openid profile email offline_access https://graph.microsoft.com/Mail.Read User.Read"


class Entra:
    """A browser and a web application in one."""

    def __init__(self, session: aiohttp.ClientSession, origin: str) -> None:
        self.session = session
        self.origin = origin

    def url(self, tenant: str = "organizations", **changed: str) -> str:
        query = {
            "client_id": WELL_KNOWN[0],
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": SCOPE,
            "state": "s",
            "code_challenge": s256(VERIFIER),
            "code_challenge_method": "S256",
        }
        return f"{self.origin}/{tenant}/oauth2/v2.0/authorize?{urlencode(query | changed)}"

    async def page(self, tenant: str = "organizations", **changed: str) -> str:
        async with self.session.get(self.url(tenant, **changed), allow_redirects=False) as answer:
            return await answer.text()

    async def accept(
        self, address: str = MAYA, tenant: str = "organizations", button: str = "accept", **changed: str
    ) -> dict[str, Any]:
        """What comes back to the application, or the page's text."""
        form = {"account": address, button: "1"}
        async with self.session.post(self.url(tenant, **changed), data=form, allow_redirects=False) as answer:
            if answer.status != 302:
                return {"page": await answer.text()}
            parts = urlsplit(answer.headers["Location"])
            return {name: values[0] for name, values in parse_qs(parts.query or parts.fragment).items()}

    async def token(self, tenant: str = "organizations", **form: str) -> tuple[int, dict[str, Any]]:
        known = {"client_id": WELL_KNOWN[0], "client_secret": WELL_KNOWN[1], "redirect_uri": CALLBACK}
        async with self.session.post(
            f"{self.origin}/{tenant}/oauth2/v2.0/token", data=known | form
        ) as answer:
            return answer.status, await answer.json()

    async def tokens(self, address: str = MAYA, tenant: str = "organizations") -> dict[str, Any]:
        code = (await self.accept(address, tenant))["code"]
        return (await self.token(tenant, grant_type="authorization_code", code=code, code_verifier=VERIFIER))[
            1
        ]


@pytest.fixture
def entra(sandbox: MicrosoftSandbox, session: aiohttp.ClientSession, origin: str) -> Entra:
    return Entra(session, origin)


async def test_the_consent_page_lists_accounts_and_what_is_asked(entra: Entra) -> None:
    text = await entra.page()
    for words in (MAYA, PRIVATE, "Read your mail", "Sign you in", "Personal account"):
        assert words in text


async def test_a_code_becomes_tokens(entra: Entra, sandbox: MicrosoftSandbox) -> None:
    tokens = await entra.tokens()
    assert tokens["token_type"] == "Bearer"
    assert set(tokens["scope"].split()) == {"openid", "profile", "email", "Mail.Read", "User.Read"}
    assert tokens["refresh_token"]
    assert sandbox.tokens.find_access(tokens["access_token"])


async def test_an_id_token_names_tenant_and_person_and_can_be_verified(
    entra: Entra, sandbox: MicrosoftSandbox, session: aiohttp.ClientSession
) -> None:
    tokens = await entra.tokens()
    where = f"{entra.origin}/organizations/v2.0/.well-known/openid-configuration"
    async with session.get(where) as answer:
        configuration = await answer.json()
    async with session.get(configuration["jwks_uri"]) as answer:
        keys = jwt.PyJWKSet.from_dict(await answer.json())
    key = keys[jwt.get_unverified_header(tokens["id_token"])["kid"]]
    claims = jwt.decode(tokens["id_token"], key, algorithms=["RS256"], audience=WELL_KNOWN[0])
    account = sandbox.accounts[MAYA]
    assert (claims["tid"], claims["oid"]) == (account.tid, account.oid)
    assert (claims["preferred_username"], claims["email"]) == ("maya.l@northwind.example", MAYA)
    assert claims["iss"] == f"https://login.microsoftonline.com/{account.tid}/v2.0"


async def test_a_personal_account_signs_in_at_common_with_its_own_tenant(entra: Entra) -> None:
    assert "AADSTS500208" in (await entra.accept(PRIVATE))["page"]
    tokens = await entra.tokens(PRIVATE, "common")
    claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert claims["tid"] == PERSONAL_TENANT == "9188040d-6c67-4c5b-b112-36a304b66dad"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"client_id": "nobody"}, 700016),
        ({"redirect_uri": "http://testserver/other"}, 50011),
        ({"tenant": "nowhere.example"}, 90002),
        ({"scope": "openid Everything.Read"}, 70011),
    ],
)
async def test_a_request_that_cannot_be_stays_on_entras_page(
    entra: Entra, changed: dict[str, str], code: int
) -> None:
    assert f"AADSTS{code}" in await entra.page(**changed)


async def test_who_declines_comes_back_with_that(entra: Entra) -> None:
    back = await entra.accept(button="cancel")
    assert (back["error"], back["state"]) == ("access_denied", "s")
    assert back["error_description"].startswith("AADSTS65004")


async def test_without_interaction(entra: Entra, sandbox: MicrosoftSandbox) -> None:
    async def silently() -> str:
        url = entra.url(prompt="none", login_hint=MAYA)
        async with entra.session.get(url, allow_redirects=False) as answer:
            return answer.headers["Location"]

    assert "error=consent_required" in await silently()
    await entra.accept()
    assert "code=" in await silently()


async def test_an_answer_by_form(entra: Entra) -> None:
    assert 'name="code"' in (await entra.accept(response_mode="form_post"))["page"]


async def test_a_refusal_has_the_documented_parts(entra: Entra) -> None:
    """ "Microsoft Entra authentication and authorization error codes", sample error response."""
    status, refusal = await entra.token(grant_type="refresh_token", refresh_token="nothing")
    assert status == 400
    assert set(refusal) == {
        *("error", "error_description", "error_codes", "timestamp", "trace_id", "correlation_id", "error_uri")
    }
    assert (refusal["error"], refusal["error_codes"]) == ("invalid_grant", [70000])
    assert refusal["error_description"].startswith("AADSTS70000: ")


@pytest.mark.parametrize(
    ("form", "code", "error", "status"),
    [
        ({"client_secret": "wrong"}, 7000215, "invalid_client", 401),
        ({"client_secret": ""}, 7000218, "invalid_client", 401),
        ({"client_id": "nobody"}, 700016, "unauthorized_client", 401),
        ({"client_id": ""}, 90014, "invalid_request", 400),
        ({"grant_type": "password"}, 70003, "unsupported_grant_type", 400),
        ({"code": ""}, 90014, "invalid_request", 400),
        ({"code": "unknown"}, 70000, "invalid_grant", 400),
    ],
)
async def test_refusals_of_the_token_endpoint(
    entra: Entra, form: dict[str, str], code: int, error: str, status: int
) -> None:
    answered, refusal = await entra.token(**{"grant_type": "authorization_code", "code": "x"} | form)
    assert (answered, refusal["error"], refusal["error_codes"]) == (status, error, [code])


async def test_a_code_is_good_once_for_ten_minutes_and_its_verifier(
    entra: Entra, sandbox: MicrosoftSandbox
) -> None:
    async def redeem(code: str, verifier: str = VERIFIER) -> list[int]:
        _, answer = await entra.token(grant_type="authorization_code", code=code, code_verifier=verifier)
        return answer.get("error_codes", [])

    first, second, third = [(await entra.accept())["code"] for _ in range(3)]
    assert await redeem(first) == []
    assert await redeem(first) == [54005]
    assert await redeem(second, "w" * 50) == [501481]
    sandbox.clock.advance(601)
    assert await redeem(third) == [70008]


async def test_a_refresh_token_is_renewed_and_the_old_one_stays_good(
    entra: Entra, sandbox: MicrosoftSandbox
) -> None:
    """ "Refresh tokens in the Microsoft identity platform": they are not revoked when used."""
    old = (await entra.tokens())["refresh_token"]
    _, first = await entra.token(grant_type="refresh_token", refresh_token=old)
    assert first["refresh_token"] != old
    assert (await entra.token(grant_type="refresh_token", refresh_token=old))[0] == 200
    sandbox.clock.advance(91 * 86_400)
    _, refusal = await entra.token(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert refusal["error_codes"] == [700082]


@pytest.mark.parametrize(
    ("happens", "code", "error"),
    [
        ("revoke", 65001, "invalid_grant"),
        ("change_password", 50173, "invalid_grant"),
        ("require_mfa", 50076, "interaction_required"),
        ("remove_account", 50034, "invalid_grant"),
    ],
)
async def test_what_ends_a_refresh_token(
    entra: Entra, sandbox: MicrosoftSandbox, happens: str, code: int, error: str
) -> None:
    token = (await entra.tokens())["refresh_token"]
    getattr(sandbox, happens)(MAYA)
    _, refusal = await entra.token(grant_type="refresh_token", refresh_token=token)
    assert (refusal["error"], refusal["error_codes"]) == (error, [code])


async def test_an_administrator_consents_for_all(entra: Entra, sandbox: MicrosoftSandbox) -> None:
    app = next(iter(sandbox.apps.values()))
    app.needs_admin = True
    assert "AADSTS90094" in (await entra.accept())["error_description"]
    query = urlencode(
        {"client_id": WELL_KNOWN[0], "redirect_uri": CALLBACK, "state": "a", "scope": "x/.default"}
    )
    url = f"{entra.origin}/organizations/v2.0/adminconsent?{query}"
    async with entra.session.get(url) as answer:
        text = await answer.text()
    assert BOSS in text
    assert MAYA not in text
    async with entra.session.post(url, data={"account": BOSS}, allow_redirects=False) as answer:
        assert "admin_consent=True" in answer.headers["Location"]
    assert "code" in await entra.accept()


async def test_an_application_by_itself(entra: Entra, sandbox: MicrosoftSandbox) -> None:
    """ "OAuth 2.0 client credentials flow": no refresh token, and only where an administrator consented."""
    form = {"grant_type": "client_credentials", "scope": "https://graph.microsoft.com/.default"}
    assert (await entra.token("northwind.example", **form))[1]["error_codes"] == [700016]
    next(iter(sandbox.apps.values())).admin_consents.add(sandbox.accounts[MAYA].tid)
    status, tokens = await entra.token("northwind.example", **form)
    assert (status, "refresh_token" in tokens, "id_token" in tokens) == (200, False, False)
    assert (await entra.token("northwind.example", **form | {"scope": "Mail.Read"}))[1]["error_codes"] == [
        70011
    ]
