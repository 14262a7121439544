"""Entra's OAuth 2.0 for web applications, with PKCE and OpenID Connect.

Sources: "Microsoft identity platform and OAuth 2.0 authorization code flow", "OAuth 2.0 client credentials
flow", "ID token claims reference", "Microsoft Entra authentication and authorization error codes". Only
reading is asked for (R-001): ``Mail.Read``, and ``User.Read`` because ``/me``, which tells the mailbox's
address and its other addresses, is not open without it.

Microsoft has no way for an application to give one person's consent back, so a refused account's tokens
are simply dropped.
"""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import cast
from urllib.parse import urlencode

import aiohttp
import jwt

from postroom.errors import (
    AccountRefused,
    AuthorizationLost,
    Misconfigured,
    NotRevocable,
    PostroomError,
    ProviderError,
    Throttled,
    Unavailable,
)
from postroom.mail.addresses import make_address
from postroom.providers.answers import Json, Misshapen, number, read_json, text
from postroom.providers.base import Client, Consent, TokenSet
from postroom.providers.held_tokens import TokenTable, digest
from postroom.providers.http import NETWORK_FAULTS, patiently, read_within, retry_after
from postroom.providers.outlook.client import GraphClient
from postroom.providers.outlook.endpoints import Endpoints
from postroom.providers.outlook.quota import Pace
from postroom.providers.outlook.refusals import GONE

READ_MAIL = "Mail.Read"
SCOPES = ("openid", "email", "profile", "offline_access", "User.Read", READ_MAIL)
GRAPH = "https://graph.microsoft.com/"
DEFAULT = f"{GRAPH}.default"
"""What the administrator has given the application itself."""
PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""``tid`` of every personal account ("ID token claims reference")."""

LOST: Mapping[int, str] = {
    65001: "The permission to read this mailbox was taken back. Reconnect the mailbox.",
    50173: "The password was changed or all sign-ins were ended, so Microsoft wants a new sign-in. "
    "Reconnect the mailbox.",
    50133: "The password has expired or was changed. Reconnect the mailbox.",
    50055: "The password has expired. Change it, then reconnect the mailbox.",
    50132: "The password has expired or was changed. Reconnect the mailbox.",
    50144: "The password has expired. Change it, then reconnect the mailbox.",
    50135: "This account is at risk and needs a new password. Change it, then reconnect the mailbox.",
    53011: "This account was blocked for being at risk. Ask your administrator, then reconnect the mailbox.",
    700082: "The mailbox was not read for 90 days, so its authorisation ran out. Reconnect the mailbox.",
    70008: "The authorisation of this mailbox ran out. Reconnect the mailbox.",
    70043: "The organisation lets sign-ins last for a limited time, which is over. Reconnect the mailbox.",
    50076: "The organisation now asks for a second factor at sign-in. Reconnect the mailbox.",
    50072: "The organisation now asks for a second factor, which has to be set up. Do so, then "
    "reconnect the mailbox.",
    50074: "The organisation asks for a second factor at sign-in. Reconnect the mailbox.",
    50078: "The second factor has to be given again. Reconnect the mailbox.",
    50079: "The organisation now asks for a second factor, which has to be set up. Do so, then "
    "reconnect the mailbox.",
    50158: "The organisation asks for a further check at sign-in. Reconnect the mailbox.",
    50057: "This account is disabled. Ask your administrator, then reconnect the mailbox.",
    50034: "This account is no longer in its organisation. Connect another, or reconnect it once it is back.",
    50105: "The administrator has not assigned Postroom to this person. Ask for it, then reconnect "
    "the mailbox.",
    53000: "The organisation allows approved devices only. Ask your administrator, then reconnect "
    "the mailbox.",
    53001: "The organisation allows its own devices only. Ask your administrator, then reconnect "
    "the mailbox.",
    53003: "A Conditional Access policy keeps Postroom out. Ask your administrator, then reconnect "
    "the mailbox.",
    530032: "A security policy keeps Postroom out. Ask your administrator, then reconnect the mailbox.",
    90094: "An administrator of your organisation must approve Postroom first. Ask for it, then "
    "reconnect the mailbox.",
    90095: "An administrator has been asked to approve Postroom. Reconnect the mailbox once that is done.",
}
"""AADSTS codes that end a mailbox's authorisation, or keep it from beginning."""
ANY_LOSS = "Microsoft no longer accepts this mailbox's authorisation. Reconnect the mailbox."
MISCONFIGURED: Mapping[int, str] = {
    7000215: "Entra does not accept the client secret: it is wrong, or its id was entered in place "
    "of its value.",
    7000222: "The client secret has expired. Make a new one in Entra's app registration and enter it.",
    7000218: "Entra wants a client secret; the app registration must be of type Web.",
    700016: "Entra does not know the application id in this organisation. Check it, or let an "
    "administrator consent.",
    7000112: "The application is disabled in Entra.",
    70001: "The application is disabled in Entra.",
    50194: "The app registration is for one organisation only. Make it multitenant, or name the tenant.",
    650056: "The app registration lacks the permissions that Postroom asks for, or an administrator's "
    "consent.",
    500011: "Entra does not know Microsoft Graph in this organisation.",
    50011: "The app registration does not list Postroom's address as a redirect URI.",
    90002: "Entra does not know this organisation. Check the tenant's id.",
    70011: "Entra does not know one of the permissions that Postroom asks for.",
}
"""AADSTS codes that are the deployment's to mend."""
LOSING = {"invalid_grant", "interaction_required", "consent_required", "login_required", "access_denied"}
MISCONFIGURING = {"invalid_client", "unauthorized_client"}
PASSING = {"temporarily_unavailable", "server_error"}
PASSING_CODES = {50033, 50087, 80002, 80007, 90006, 90012, 90024, 90033, 90090, 90091}
"""AADSTS codes that are documented as transient, whatever ``error`` they come with."""
SLOW_DOWN = {50196, 90055}
"""AADSTS codes for too many requests."""
A_MINUTE = 60.0
NOT_AGAIN = {54005, 70000, 501481, 70008}
"""Codes for an authorization code that is of no use."""
STALE = "Microsoft did not accept this sign-in: it took too long, or it was used before. Connect again."
PERSONAL = (
    "This is a personal Microsoft account. Postroom connects Microsoft 365 mailboxes of organisations only,"
    " so that private mail never reaches the CRM. Nothing of it was kept; the permission can be taken back at"
    " account.live.com/consent/Manage."
)
UNGRANTED = "The permission to read mail was not given. Connect again and accept what is asked for."
SHORT_LIVED = "Microsoft gave a permission that ends within the hour. Connect again."
DECLINED = "The permission was declined. Connect again and accept what is asked for."
NOT_REVOCABLE = (
    "Postroom has forgotten this mailbox. Microsoft lets no app give a permission back, so remove Postroom at"
    " myapps.microsoft.com, too."
)
MAX_ANSWER = 256 * 1024
"""Bytes of an answer."""
LONGEST_LIFE = 28 * 3600
"""Seconds that an access token is believed to live."""


class MicrosoftOAuth:
    """The token endpoint, as one registered application uses it."""

    def __init__(self, session: aiohttp.ClientSession, client: Client, endpoints: Endpoints) -> None:
        self._session = session
        self._client = client
        self._endpoints = endpoints

    @property
    def name(self) -> str:
        """What a token of the application is held under in memory."""
        return digest(self._client.id, self._client.secret, self._endpoints.token)

    def authorization_url(self, *, redirect_uri: str, state: str, verifier: str, hint: str = "") -> str:
        query = {
            "client_id": self._client.id,
            "response_type": "code",
            "response_mode": "query",
            "redirect_uri": redirect_uri,
            "scope": " ".join(SCOPES),
            "state": state,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
            "prompt": "select_account",
        }
        return f"{self._endpoints.authorize}?{urlencode(query | ({'login_hint': hint} if hint else {}))}"

    def admin_consent_url(self, *, redirect_uri: str, state: str) -> str:
        """Where an administrator approves Postroom for the whole organisation."""
        query = {
            "client_id": self._client.id,
            "scope": DEFAULT,
            "redirect_uri": redirect_uri,
            "state": state,
        }
        return f"{self._endpoints.admin_consent}?{urlencode(query)}"

    async def exchange(self, *, code: str, redirect_uri: str, verifier: str) -> Consent:
        form = {
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
            "scope": " ".join(SCOPES),
        }
        answer = await self._token(form | {"grant_type": "authorization_code"}, signing_in=True)
        tokens = _token_set(answer)
        claims = await self._claims(text(answer, "id_token"))
        if text(claims, "tid", "") == PERSONAL_TENANT:
            raise AccountRefused(PERSONAL)
        if READ_MAIL.lower() not in {scope.lower() for scope in tokens.scopes}:
            raise AccountRefused(UNGRANTED)
        if not tokens.refresh_token:
            raise AccountRefused(SHORT_LIVED)
        return Consent(await self._mailbox_of(tokens), tokens)

    async def refresh(self, refresh_token: str) -> TokenSet:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "scope": " ".join(SCOPES),
        }
        return _token_set(await self._token(form))

    async def by_itself(self) -> TokenSet:
        """The application's own token, for mailboxes that an administrator has opened to it.

        The endpoints must name the organisation's tenant. Raises ``Misconfigured``.
        """
        form = {"grant_type": "client_credentials", "scope": DEFAULT}
        try:
            return _token_set(await self._token(form))
        except AuthorizationLost as error:
            raise Misconfigured(str(error)) from error

    async def revoke(self, token: str) -> None:
        """Always raises ``NotRevocable``, whose sentence says what the person can do."""
        raise NotRevocable(NOT_REVOCABLE)

    async def _mailbox_of(self, tokens: TokenSet) -> str:
        """The address of the person's mailbox. Raises ``AccountRefused`` where there is none."""
        graph = GraphClient(self._session, _Fresh(tokens.access_token), self._endpoints, Pace())
        me = await graph.get("users.get", "me", (("$select", "mail,userPrincipalName"),))
        address = str(me.get("mail") or me.get("userPrincipalName") or "")
        try:
            await graph.get("folders.get", "me/mailFolders/inbox", (("$select", "id"),))
        except AuthorizationLost as error:
            raise AccountRefused(str(error)) from error
        if make_address(address) is None:
            raise AccountRefused(GONE)
        return address

    async def _token(self, form: Mapping[str, str], *, signing_in: bool = False) -> Json:
        """The token endpoint's answer."""
        credentials = {"client_id": self._client.id, "client_secret": self._client.secret}

        async def once() -> Json:
            status, body = await self._post(self._endpoints.token, {**form, **credentials})
            answer = read_json(body)
            if status != 200:
                raise _refusal(status, answer, signing_in=signing_in)
            return answer

        return await patiently(once)

    async def _post(self, url: str, form: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body of an answer that is about the request, not about a passing fault."""
        try:
            async with self._session.post(url, data=form, allow_redirects=False) as response:
                body = await read_within(response, MAX_ANSWER)
        except NETWORK_FAULTS as error:
            raise Unavailable(f"Microsoft cannot be reached: {error}") from error
        if response.status == 429:
            wait = retry_after(response.headers.get("Retry-After", ""))
            raise Throttled("Microsoft asks to slow down.", retry_after=wait or 1.0)
        if response.status >= 500 or 300 <= response.status < 400:
            raise Unavailable(f"Microsoft's sign-in service answered {response.status}.")
        return response.status, body

    async def _claims(self, id_token: str) -> Json:
        """The verified claims of the id token; its issuer must be the tenant that it names."""
        keys = await patiently(self._signing_keys)
        try:
            kid = str(jwt.get_unverified_header(id_token).get("kid", ""))
            tid = str(jwt.decode(id_token, options={"verify_signature": False}).get("tid", ""))
            return jwt.decode(
                id_token,
                keys[kid],
                algorithms=["RS256"],
                audience=self._client.id,
                issuer=self._endpoints.issuers(tid),
                leeway=60,
                options={"require": ["exp", "iss", "aud", "tid"]},
            )
        except (jwt.PyJWTError, KeyError, ValueError, TypeError) as error:
            raise ProviderError(f"Microsoft's id token cannot be trusted: {error}") from error

    async def _signing_keys(self) -> jwt.PyJWKSet:
        try:
            async with self._session.get(self._endpoints.keys, allow_redirects=False) as response:
                return jwt.PyJWKSet.from_json((await read_within(response, MAX_ANSWER)).decode())
        except (*NETWORK_FAULTS, jwt.PyJWTError, ValueError, TypeError, AttributeError) as error:
            raise Unavailable(f"Microsoft's signing keys cannot be read: {error}") from error


class AppTokens:
    """The ``Tokens`` port by the application's own permissions: no rep signs in.

    One token serves every mailbox of an organisation: an administrator consents to ``Mail.Read`` as an
    application permission, or gives it in Exchange by "Role Based Access Control for Applications", which
    limits it to chosen mailboxes.
    """

    def __init__(self, oauth: MicrosoftOAuth, table: TokenTable) -> None:
        self._oauth = oauth
        self._table = table

    async def access_token(self, rejected: str = "") -> str:
        """Raises ``AuthorizationLost`` with what an administrator has to mend."""
        try:
            return await self._table.token(self._oauth.name, rejected, self._oauth.by_itself)
        except Misconfigured as error:
            raise AuthorizationLost(str(error)) from error


class _Fresh:
    """A token that was given a moment ago; a rejected one is a refusal."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def access_token(self, rejected: str = "") -> str:
        if rejected:
            raise AuthorizationLost(ANY_LOSS)
        return self._token


def explain(error: str, description: str = "") -> PostroomError:
    """What it means that Entra sent the rep back with ``error`` in place of a code.

    ``description`` names an AADSTS code ("authorization code flow", error response).
    """
    if error == "access_denied" and (not description or "AADSTS65004" in description):
        return AccountRefused(DECLINED)
    codes = [int(word[6:]) for word in description.replace(":", " ").split() if _is_code(word)]
    return _refusal(400, {"error": error, "error_codes": codes}, signing_in=True)


def _is_code(word: str) -> bool:
    return word.startswith("AADSTS") and word[6:].isascii() and word[6:].isdigit()


def _challenge(verifier: str) -> str:
    """S256 of the verifier (RFC 7636 section 4.2)."""
    return urlsafe_b64encode(sha256(verifier.encode("ascii")).digest()).decode("ascii").rstrip("=")


def _refusal(status: int, answer: Json, *, signing_in: bool) -> PostroomError:
    """By ``error``, which is what to react to; the AADSTS code only chooses the sentence."""
    error, codes = str(answer.get("error", "")), _codes(answer)
    if SLOW_DOWN & set(codes):
        return Throttled("Microsoft asks to slow down.", retry_after=A_MINUTE)
    if PASSING_CODES & set(codes):
        return Unavailable(f"Microsoft's sign-in service answered {status} {error}".strip())
    if signing_in and error == "invalid_grant" and (not codes or NOT_AGAIN & set(codes)):
        return AuthorizationLost(STALE)
    told = next((LOST[code] for code in codes if code in LOST), "")
    mend = next((MISCONFIGURED[code] for code in codes if code in MISCONFIGURED), "")
    if mend or error in MISCONFIGURING:
        return Misconfigured(mend or "Entra does not accept the application's id or secret.")
    if told or error in LOSING:
        return AuthorizationLost(told or ANY_LOSS)
    if error in PASSING or not error:
        return Unavailable(f"Microsoft's sign-in service answered {status} {error}".strip())
    said = str(answer.get("error_description", "")).partition("\r\n")[0]
    return ProviderError(f"Microsoft refused the request: {error} {said}".strip())


def _codes(answer: Json) -> list[int]:
    found = answer.get("error_codes")
    listed = cast("list[object]", found) if isinstance(found, list) else []
    return [code for code in listed if isinstance(code, int)]


def _token_set(answer: Json) -> TokenSet:
    lifetime = number(answer, "expires_in", 3600)
    if not 0 <= lifetime <= LONGEST_LIFE:
        raise Misshapen("Microsoft gave an access token of no sensible lifetime.")
    scopes = (scope.removeprefix(GRAPH) for scope in text(answer, "scope", "").split())
    return TokenSet(
        access_token=text(answer, "access_token"),
        expires_at=datetime.now(UTC) + timedelta(seconds=lifetime),
        refresh_token=text(answer, "refresh_token", ""),
        scopes=frozenset(scopes),
    )
