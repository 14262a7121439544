"""Sign-in at Entra: whom it lets in, what it keeps, and what each refusal tells."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, quote_plus, urlsplit

import jwt
import pytest

from postroom.errors import (
    AccountRefused,
    AuthorizationLost,
    Misconfigured,
    PostroomError,
    ProviderError,
    Throttled,
    Unavailable,
)
from postroom.providers.base import Client, Consent
from postroom.providers.held_tokens import TokenTable
from postroom.providers.outlook.endpoints import Endpoints
from postroom.providers.outlook.oauth import (
    LOST,
    MISCONFIGURED,
    PERSONAL_TENANT,
    SCOPES,
    AppTokens,
    MicrosoftOAuth,
    NotRevocable,
    explain,
)
from postroom.sandbox.microsoft import MicrosoftSandbox
from tests.providers.contract import ADDRESS
from tests.providers.outlook.room import CALLBACK, CLIENT, OutlookRoom

pytestmark = pytest.mark.asyncio
VERIFIER = "v" * 64
PRIVATE = "rita.private@outlook.example"


async def code_for(
    room: OutlookRoom, address: str = ADDRESS, oauth: MicrosoftOAuth | None = None, **changed: str
) -> str:
    """Sign in and accept on Entra's page; the code, or the refusal that came in its place."""
    url = (oauth or room.oauth).authorization_url(
        redirect_uri=CALLBACK, state="s", verifier=VERIFIER, hint=address
    )
    for name, value in changed.items():
        query = parse_qs(urlsplit(url).query)
        url = url.replace(quote_plus(query[name][0]), value)
    async with room.session.post(url, data={"account": address}, allow_redirects=False) as answer:
        if answer.status != 302:
            return await answer.text()
        back = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert back["state"] == ["s"]
    return back["code"][0] if "code" in back else str(explain(back["error"][0], back["error_description"][0]))


async def connect(
    room: OutlookRoom, address: str = ADDRESS, oauth: MicrosoftOAuth | None = None, **changed: str
) -> Consent:
    code = await code_for(room, address, oauth, **changed)
    return await (oauth or room.oauth).exchange(code=code, redirect_uri=CALLBACK, verifier=VERIFIER)


async def test_consent_gives_the_mailbox_and_its_tokens(room: OutlookRoom) -> None:
    """The address is the mailbox's own, which the sign-in name need not be."""
    consent = await connect(room)
    assert consent.address == ADDRESS
    assert consent.tokens.scopes >= {"Mail.Read", "User.Read"}
    assert consent.tokens.refresh_token
    assert consent.tokens.expires_at > datetime.now(UTC) + timedelta(minutes=50)


async def test_r001_only_reading_is_asked_for() -> None:
    assert set(SCOPES) == {"openid", "email", "profile", "offline_access", "User.Read", "Mail.Read"}


async def test_r002_a_personal_account_is_refused_and_nothing_kept(
    room: OutlookRoom, microsoft: MicrosoftSandbox
) -> None:
    microsoft.add_account(PRIVATE, personal=True)
    common = MicrosoftOAuth(room.session, CLIENT, Endpoints.at(room.origin, "common"))
    with pytest.raises(AccountRefused, match="personal Microsoft account"):
        await connect(room, PRIVATE, common)
    assert microsoft.ledger.spent[PRIVATE] == {}, "not even its name was asked for"


async def test_the_endpoint_for_organisations_lets_no_personal_account_in(
    room: OutlookRoom, microsoft: MicrosoftSandbox
) -> None:
    microsoft.add_account(PRIVATE, personal=True)
    assert "AADSTS500208" in await code_for(room, PRIVATE)


async def test_an_account_without_a_mailbox_is_refused(
    room: OutlookRoom, microsoft: MicrosoftSandbox
) -> None:
    microsoft.add_account("new@northwind.example", licensed=False)
    with pytest.raises(AccountRefused, match="no mailbox in Exchange Online"):
        await connect(room, "new@northwind.example")


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ("openid+offline_access+User.Read", "permission to read mail"),
        ("openid+User.Read+Mail.Read", "within the hour"),
    ],
)
async def test_a_consent_that_is_not_enough_is_refused(room: OutlookRoom, scope: str, words: str) -> None:
    with pytest.raises(AccountRefused, match=words):
        await connect(room, scope=scope)


async def test_a_code_is_good_once_and_for_its_verifier(room: OutlookRoom) -> None:
    code = await code_for(room)
    with pytest.raises(AuthorizationLost, match="Connect again"):
        await room.oauth.exchange(code=code, redirect_uri=CALLBACK, verifier="w" * 64)
    code = await code_for(room)
    await room.oauth.exchange(code=code, redirect_uri=CALLBACK, verifier=VERIFIER)
    with pytest.raises(AuthorizationLost, match="used before"):
        await room.oauth.exchange(code=code, redirect_uri=CALLBACK, verifier=VERIFIER)


async def test_a_refresh_gives_a_new_refresh_token(room: OutlookRoom, microsoft: MicrosoftSandbox) -> None:
    first = (await connect(room)).tokens
    second = await room.oauth.refresh(first.refresh_token)
    assert second.access_token != first.access_token
    assert second.refresh_token not in ("", first.refresh_token)
    microsoft.clock.advance(91 * 86_400)
    with pytest.raises(AuthorizationLost, match="90 days"):
        await room.oauth.refresh(second.refresh_token)


@pytest.mark.parametrize("code", LOST)
async def test_r065_each_loss_says_what_to_do(
    room: OutlookRoom, microsoft: MicrosoftSandbox, code: int
) -> None:
    refresh_token = (await connect(room)).tokens.refresh_token
    microsoft.fault("invalid_grant", method="token", reason=str(code))
    with pytest.raises(AuthorizationLost) as lost:
        await room.oauth.refresh(refresh_token)
    assert str(lost.value) == LOST[code]
    assert "econnect" in str(lost.value)


async def test_a_loss_of_no_known_code_is_one_by_its_error(
    room: OutlookRoom, microsoft: MicrosoftSandbox
) -> None:
    """The codes may change at any time ("error codes" page); ``error`` is what to react to."""
    refresh_token = (await connect(room)).tokens.refresh_token
    microsoft.fault("invalid_grant", method="token", reason="999999")
    with pytest.raises(AuthorizationLost, match="Reconnect the mailbox"):
        await room.oauth.refresh(refresh_token)


@pytest.mark.parametrize(
    ("happens", "words"),
    [
        ("revoke", "taken back"),
        ("change_password", "password was changed"),
        ("require_mfa", "second factor"),
    ],
)
async def test_what_happens_to_an_account(
    room: OutlookRoom, microsoft: MicrosoftSandbox, happens: str, words: str
) -> None:
    refresh_token = (await connect(room)).tokens.refresh_token
    getattr(microsoft, happens)(ADDRESS)
    with pytest.raises(AuthorizationLost, match=words):
        await room.oauth.refresh(refresh_token)


@pytest.mark.parametrize(
    ("client", "options", "code"),
    [
        (Client(CLIENT.id, "wrong"), {}, 7000215),
        (Client(CLIENT.id, ""), {}, 7000218),
        (Client("another", "x"), {}, 700016),
        (CLIENT, {"secret_expired": True}, 7000222),
        (CLIENT, {"disabled": True}, 7000112),
    ],
)
async def test_the_deployments_own_faults_are_misconfigurations(
    room: OutlookRoom, microsoft: MicrosoftSandbox, client: Client, options: dict[str, object], code: int
) -> None:
    microsoft.add_app(CLIENT.id, CLIENT.secret, [CALLBACK], **options)
    with pytest.raises(Misconfigured) as wrong:
        await MicrosoftOAuth(room.session, client, room.endpoints).refresh("1.AX")
    assert str(wrong.value) == MISCONFIGURED[code]


async def test_a_redirect_that_is_not_registered(room: OutlookRoom) -> None:
    code = await code_for(room)
    with pytest.raises(Misconfigured, match="redirect URI"):
        await room.oauth.exchange(code=code, redirect_uri="http://testserver/other", verifier=VERIFIER)


@pytest.mark.parametrize(
    ("error", "description", "kind", "words"),
    [
        ("access_denied", "AADSTS65004: User declined to consent.", AccountRefused, "declined"),
        ("access_denied", "", AccountRefused, "declined"),
        ("access_denied", "AADSTS90094: An administrator must grant.", AuthorizationLost, "administrator"),
        ("invalid_client", "AADSTS650051: x", Misconfigured, "Entra does not accept"),
        ("server_error", "", Unavailable, "server_error"),
        ("strange", "AADSTSx: y", ProviderError, "strange"),
    ],
)
async def test_what_comes_back_in_place_of_a_code(
    error: str, description: str, kind: type[PostroomError], words: str
) -> None:
    found = explain(error, description)
    assert isinstance(found, kind)
    assert words in str(found)


async def test_an_organisation_that_wants_its_administrators_word(
    room: OutlookRoom, microsoft: MicrosoftSandbox
) -> None:
    app = microsoft.add_app(CLIENT.id, CLIENT.secret, [CALLBACK], needs_admin=True)
    assert "administrator of your organisation must approve" in await code_for(room)
    boss = microsoft.add_account("boss@northwind.example", admin=True)
    url = room.oauth.admin_consent_url(redirect_uri=CALLBACK, state="a")
    async with room.session.post(url, data={"account": boss.address}, allow_redirects=False) as answer:
        back = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert back == {"tenant": [boss.tid], "admin_consent": ["True"], "state": ["a"]}
    assert boss.tid in app.admin_consents
    assert (await connect(room)).address == ADDRESS


@pytest.mark.parametrize("claim", ["iss", "aud", "exp", "tid", "signature"])
async def test_an_id_token_that_cannot_be_trusted(
    room: OutlookRoom, microsoft: MicrosoftSandbox, monkeypatch: pytest.MonkeyPatch, claim: str
) -> None:
    sign = microsoft.keys.sign
    wrong: dict[str, object] = {
        "iss": f"https://login.microsoftonline.com/{PERSONAL_TENANT}/v2.0",
        "aud": "another",
        "exp": 1,
        "tid": PERSONAL_TENANT,
    }

    def forge(claims: dict[str, object]) -> str:
        if claim == "signature":
            return jwt.encode(claims, "k" * 32, headers={"kid": "x"})
        return sign(claims | {claim: wrong[claim]})

    monkeypatch.setattr(microsoft.keys, "sign", forge)
    with pytest.raises(ProviderError, match="cannot be trusted"):
        await connect(room)


async def test_passing_faults_of_sign_in(
    room: OutlookRoom, microsoft: MicrosoftSandbox, naps: list[float]
) -> None:
    refresh_token = (await connect(room)).tokens.refresh_token
    microsoft.fault("error", method="token", status=503)
    microsoft.fault("garble", method="token", status=400, body="<html>", content_type="text/html")
    microsoft.fault("drop", method="token")
    assert (await room.oauth.refresh(refresh_token)).access_token
    microsoft.fault("error", method="token", status=429, retry_after=600)
    with pytest.raises(Throttled) as throttled:
        await room.oauth.refresh(refresh_token)
    assert throttled.value.retry_after == 600


async def test_r063_microsoft_cannot_be_told_to_forget(room: OutlookRoom) -> None:
    with pytest.raises(NotRevocable, match=r"myapps\.microsoft\.com"):
        await room.oauth.revoke("anything")


async def test_an_applications_own_token_is_kept_and_renewed(
    room: OutlookRoom, microsoft: MicrosoftSandbox
) -> None:
    own = MicrosoftOAuth(room.session, CLIENT, Endpoints.at(room.origin, "northwind.example"))
    tokens = AppTokens(own, TokenTable())
    with pytest.raises(AuthorizationLost, match="administrator consent"):
        await tokens.access_token()
    microsoft.apps[CLIENT.id].admin_consents.add(microsoft.accounts[ADDRESS].tid)
    first = await tokens.access_token()
    assert await tokens.access_token() == first
    assert await tokens.access_token(rejected=first) != first


async def test_endpoints_are_microsofts_own_by_default() -> None:
    own = Endpoints.at("")
    assert own.authorize == "https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize"
    assert own.token == "https://login.microsoftonline.com/organizations/oauth2/v2.0/token"
    assert own.graph == "https://graph.microsoft.com"
    assert own.issuers("t") == ("https://login.microsoftonline.com/t/v2.0",)
