"""Google's authorization server: consent, codes, tokens, revocation.

Sources: "Using OAuth 2.0 for Web Server Applications", "OpenID Connect", "Using OAuth 2.0 to Access
Google APIs" (when refresh tokens stop working). The documents list the error codes; the descriptions
are those that Google's token endpoint is quoted to send in public bug reports.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ..clock import Clock
from . import scopes as words
from .accounts import Account, Client
from .keys import SigningKeys, at_hash, s256

CODE_SECONDS = 600
ACCESS_SECONDS = 3_599
TESTING_SECONDS = 7 * 86_400
DEFAULT_SCOPES = ("openid", words.USERINFO_EMAIL, words.USERINFO_PROFILE, words.GMAIL_READONLY)


class OAuthError(Exception):
    """The token endpoint refused."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status

    def as_json(self) -> dict[str, str]:
        return {"error": self.error, "error_description": self.description}


class AuthorizationError(Exception):
    """Google shows an error page instead of the consent page."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


class TokenSettings(Protocol):
    """The part of the sandbox's settings that tokens obey."""

    issuer: str
    rotate_refresh_tokens: bool
    refresh_tokens_per_account: int


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A checked request for consent."""

    client: Client
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str = ""
    offline: bool = False
    prompt: frozenset[str] = frozenset()
    login_hint: str = ""
    hd: str = ""
    nonce: str = ""
    challenge: str = ""
    challenge_method: str = "plain"
    include_granted: bool = False


@dataclass(slots=True)
class Grant:
    """What one consent gave: the person, the application, the scopes."""

    account: Account
    client: Client
    scopes: frozenset[str]
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class _Code:
    request: AuthorizationRequest
    account: Account
    scopes: frozenset[str]
    expires: float
    first_consent: bool


@dataclass(frozen=True, slots=True)
class _Refresh:
    grant: Grant
    expires: float


@dataclass(frozen=True, slots=True)
class Access:
    """A live access token; ``scopes`` may be fewer than the grant's."""

    grant: Grant
    scopes: frozenset[str]
    expires: float


@dataclass(frozen=True, slots=True)
class Tokens:
    """An answer of the token endpoint."""

    access_token: str
    expires_in: int
    scope: str
    refresh_token: str = ""
    id_token: str = ""

    def as_json(self) -> dict[str, object]:
        answer: dict[str, object] = {"access_token": self.access_token, "expires_in": self.expires_in}
        if self.refresh_token:
            answer["refresh_token"] = self.refresh_token
        answer |= {"scope": self.scope, "token_type": "Bearer"}
        if self.id_token:
            answer["id_token"] = self.id_token
        return answer


@dataclass
class TokenStore:
    """Codes and tokens, and whether they are still good."""

    clock: Clock
    keys: SigningKeys
    settings: TokenSettings
    access: dict[str, Access] = field(default_factory=dict)
    _codes: dict[str, _Code] = field(default_factory=dict)
    _spent_codes: dict[str, Grant] = field(default_factory=dict)
    _refresh: dict[str, _Refresh] = field(default_factory=dict)

    def grant_code(
        self, request: AuthorizationRequest, account: Account, granted: frozenset[str]
    ) -> tuple[str, frozenset[str]]:
        """Record consent; a code, good once for 10 minutes, and the scopes that it gives."""
        known = request.client.consents.get(account.address, frozenset())
        first = not granted <= known
        request.client.consents[account.address] = known | granted
        if request.include_granted:
            granted = known | granted
        code = f"4/0A{secrets.token_urlsafe(48)}"
        expires = self.clock.now() + CODE_SECONDS
        self._codes[code] = _Code(request, account, granted, expires, first)
        return code, granted

    def exchange_code(self, client: Client, form: Mapping[str, str], origin: str) -> Tokens:
        """``grant_type=authorization_code``."""
        text = _required(form, "code")
        if not text.startswith("4/"):
            raise OAuthError("invalid_grant", "Malformed auth code.")
        code = self._codes.pop(text, None)
        if code is None or code.expires < self.clock.now() or code.request.client is not client:
            self._punish_reuse(text)
            raise OAuthError("invalid_grant", "Bad Request")
        if form.get("redirect_uri", "") != code.request.redirect_uri:
            raise OAuthError("redirect_uri_mismatch", "Bad Request")
        _check_verifier(code.request, form.get("code_verifier", ""))
        offline = code.request.offline and (code.first_consent or "consent" in code.request.prompt)
        tokens = self.issue(
            code.account, client, code.scopes, offline=offline, nonce=code.request.nonce, origin=origin
        )
        self._spent_codes[text] = self.access[tokens.access_token].grant
        return tokens

    def refresh(self, client: Client, form: Mapping[str, str], origin: str) -> Tokens:
        """``grant_type=refresh_token``."""
        text = _required(form, "refresh_token")
        held = self._refresh.get(text)
        if held is None or held.grant.client is not client:
            raise OAuthError("invalid_grant", "Bad Request")
        if held.grant.revoked or held.expires < self.clock.now():
            raise OAuthError("invalid_grant", "Token has been expired or revoked.")
        asked, unknown = words.parse(form.get("scope", ""))
        if unknown or not held.grant.scopes.issuperset(asked):
            raise OAuthError("invalid_scope", "Bad Request")
        scopes = frozenset(asked) or held.grant.scopes
        rotated = self._rotate(text) if self.settings.rotate_refresh_tokens else ""
        return self._tokens(held.grant, scopes, rotated, "", origin)

    def issue(
        self,
        account: Account,
        client: Client,
        scopes: frozenset[str],
        *,
        offline: bool,
        nonce: str = "",
        origin: str = "",
    ) -> Tokens:
        """Tokens of a new grant."""
        grant = Grant(account, client, scopes)
        refresh = self._new_refresh(grant) if offline else ""
        return self._tokens(grant, scopes, refresh, nonce, origin)

    def find_access(self, token: str) -> Access | None:
        """The access token if it is good."""
        held = self.access.get(token)
        if held is None or held.grant.revoked or held.expires < self.clock.now():
            return None
        return held

    def address_of(self, refresh_token: str) -> str:
        """Whose refresh token this is; "" for an unknown one."""
        held = self._refresh.get(refresh_token)
        return held.grant.account.address if held else ""

    def revoke(self, token: str) -> None:
        """End the grant behind an access or refresh token. Raises ``OAuthError`` for a dead one."""
        held = self.find_access(token) or self._refresh.get(token)
        if held is None or held.grant.revoked:
            raise OAuthError("invalid_token", "Token expired or revoked")
        held.grant.client.consents.pop(held.grant.account.address, None)
        self.revoke_account(held.grant.account.address, client=held.grant.client)

    def revoke_account(self, address: str, client: Client | None = None, *, only_mail: bool = False) -> None:
        """End an account's grants: all, those of one client, or those that reach into Gmail."""
        for held in (*self.access.values(), *self._refresh.values()):
            grant = held.grant
            mine = grant.account.address == address and client in (None, grant.client)
            if mine and (not only_mail or words.touches_mail(grant.scopes)):
                grant.revoked = True

    def expire_access(self, address: str) -> None:
        """Let an account's access tokens run out now; refresh tokens stay good."""
        for token in [t for t, held in self.access.items() if held.grant.account.address == address]:
            del self.access[token]

    def _tokens(self, grant: Grant, scopes: frozenset[str], refresh: str, nonce: str, origin: str) -> Tokens:
        token = f"ya29.a0{secrets.token_urlsafe(90)}"
        self.access[token] = Access(grant, scopes, self.clock.now() + ACCESS_SECONDS)
        signed = self._id_token(grant, token, nonce, origin) if "openid" in scopes else ""
        return Tokens(token, ACCESS_SECONDS, " ".join(sorted(scopes)), refresh, signed)

    def _id_token(self, grant: Grant, access_token: str, nonce: str, origin: str) -> str:
        now = int(self.clock.now())
        account = grant.account
        claims: dict[str, object] = {
            "iss": origin if self.settings.issuer == "origin" else self.settings.issuer,
            "azp": grant.client.client_id,
            "aud": grant.client.client_id,
            "sub": account.sub,
        }
        if account.hd:
            claims["hd"] = account.hd
        if words.USERINFO_EMAIL in grant.scopes:
            claims |= {"email": account.address, "email_verified": True}
        claims["at_hash"] = at_hash(access_token)
        if nonce:
            claims["nonce"] = nonce
        if words.USERINFO_PROFILE in grant.scopes:
            claims |= profile(account)
        return self.keys.sign(claims | {"iat": now, "exp": now + 3_600})

    def _new_refresh(self, grant: Grant) -> str:
        lifetime = TESTING_SECONDS if grant.client.testing else float("inf")
        token = f"1//0{secrets.token_urlsafe(64)}"
        self._refresh[token] = _Refresh(grant, self.clock.now() + lifetime)
        mine = [
            known
            for known, held in self._refresh.items()
            if held.grant.account is grant.account and held.grant.client is grant.client
        ]
        for oldest in mine[: -self.settings.refresh_tokens_per_account]:
            del self._refresh[oldest]
        return token

    def _rotate(self, token: str) -> str:
        held = self._refresh.pop(token)
        return self._new_refresh(held.grant)

    def _punish_reuse(self, code: str) -> None:
        """RFC 6749 section 4.1.2: a code used twice ends the tokens it gave."""
        if grant := self._spent_codes.pop(code, None):
            grant.revoked = True


def check_request(query: Mapping[str, str], clients: Mapping[str, Client]) -> AuthorizationRequest:
    """Read ``/o/oauth2/v2/auth``'s parameters. Raises ``AuthorizationError`` for the error page."""
    client = clients.get(_wanted(query, "client_id"))
    if client is None:
        raise AuthorizationError("invalid_client", "The OAuth client was not found.", 401)
    redirect_uri = _wanted(query, "redirect_uri")
    if redirect_uri not in client.redirect_uris:
        raise AuthorizationError(
            "redirect_uri_mismatch",
            "You can't sign in to this app because it doesn't comply with Google's OAuth 2.0 policy. "
            f"Register the redirect URI {redirect_uri} in the Google Cloud Console.",
        )
    if (kind := _wanted(query, "response_type")) != "code":
        raise AuthorizationError("unsupported_response_type", f"Invalid response_type: {kind}")
    return AuthorizationRequest(
        client=client,
        redirect_uri=redirect_uri,
        scopes=_wanted_scopes(query),
        state=query.get("state", ""),
        offline=_one_of(query, "access_type", ("online", "offline")) == "offline",
        prompt=frozenset(query.get("prompt", "").split()),
        login_hint=query.get("login_hint", "").lower(),
        hd=query.get("hd", "").lower(),
        nonce=query.get("nonce", ""),
        challenge=query.get("code_challenge", ""),
        challenge_method=_one_of(query, "code_challenge_method", ("plain", "S256")),
        include_granted=query.get("include_granted_scopes") == "true",
    )


def check_person(request: AuthorizationRequest, account: Account) -> None:
    """Whether this person may consent at all. Raises ``AuthorizationError``."""
    if request.client.internal_to and account.hd != request.client.internal_to:
        raise AuthorizationError(
            "org_internal",
            f"{request.client.name} is restricted to users within its organization.",
            403,
        )
    if account.blocked_by_admin and words.touches_mail(frozenset(request.scopes)):
        raise AuthorizationError(
            "admin_policy_enforced",
            "Access to your account data is restricted by policies within your organization.",
        )


def check_client(
    form: Mapping[str, str], basic: tuple[str, str] | None, clients: Mapping[str, Client]
) -> Client:
    """The application that calls the token endpoint, by Basic or by body. Raises ``OAuthError``."""
    client_id, secret = basic or (form.get("client_id", ""), form.get("client_secret", ""))
    if not client_id:
        raise OAuthError("invalid_request", "Could not determine client ID from request.")
    client = clients.get(client_id)
    if client is None:
        raise OAuthError("invalid_client", "The OAuth client was not found.", 401)
    if not secret:
        raise OAuthError("invalid_request", "client_secret is missing.")
    if not secrets.compare_digest(secret.encode(), client.client_secret.encode()):
        raise OAuthError("invalid_client", "The provided client secret is invalid.", 401)
    return client


def profile(account: Account) -> dict[str, str]:
    """The claims of the profile scope."""
    given, _, family = account.name.partition(" ")
    claims = {"name": account.name, "given_name": given}
    return claims | ({"family_name": family} if family else {})


def _check_verifier(request: AuthorizationRequest, verifier: str) -> None:
    if not request.challenge:
        if verifier:
            raise OAuthError("invalid_grant", "code_verifier or verifier is not needed.")
        return
    if not verifier:
        raise OAuthError("invalid_grant", "Missing code verifier.")
    answer = s256(verifier) if request.challenge_method == "S256" else verifier
    if not secrets.compare_digest(answer.encode(), request.challenge.encode()):
        raise OAuthError("invalid_grant", "Invalid code verifier.")


def _wanted_scopes(query: Mapping[str, str]) -> tuple[str, ...]:
    text = _wanted(query, "scope")
    known, unknown = words.parse(text)
    if unknown:
        raise AuthorizationError(
            "invalid_scope",
            f"Some requested scopes were invalid. {{valid={list(known)}, invalid={list(unknown)}}}",
        )
    return known


def _one_of(query: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    value = query.get(name, allowed[0])
    if value not in allowed:
        raise AuthorizationError("invalid_request", f"Invalid parameter value for {name}: {value}")
    return value


def _wanted(query: Mapping[str, str], name: str) -> str:
    if value := query.get(name, ""):
        return value
    raise AuthorizationError("invalid_request", f"Missing required parameter: {name}")


def _required(form: Mapping[str, str], name: str) -> str:
    if value := form.get(name, ""):
        return value
    raise OAuthError("invalid_request", f"Missing required parameter: {name}")
