"""Consent and renewal at Google: what is refused is taken back, and every fault has its sentence."""

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

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
from postroom.providers.gmail.endpoints import Endpoints
from postroom.providers.gmail.oauth import NOT_TAKEN_BACK, READ_MAIL, SCOPES, GoogleOAuth
from postroom.sandbox.google.keys import SigningKeys
from tests.providers.contract import ADDRESS, GARBAGE
from tests.providers.gmail.room import CALLBACK, CLIENT, GmailRoom

VERIFIER = "v" * 64
PERSONAL = "rita.rossi@gmail.com"


async def consent(
    room: GmailRoom, address: str = ADDRESS, ticked: tuple[str, ...] = (READ_MAIL,), verifier: str = VERIFIER
) -> dict[str, str]:
    """The rep says yes in the browser; what comes back to Postroom's callback."""
    url = room.oauth.authorization_url(
        redirect_uri=CALLBACK, state="a state", verifier=verifier, hint=ADDRESS
    )
    form = [("account", address), ("continue", "1"), *(("granted", scope) for scope in ticked)]
    async with room.session.post(url, data=form, allow_redirects=False) as answer:
        assert answer.status == 302, await answer.text()
        query = parse_qs(urlsplit(answer.headers["Location"]).query)
    return {name: values[0] for name, values in query.items()}


async def exchange(room: GmailRoom, code: str, verifier: str = VERIFIER) -> Consent:
    return await room.oauth.exchange(code=code, redirect_uri=CALLBACK, verifier=verifier)


def live_grants(room: GmailRoom) -> int:
    """Grants that could still be used."""
    tokens = room.google.tokens
    return len([held for held in tokens.access.values() if not held.grant.revoked])


@pytest.mark.asyncio
async def test_the_whole_way(room: GmailRoom) -> None:
    answer = await consent(room)
    assert answer["state"] == "a state"
    given = await exchange(room, answer["code"])
    assert given.address == ADDRESS
    assert given.tokens.refresh_token
    assert READ_MAIL in given.tokens.scopes
    fresh = await room.oauth.refresh(given.tokens.refresh_token)
    assert fresh.access_token != given.tokens.access_token
    assert fresh.refresh_token == ""


def test_r001_only_reading_is_asked_for(room_less_oauth: GoogleOAuth) -> None:
    url = room_less_oauth.authorization_url(redirect_uri=CALLBACK, state="s", verifier=VERIFIER)
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert query["scope"].split() == ["openid", "email", READ_MAIL] == list(SCOPES)
    assert (query["access_type"], query["prompt"]) == ("offline", "consent")
    assert query["code_challenge_method"] == "S256"
    assert VERIFIER not in url
    assert CLIENT.secret not in url
    assert "login_hint" not in query


@pytest.fixture
def room_less_oauth() -> GoogleOAuth:
    """Nothing is sent by it."""
    return GoogleOAuth(None, CLIENT, Endpoints())  # type: ignore[arg-type]


def test_the_challenge_is_rfc_7636s(room_less_oauth: GoogleOAuth) -> None:
    """The example of RFC 7636 appendix B."""
    url = room_less_oauth.authorization_url(
        redirect_uri=CALLBACK, state="s", verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    )
    assert "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&" in url


@pytest.mark.asyncio
async def test_another_verifier_is_refused_by_google(room: GmailRoom) -> None:
    answer = await consent(room)
    with pytest.raises(AuthorizationLost, match="Connect again"):
        await exchange(room, answer["code"], "w" * 64)
    assert live_grants(room) == 0


@pytest.mark.asyncio
async def test_a_code_is_good_once(room: GmailRoom) -> None:
    answer = await consent(room)
    await exchange(room, answer["code"])
    with pytest.raises(AuthorizationLost, match="Connect again"):
        await exchange(room, answer["code"])


@pytest.mark.asyncio
async def test_r002_a_personal_account_is_refused_and_taken_back(room: GmailRoom) -> None:
    room.google.add_account(PERSONAL, "Rita", personal=True)
    answer = await consent(room, PERSONAL)
    with pytest.raises(AccountRefused, match="personal Google account") as refused:
        await exchange(room, answer["code"])
    assert NOT_TAKEN_BACK not in str(refused.value)
    assert live_grants(room) == 0


@pytest.mark.asyncio
async def test_an_unticked_box_is_refused_and_taken_back(room: GmailRoom) -> None:
    answer = await consent(room, ticked=())
    with pytest.raises(AccountRefused, match="box ticked"):
        await exchange(room, answer["code"])
    assert live_grants(room) == 0


@pytest.mark.asyncio
async def test_taking_back_is_tried_again_and_its_failure_is_said(room: GmailRoom, naps: list[float]) -> None:
    room.google.add_account(PERSONAL, "Rita", personal=True)
    room.google.fault("error", method="revoke", status=503, times=2)
    with pytest.raises(AccountRefused):
        await exchange(room, (await consent(room, PERSONAL))["code"])
    assert live_grants(room) == 0
    room.google.fault("error", method="revoke", status=503, times=None)
    with pytest.raises(AccountRefused, match=r"myaccount\.google\.com"):
        await exchange(room, (await consent(room, PERSONAL))["code"])


@pytest.mark.asyncio
async def test_a_consent_without_a_refresh_token_is_refused_and_taken_back(
    room: GmailRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue = room.google.tokens.issue
    monkeypatch.setattr(room.google.tokens, "issue", lambda *a, **k: issue(*a, **k | {"offline": False}))
    with pytest.raises(AccountRefused, match="within the hour"):
        await exchange(room, (await consent(room))["code"])
    assert live_grants(room) == 0


# The id token


def forge(keys: SigningKeys, change: Callable[[dict[str, object]], Mapping[str, object]]) -> object:
    """The sandbox's signing, with claims changed before."""
    sign = SigningKeys.sign
    return lambda claims: sign(keys, change(dict(claims)))


@pytest.mark.parametrize(
    "change",
    [
        lambda claims: claims | {"aud": "another.apps.example"},
        lambda claims: claims | {"iss": "https://accounts.evil.example"},
        lambda claims: claims | {"exp": 1_000_000_000},
        lambda claims: claims | {"exp": "soon"},
        lambda claims: {name: value for name, value in claims.items() if name != "aud"},
        lambda claims: {name: value for name, value in claims.items() if name != "exp"},
        lambda claims: {name: value for name, value in claims.items() if name != "email"},
        lambda claims: claims | {"email": 7},
    ],
    ids=["aud", "iss", "exp", "exp is a word", "no aud", "no exp", "no email", "email is a number"],
)
@pytest.mark.asyncio
async def test_a_wrong_id_token_is_refused_and_the_grant_taken_back(
    room: GmailRoom, monkeypatch: pytest.MonkeyPatch, change: Callable[[dict[str, object]], dict[str, object]]
) -> None:
    answer = await consent(room)
    monkeypatch.setattr(room.google.keys, "sign", forge(room.google.keys, change))
    with pytest.raises(ProviderError):
        await exchange(room, answer["code"])
    assert live_grants(room) == 0


def unsigned(claims: Mapping[str, object]) -> str:
    return jwt.encode(dict(claims), "", algorithm="none", headers={"kid": "x"})


def with_the_public_key_as_secret(claims: Mapping[str, object]) -> str:
    return jwt.encode(dict(claims), "n" * 64, algorithm="HS256")


def by_a_stranger(claims: Mapping[str, object]) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return jwt.encode(dict(claims), key, algorithm="RS256", headers={"kid": "unknown"})


@pytest.mark.parametrize(
    "sign",
    [
        unsigned,
        with_the_public_key_as_secret,
        by_a_stranger,
        lambda claims: "not.a.token",
        lambda claims: "",
        lambda claims: base64.b64encode(b"\xff" * 30).decode(),
    ],
    ids=["alg none", "HS256", "unknown kid", "nonsense", "empty", "bytes"],
)
@pytest.mark.asyncio
async def test_a_badly_signed_id_token_is_refused_and_the_grant_taken_back(
    room: GmailRoom, monkeypatch: pytest.MonkeyPatch, sign: Callable[[Mapping[str, object]], str]
) -> None:
    answer = await consent(room)
    monkeypatch.setattr(room.google.keys, "sign", sign)
    with pytest.raises(ProviderError):
        await exchange(room, answer["code"])
    assert live_grants(room) == 0


@pytest.mark.asyncio
async def test_a_known_kid_with_another_key_is_refused(
    room: GmailRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    kid = room.google.keys.jwks()["keys"][0]["kid"]
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def sign(claims: Mapping[str, object]) -> str:
        return jwt.encode(dict(claims), stranger, algorithm="RS256", headers={"kid": kid})

    answer = await consent(room)
    monkeypatch.setattr(room.google.keys, "sign", sign)
    with pytest.raises(ProviderError, match="cannot be trusted"):
        await exchange(room, answer["code"])


@pytest.mark.asyncio
async def test_keys_that_rotate_are_found(room: GmailRoom) -> None:
    answer = await consent(room)
    room.google.keys.rotate()
    assert (await exchange(room, answer["code"])).address == ADDRESS


# Refusals and faults


@pytest.mark.asyncio
async def test_r065_a_lost_grant(room: GmailRoom, naps: list[float]) -> None:
    given = await exchange(room, (await consent(room))["code"])
    room.revoke()
    before = room.requests()
    with pytest.raises(AuthorizationLost, match="revoked, it expired"):
        await room.oauth.refresh(given.tokens.refresh_token)
    assert room.requests() - before == 1


@pytest.mark.parametrize("client", [Client("nobody", "secret"), Client(CLIENT.id, "wrong")])
@pytest.mark.asyncio
async def test_a_wrong_client_is_the_deployments_fault(room: GmailRoom, client: Client) -> None:
    oauth = GoogleOAuth(room.session, client, room.endpoints)
    with pytest.raises(Misconfigured, match="client id"):
        await oauth.refresh("1//x")


@pytest.mark.parametrize(
    ("status", "reason", "error"),
    [
        (400, "invalid_grant", AuthorizationLost),
        (400, "admin_policy_enforced", AuthorizationLost),
        (403, "org_internal", AuthorizationLost),
        (401, "unauthorized_client", AuthorizationLost),
        (401, "invalid_client", Misconfigured),
        (401, "deleted_client", Misconfigured),
        (401, "disabled_client", Misconfigured),
        (400, "redirect_uri_mismatch", Misconfigured),
        (403, "rate_limit_exceeded", Throttled),
        (429, "rate_limit_exceeded", Throttled),
        (400, "temporarily_unavailable", Unavailable),
        (500, "internal_failure", Unavailable),
        (502, "", Unavailable),
        (400, "invalid_request", ProviderError),
    ],
)
@pytest.mark.asyncio
async def test_refusals_of_the_token_endpoint(
    room: GmailRoom, naps: list[float], status: int, reason: str, error: type[PostroomError]
) -> None:
    room.google.fault("error", method="token", status=status, reason=reason, times=None)
    with pytest.raises(error) as raised:
        await room.oauth.refresh("1//x")
    assert type(raised.value) is error


@pytest.mark.asyncio
async def test_the_token_endpoints_wait_is_kept_to(room: GmailRoom, naps: list[float]) -> None:
    given = await exchange(room, (await consent(room))["code"])
    room.google.fault("error", method="token", status=429, retry_after=6)
    await room.oauth.refresh(given.tokens.refresh_token)
    assert len(naps) == 1
    assert naps[0] >= 6


@pytest.mark.parametrize("endpoint", ["token", "certs"])
@pytest.mark.asyncio
async def test_a_network_fault_is_no_refusal(room: GmailRoom, naps: list[float], endpoint: str) -> None:
    answer = await consent(room)
    room.google.fault("drop", method=endpoint, times=None)
    with pytest.raises(Unavailable):
        await exchange(room, answer["code"])
    room.google.faults.clear()


@pytest.mark.asyncio
async def test_a_google_that_is_not_there(naps: list[float], room: GmailRoom) -> None:
    oauth = GoogleOAuth(room.session, CLIENT, Endpoints.at("http://127.0.0.1:9"))
    for call in (
        lambda: oauth.refresh("1//x"),
        lambda: oauth.revoke("1//x"),
        lambda: oauth.exchange(code="4/x", redirect_uri=CALLBACK, verifier=VERIFIER),
    ):
        with pytest.raises(Unavailable):
            await call()


@pytest.mark.parametrize("endpoint", ["token", "certs", "revoke"])
@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.asyncio
async def test_only_the_family_escapes(
    room: GmailRoom, naps: list[float], endpoint: str, garbage: str
) -> None:
    given = await exchange(room, (await consent(room))["code"])
    for status in (200, 302, 400, 403, 500):
        answer = await consent(room)
        room.google.fault("garble", method=endpoint, body=GARBAGE[garbage], status=status, times=None)
        calls = (
            lambda: room.oauth.refresh(given.tokens.refresh_token),
            lambda code=answer["code"]: exchange(room, code),
            lambda: room.oauth.revoke("1//gone"),
        )
        for outcome in await asyncio.gather(*(call() for call in calls), return_exceptions=True):
            assert not isinstance(outcome, Exception) or isinstance(outcome, PostroomError)
        room.google.faults.clear()


@pytest.mark.parametrize("life", [-1, 10**12, "an hour", None, True])
@pytest.mark.asyncio
async def test_a_lifetime_without_sense_is_refused(room: GmailRoom, life: object) -> None:
    body = json.dumps({"access_token": "ya29.x", "expires_in": life})
    room.google.fault("garble", method="token", body=body, status=200)
    with pytest.raises(ProviderError):
        await room.oauth.refresh("1//x")


# Revocation


@pytest.mark.asyncio
async def test_revoking_twice_is_no_error(room: GmailRoom) -> None:
    given = await exchange(room, (await consent(room))["code"])
    for _ in range(2):
        await room.oauth.revoke(given.tokens.refresh_token)
    assert live_grants(room) == 0


@pytest.mark.parametrize(("status", "error"), [(429, Throttled), (503, Unavailable), (403, ProviderError)])
@pytest.mark.asyncio
async def test_a_revocation_that_did_not_happen_is_told(
    room: GmailRoom, naps: list[float], status: int, error: type[ProviderError]
) -> None:
    given = await exchange(room, (await consent(room))["code"])
    room.google.fault("error", method="revoke", status=status, times=None)
    with pytest.raises(error):
        await room.oauth.revoke(given.tokens.refresh_token)
    assert live_grants(room) == 1
