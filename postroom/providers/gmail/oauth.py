"""Google's OAuth 2.0 for web server applications, with PKCE and OpenID Connect.

Sources: "Using OAuth 2.0 for Web Server Applications" and "OpenID Connect" of Google Identity; RFC 6749,
RFC 7636. Only reading is asked for (R-001). A consent that is refused here is taken back at Google, too.
"""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from urllib.parse import urlencode

import aiohttp
import jwt

from postroom.errors import (
    AccountRefused,
    AuthorizationLost,
    Misconfigured,
    PostroomError,
    ProviderError,
    Throttled,
    Unavailable,
)
from postroom.providers.answers import Json, Misshapen, number, read_json, text
from postroom.providers.base import Client, Consent, TokenSet
from postroom.providers.gmail.endpoints import Endpoints
from postroom.providers.http import NETWORK_FAULTS, patiently, read_within, readable, retry_after

READ_MAIL = "https://www.googleapis.com/auth/gmail.readonly"
SCOPES = ("openid", "email", READ_MAIL)
LOST = {
    "invalid_grant": "Google no longer accepts this mailbox's authorisation: it was revoked, it expired, or"
    " the password was changed. Reconnect the mailbox.",
    "admin_policy_enforced": "Your Google Workspace administrator does not allow Postroom. Ask them to mark"
    " the app as trusted, then reconnect.",
    "org_internal": "The OAuth app is limited to another organisation. Ask your administrator, then"
    " reconnect.",
    "unauthorized_client": "Google does not allow this OAuth client to renew its access. Reconnect the"
    " mailbox.",
}
MISCONFIGURED = {
    "invalid_client": "Google does not know the OAuth client id, or its secret is wrong.",
    "deleted_client": "The OAuth client was deleted in the Google Cloud console.",
    "disabled_client": "The OAuth client is disabled in the Google Cloud console.",
    "redirect_uri_mismatch": "The OAuth client does not list Postroom's address as a redirect URI.",
}
PASSING = {"internal_failure", "server_error", "temporarily_unavailable"}
SLOW_DOWN = {"rate_limit_exceeded", "slow_down"}
AT_SIGN_IN = LOST | {
    "invalid_grant": "Google did not accept this sign-in: it took too long, or it was used before. Connect"
    " again.",
}
PERSONAL = (
    "This is a personal Google account. Postroom connects Google Workspace mailboxes only, so that private"
    " mail never reaches the CRM. Nothing of it was kept."
)
UNTICKED = "The permission to read mail was not given. Connect again and leave its box ticked."
SHORT_LIVED = "Google gave a permission that ends within the hour. Connect again."
NOT_TAKEN_BACK = (
    " Google could not be told to forget it: remove Postroom at myaccount.google.com/permissions, too."
)
MAX_ANSWER = 256 * 1024
"""Bytes of an answer."""
LONGEST_LIFE = 24 * 3600
"""Seconds that an access token is believed to live."""


class GoogleOAuth:
    """The token endpoints, as one registered client uses them."""

    def __init__(self, session: aiohttp.ClientSession, client: Client, endpoints: Endpoints) -> None:
        self._session = session
        self._client = client
        self._endpoints = endpoints

    def authorization_url(self, *, redirect_uri: str, state: str, verifier: str, hint: str = "") -> str:
        query = {
            "client_id": self._client.id,
            "response_type": "code",
            "redirect_uri": redirect_uri,
            "scope": " ".join(SCOPES),
            "state": state,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
            "access_type": "offline",
            "prompt": "consent",
        }
        return f"{self._endpoints.authorize}?{urlencode(query | ({'login_hint': hint} if hint else {}))}"

    def admin_consent_url(self, *, redirect_uri: str, state: str) -> str:
        """Nowhere: an administrator marks the app as trusted in the admin console instead."""
        return ""

    async def exchange(self, *, code: str, redirect_uri: str, verifier: str) -> Consent:
        form = {"code": code, "redirect_uri": redirect_uri, "code_verifier": verifier}
        answer = await self._token(form | {"grant_type": "authorization_code"}, AT_SIGN_IN)
        tokens = token_set(answer)
        try:
            return Consent(await self._checked_address(answer, tokens), tokens)
        except ProviderError as error:
            told = await self._take_back(tokens)
            if told or not isinstance(error, AccountRefused):
                raise
            raise AccountRefused(f"{error}{NOT_TAKEN_BACK}") from error

    async def refresh(self, refresh_token: str) -> TokenSet:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return token_set(await self._token(form, LOST))

    async def revoke(self, token: str) -> None:
        status, body = await patiently(
            lambda: post_form(self._session, self._endpoints.revoke, {"token": token})
        )
        if status == 400 and b"invalid_token" in body:
            return
        if status != 200:
            raise ProviderError(f"Google answered {status} to the revocation.")

    async def _checked_address(self, answer: Json, tokens: TokenSet) -> str:
        """Whose mailbox it is. Raises ``AccountRefused`` where it may not, or cannot, be connected."""
        claims = await self._claims(text(answer, "id_token"))
        if not claims.get("hd"):
            raise AccountRefused(PERSONAL)
        if READ_MAIL not in tokens.scopes:
            raise AccountRefused(UNTICKED)
        if not tokens.refresh_token:
            raise AccountRefused(SHORT_LIVED)
        return text(claims, "email")

    async def _take_back(self, tokens: TokenSet) -> bool:
        """Let Google forget a grant that is not kept; whether it could be told."""
        try:
            await self.revoke(tokens.refresh_token or tokens.access_token)
        except ProviderError:
            return False
        return True

    async def _token(self, form: Mapping[str, str], lost: Mapping[str, str]) -> Json:
        """The token endpoint's answer; ``lost`` has the sentences for what ends an authorisation."""
        credentials = {"client_id": self._client.id, "client_secret": self._client.secret}

        async def once() -> Json:
            status, body = await post_form(self._session, self._endpoints.token, {**form, **credentials})
            answer = read_json(body)
            if status != 200:
                raise _refusal(status, answer, lost)
            return answer

        return await patiently(once)

    async def _claims(self, id_token: str) -> Json:
        """The verified claims of the id token; ``hd`` is there for Workspace accounts only."""
        keys = await patiently(self._signing_keys)
        try:
            return jwt.decode(
                id_token,
                keys[str(jwt.get_unverified_header(id_token).get("kid", ""))],
                algorithms=["RS256"],
                audience=self._client.id,
                issuer=self._endpoints.issuers,
                leeway=60,
                options={"require": ["exp", "iss", "aud", "email"]},
            )
        except (jwt.PyJWTError, KeyError, ValueError, TypeError, RecursionError) as error:
            raise ProviderError(f"Google's id token cannot be trusted: {error}") from error

    async def _signing_keys(self) -> jwt.PyJWKSet:
        try:
            async with self._session.get(self._endpoints.certs, allow_redirects=False) as response:
                return jwt.PyJWKSet.from_dict(read_json(await read_within(response, MAX_ANSWER)))
        except (*NETWORK_FAULTS, jwt.PyJWTError, ValueError, TypeError) as error:
            raise Unavailable(f"Google's signing keys cannot be read: {error}") from error


async def post_form(session: aiohttp.ClientSession, url: str, form: Mapping[str, str]) -> tuple[int, bytes]:
    """Status and body of an answer that is about the request, not about a passing fault."""
    try:
        async with session.post(url, data=form, allow_redirects=False) as response:
            body = await read_within(response, MAX_ANSWER)
    except NETWORK_FAULTS as error:
        raise Unavailable(f"Google cannot be reached: {error}") from error
    wait = retry_after(response.headers.get("Retry-After", ""))
    if response.status == 429 or (response.status == 503 and wait):
        raise Throttled("Google asks to slow down.", retry_after=wait or 1.0)
    if response.status >= 500 or 300 <= response.status < 400:
        raise Unavailable(f"Google's sign-in service answered {response.status}.")
    return response.status, body


def is_passing(code: str) -> bool:
    """Whether a refusal's ``error`` says nothing about the request itself."""
    return not code or code in PASSING or code in SLOW_DOWN


def passing_fault(status: int, code: str) -> ProviderError:
    if code in SLOW_DOWN:
        return Throttled("Google asks to slow down.")
    return Unavailable(f"Google's sign-in service answered {status}.")


def explain(error: str) -> str:
    """What it means that Google sent the rep back with ``error`` in place of a code.

    Source: "Using OAuth 2.0 for Web Server Applications", authorization errors.
    """
    if error == "access_denied":
        return "Google says that the consent was declined. Nothing was connected."
    if error in {"admin_policy_enforced", "org_internal"}:
        return "Your Google Workspace administrator must mark Postroom as trusted first. Please ask them."
    reason = readable(error)[:60] or "no reason given"
    return f"Google could not complete the consent ({reason}). Please try again."


def _challenge(verifier: str) -> str:
    """S256 of the verifier (RFC 7636 section 4.2)."""
    return urlsafe_b64encode(sha256(verifier.encode("ascii")).digest()).decode("ascii").rstrip("=")


def _refusal(status: int, answer: Json, lost: Mapping[str, str]) -> PostroomError:
    code = str(answer.get("error", ""))
    if code in lost:
        return AuthorizationLost(lost[code])
    if code in MISCONFIGURED:
        return Misconfigured(MISCONFIGURED[code])
    if is_passing(code):
        return passing_fault(status, code)
    said = readable(f"{code} {answer.get('error_description', '')}")
    return ProviderError(f"Google refused the request: {said}")


def token_set(answer: Json) -> TokenSet:
    """What the token endpoint gave. Raises ``Misshapen``."""
    lifetime = number(answer, "expires_in", 3600)
    if not 0 <= lifetime <= LONGEST_LIFE:
        raise Misshapen("Google gave an access token of no sensible lifetime.")
    return TokenSet(
        access_token=text(answer, "access_token"),
        expires_at=datetime.now(UTC) + timedelta(seconds=lifetime),
        refresh_token=text(answer, "refresh_token", ""),
        scopes=frozenset(text(answer, "scope", "").split()),
    )
