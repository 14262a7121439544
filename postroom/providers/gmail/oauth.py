"""Google's OAuth 2.0 for web server applications, with PKCE and OpenID Connect.

Sources: "Using OAuth 2.0 for Web Server Applications" and "OpenID Connect" of Google Identity; RFC 6749,
RFC 7636. Only reading is asked for (R-001).
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import cast

import aiohttp
import jwt
import orjson
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from postroom.errors import (
    AccountRefused,
    AuthorizationLost,
    Misconfigured,
    ProviderError,
    Throttled,
    Unavailable,
)
from postroom.providers.base import Client, Consent, TokenSet
from postroom.providers.gmail.endpoints import Endpoints
from postroom.providers.http import patiently, retry_after

READ_MAIL = "https://www.googleapis.com/auth/gmail.readonly"
SCOPES = ("openid", "email", READ_MAIL)
LOST = {
    "invalid_grant": "Google no longer accepts this mailbox's authorisation: it was revoked, it expired, or"
    " the password was changed. Reconnect the mailbox.",
    "admin_policy_enforced": "Your Google Workspace administrator does not allow Postroom. Ask them to mark"
    " the app as trusted, then reconnect.",
    "org_internal": "The OAuth app is limited to another organisation. Ask your administrator, then reconnect.",
    "unauthorized_client": "Google does not allow this OAuth client to renew its access. Reconnect the mailbox.",
}


class GoogleOAuth:
    """The token endpoints, as one registered client uses them."""

    def __init__(self, session: aiohttp.ClientSession, client: Client, endpoints: Endpoints) -> None:
        self._session = session
        self._client = client
        self._endpoints = endpoints

    def authorization_url(self, *, redirect_uri: str, state: str, verifier: str, hint: str = "") -> str:
        return prepare_grant_uri(
            self._endpoints.authorize,
            client_id=self._client.id,
            response_type="code",
            redirect_uri=redirect_uri,
            scope=" ".join(SCOPES),
            state=state,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
            access_type="offline",
            prompt="consent",
            **({"login_hint": hint} if hint else {}),
        )

    async def exchange(self, *, code: str, redirect_uri: str, verifier: str) -> Consent:
        answer = await self._token(
            grant_type="authorization_code", code=code, redirect_uri=redirect_uri, code_verifier=verifier
        )
        claims = await self._claims(str(answer.get("id_token", "")))
        tokens = _token_set(answer)
        if not claims.get("hd"):
            await self.revoke(tokens.refresh_token or tokens.access_token)
            raise AccountRefused(
                "This is a personal Google account. Postroom connects Google Workspace mailboxes only, so"
                " that private mail never reaches the CRM. Nothing of it was kept."
            )
        if READ_MAIL not in tokens.scopes:
            await self.revoke(tokens.refresh_token or tokens.access_token)
            raise AccountRefused(
                "The permission to read mail was not given. Connect again and leave its box ticked."
            )
        return Consent(str(claims["email"]), tokens)

    async def refresh(self, refresh_token: str) -> TokenSet:
        return _token_set(await self._token(grant_type="refresh_token", refresh_token=refresh_token))

    async def revoke(self, token: str) -> None:
        try:
            async with self._session.post(self._endpoints.revoke, data={"token": token}) as response:
                if response.status >= 500:
                    raise Unavailable(f"Google answered {response.status} to the revocation.")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unavailable(f"Google cannot be reached: {error}") from error

    async def _token(self, **form: str) -> dict[str, object]:
        return await patiently(lambda: self._token_once(form))

    async def _token_once(self, form: Mapping[str, str]) -> dict[str, object]:
        credentials = {"client_id": self._client.id, "client_secret": self._client.secret}
        try:
            async with self._session.post(self._endpoints.token, data={**form, **credentials}) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unavailable(f"Google cannot be reached: {error}") from error
        if response.status == 429:
            wait = retry_after(response.headers.get("Retry-After", ""))
            raise Throttled("Google asks to slow down.", retry_after=wait or 1.0)
        if response.status >= 500:
            raise Unavailable(f"Google's token endpoint answered {response.status}.")
        try:
            answer = cast("dict[str, object]", orjson.loads(body))
        except orjson.JSONDecodeError as error:
            raise Unavailable("Google's token answer was cut short.") from error
        if response.status >= 400:
            raise _refusal(answer)
        return answer

    async def _claims(self, id_token: str) -> dict[str, object]:
        """The verified claims of the id token; ``hd`` is there for Workspace accounts only."""
        try:
            async with self._session.get(self._endpoints.certs) as response:
                keys = jwt.PyJWKSet.from_json((await response.read()).decode())
        except (aiohttp.ClientError, TimeoutError, jwt.PyJWKSetError, orjson.JSONDecodeError) as error:
            raise Unavailable(f"Google's signing keys cannot be read: {error}") from error
        try:
            key = keys[str(jwt.get_unverified_header(id_token).get("kid", ""))]
            return jwt.decode(
                id_token,
                key,
                algorithms=["RS256"],
                audience=self._client.id,
                issuer=self._endpoints.issuers,
                leeway=60,
                options={"require": ["exp", "iss", "aud", "email"]},
            )
        except (jwt.PyJWTError, KeyError) as error:
            raise ProviderError(f"Google's id token cannot be trusted: {error}") from error


def _refusal(answer: Mapping[str, object]) -> Exception:
    code = str(answer.get("error", ""))
    if code in LOST:
        return AuthorizationLost(LOST[code])
    if code == "invalid_client":
        return Misconfigured("Google does not know the OAuth client id, or its secret is wrong.")
    return ProviderError(f"Google refused the request: {code} {answer.get('error_description', '')}".strip())


def _token_set(answer: Mapping[str, object]) -> TokenSet:
    lifetime = timedelta(seconds=int(str(answer.get("expires_in", 3600))))
    return TokenSet(
        access_token=str(answer["access_token"]),
        expires_at=datetime.now(UTC) + lifetime,
        refresh_token=str(answer.get("refresh_token", "")),
        scopes=frozenset(str(answer.get("scope", "")).split()),
    )
