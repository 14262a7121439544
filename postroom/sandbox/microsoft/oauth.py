"""Entra's authorization server: consent, codes, tokens.

Sources: "Microsoft identity platform and OAuth 2.0 authorization code flow", "OAuth 2.0 client credentials
flow", "Refresh tokens in the Microsoft identity platform" (each refresh gives a new token; the old one is
not revoked; 90 days), "ID token claims reference", "Scopes and permissions in the Microsoft identity
platform", "Microsoft Entra authentication and authorization error codes".
"""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..google.keys import s256
from .accounts import Account, App, tenant_of
from .errors import EntraError

if TYPE_CHECKING:
    from .sandbox import MicrosoftSandbox

CODE_SECONDS = 600
OPENID = {
    "openid": "Sign you in",
    "email": "View your email address",
    "profile": "View your basic profile",
    "offline_access": "Maintain access to data you have given it access to",
}
GRAPH = {
    "Mail.Read": "Read your mail",
    "Mail.ReadBasic": "Read your mail, but for its bodies and attachments",
    "Mail.ReadWrite": "Read and write access to your mail",
    "User.Read": "Sign in and read your profile",
    "User.ReadBasic.All": "Read everybody's basic profile",
}
DEFAULT_SCOPES = (*OPENID, "User.Read", "Mail.Read")
GRAPH_PREFIX = "https://graph.microsoft.com/"
_NAMES = {name.lower(): name for name in (*OPENID, *GRAPH)}


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A checked request for consent."""

    app: App
    tenant: str
    """As in the path: organizations, common, consumers or a tenant's id or domain."""
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str = ""
    prompt: str = ""
    login_hint: str = ""
    domain_hint: str = ""
    nonce: str = ""
    challenge: str = ""
    challenge_method: str = "plain"
    response_mode: str = "query"


@dataclass(frozen=True, slots=True)
class Access:
    """A live access token."""

    app: App
    account: Account | None
    """None where the application asks by itself."""
    scopes: frozenset[str]
    issued: float
    expires: float
    tenant: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """An answer of the token endpoint."""

    access_token: str
    expires_in: int
    scope: str = ""
    refresh_token: str = ""
    id_token: str = ""

    def as_json(self) -> dict[str, object]:
        answer: dict[str, object] = {
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "ext_expires_in": self.expires_in,
            "access_token": self.access_token,
        }
        optional = {"scope": self.scope, "refresh_token": self.refresh_token, "id_token": self.id_token}
        return answer | {name: value for name, value in optional.items() if value}


@dataclass(frozen=True, slots=True)
class _Code:
    request: AuthorizationRequest
    account: Account
    expires: float


@dataclass(frozen=True, slots=True)
class _Refresh:
    app: App
    account: Account
    scopes: frozenset[str]
    expires: float


@dataclass
class TokenStore:
    """Codes and tokens, and whether they are still good."""

    sandbox: "MicrosoftSandbox"
    access: dict[str, Access] = field(default_factory=dict)
    _codes: dict[str, _Code] = field(default_factory=dict)
    _redeemed: set[str] = field(default_factory=set)
    _refresh: dict[str, _Refresh] = field(default_factory=dict)

    def grant_code(self, request: AuthorizationRequest, account: Account) -> str:
        """Record consent and hand out a code, good once for 10 minutes."""
        known = request.app.consents.get(account.oid, frozenset())
        request.app.consents[account.oid] = known | frozenset(request.scopes)
        code = f"1.AX{secrets.token_urlsafe(60)}"
        self._codes[code] = _Code(request, account, self.sandbox.clock.now() + CODE_SECONDS)
        return code

    def redeem(self, app: App, tenant: str, form: Mapping[str, str], origin: str) -> Tokens:
        """``grant_type=authorization_code``."""
        text = required(form, "code")
        if text in self._redeemed:
            raise EntraError(54005)
        code = self._codes.pop(text, None)
        if code is None or code.request.app is not app:
            raise EntraError(70000, "code")
        if code.expires < self.sandbox.clock.now():
            raise EntraError(70008)
        if form.get("redirect_uri", "") != code.request.redirect_uri:
            raise EntraError(50011, form.get("redirect_uri", ""))
        check_tenant(tenant, code.account)
        _check_verifier(code.request, form.get("code_verifier", ""))
        _check_trouble(code.account)
        self._redeemed.add(text)
        return self.issue(code.account, app, frozenset(code.request.scopes), code.request.nonce, origin)

    def refresh(self, app: App, tenant: str, form: Mapping[str, str], origin: str) -> Tokens:
        """``grant_type=refresh_token``."""
        text = required(form, "refresh_token")
        held = self._refresh.get(text)
        if held is None or held.app is not app:
            raise EntraError(70000, "refresh_token")
        check_tenant(tenant, held.account)
        _check_trouble(held.account)
        if held.expires < self.sandbox.clock.now():
            raise EntraError(700082)
        if not self._consented(app, held.account, held.scopes):
            raise EntraError(65001, app.client_id)
        scopes = frozenset(read_scopes(form["scope"])) if form.get("scope") else held.scopes
        if not scopes <= held.scopes:
            raise EntraError(65001, app.client_id)
        renewed = self.issue(held.account, app, scopes, "", origin)
        if self.sandbox.settings.rotate_refresh_tokens:
            return renewed
        del self._refresh[renewed.refresh_token]
        return Tokens(renewed.access_token, renewed.expires_in, renewed.scope, "", renewed.id_token)

    def by_itself(self, app: App, tenant: str, form: Mapping[str, str]) -> Tokens:
        """``grant_type=client_credentials``: what the tenant's administrator gave the application."""
        if required(form, "scope") != f"{GRAPH_PREFIX}.default":
            raise EntraError(70011, form["scope"])
        tid = self.tenant_id(tenant)
        if tid is None:
            raise EntraError(90002, tenant)
        if tid not in app.admin_consents and app.single_tenant != tid:
            raise EntraError(700016, app.client_id, tenant)
        return self._access(app, None, app.application_permissions, tid)

    def tenant_id(self, tenant: str) -> str | None:
        """The id of a tenant named by id or domain, None where nobody here is of it."""
        known = {account.tid for account in self.sandbox.accounts.values()}
        return next((tid for tid in (tenant.lower(), tenant_of(tenant)) if tid in known), None)

    def issue(
        self, account: Account, app: App, scopes: frozenset[str], nonce: str = "", origin: str = ""
    ) -> Tokens:
        access = self._access(app, account, scopes, account.tid)
        refresh = ""
        if "offline_access" in scopes:
            refresh = f"1.AX{secrets.token_urlsafe(80)}"
            expires = self.sandbox.clock.now() + self.sandbox.settings.refresh_seconds
            self._refresh[refresh] = _Refresh(app, account, scopes, expires)
        signed = self._id_token(account, app, scopes, nonce, origin) if "openid" in scopes else ""
        return Tokens(access.access_token, access.expires_in, access.scope, refresh, signed)

    def find_access(self, token: str) -> Access | None:
        """The access token if it is good."""
        held = self.access.get(token)
        return held if held and held.expires > self.sandbox.clock.now() else None

    def address_of(self, refresh_token: str) -> str:
        """Whose refresh token this is; "" for an unknown one."""
        held = self._refresh.get(refresh_token)
        return held.account.address if held else ""

    def expire_access(self, oid: str = "") -> None:
        """Let a person's access tokens run out now; those of applications themselves for ""."""
        for token, held in tuple(self.access.items()):
            if (held.account.oid if held.account else "") == oid:
                del self.access[token]

    def _access(self, app: App, account: Account | None, scopes: frozenset[str], tid: str) -> Tokens:
        now, lifetime = self.sandbox.clock.now(), self.sandbox.settings.access_seconds
        token = f"eyJ0eXAi.{secrets.token_urlsafe(90)}.{secrets.token_urlsafe(32)}"
        self.access[token] = Access(app, account, scopes, now, now + lifetime, tid)
        told = " ".join(sorted(scopes - {"offline_access"})) if account else ""
        return Tokens(token, lifetime, told)

    def _consented(self, app: App, account: Account, scopes: frozenset[str]) -> bool:
        return account.tid in app.admin_consents or scopes <= app.consents.get(account.oid, frozenset())

    def _id_token(self, account: Account, app: App, scopes: frozenset[str], nonce: str, origin: str) -> str:
        now, issuer = int(self.sandbox.clock.now()), self.sandbox.settings.issuer
        claims: dict[str, object] = {
            "ver": "2.0",
            "iss": f"{origin if issuer == 'origin' else issuer}/{account.tid}/v2.0",
            "sub": secrets.token_urlsafe(32),
            "aud": app.client_id,
            "exp": now + 3_600,
            "iat": now,
            "nbf": now,
            "tid": account.tid,
        }
        if "profile" in scopes:
            claims |= {"name": account.name, "preferred_username": account.upn, "oid": account.oid}
        if "email" in scopes:
            claims["email"] = account.address
        if nonce:
            claims["nonce"] = nonce
        return self.sandbox.keys.sign(claims)


def check_request(
    tenant: str, query: Mapping[str, str], apps: Mapping[str, App], tokens: TokenStore
) -> AuthorizationRequest:
    """Read the authorize endpoint's parameters. Raises ``EntraError`` for the error page."""
    client_id = wanted(query, "client_id")
    app = apps.get(client_id)
    if tenant not in {"common", "organizations", "consumers"} and tokens.tenant_id(tenant) is None:
        raise EntraError(90002, tenant)
    if app is None:
        raise EntraError(700016, client_id, tenant)
    redirect_uri = wanted(query, "redirect_uri")
    if redirect_uri not in app.redirect_uris:
        raise EntraError(50011, redirect_uri)
    if (kind := wanted(query, "response_type")) != "code":
        raise EntraError(70005, kind)
    return AuthorizationRequest(
        app=app,
        tenant=tenant,
        redirect_uri=redirect_uri,
        scopes=read_scopes(wanted(query, "scope")),
        state=query.get("state", ""),
        prompt=_one_of(query, "prompt", ("", "login", "none", "consent", "select_account")),
        login_hint=query.get("login_hint", "").lower(),
        domain_hint=query.get("domain_hint", "").lower(),
        nonce=query.get("nonce", ""),
        challenge=query.get("code_challenge", ""),
        challenge_method=_one_of(query, "code_challenge_method", ("plain", "S256")),
        response_mode=_one_of(query, "response_mode", ("query", "fragment", "form_post")),
    )


def check_app(
    form: Mapping[str, str], basic: tuple[str, str] | None, apps: Mapping[str, App], tenant: str
) -> App:
    """The application that calls the token endpoint, by Basic or by body. Raises ``EntraError``."""
    client_id, secret = basic or (form.get("client_id", ""), form.get("client_secret", ""))
    if not client_id:
        raise EntraError(90014, "client_id")
    app = apps.get(client_id)
    if app is None:
        raise EntraError(700016, client_id, tenant)
    if app.disabled:
        raise EntraError(7000112, client_id)
    if not secret:
        raise EntraError(7000218)
    if not secrets.compare_digest(secret.encode(), app.client_secret.encode()):
        raise EntraError(7000215)
    if app.secret_expired:
        raise EntraError(7000222, client_id)
    return app


def check_tenant(tenant: str, account: Account) -> None:
    """Whether the endpoint takes this account: /organizations takes no personal ones."""
    fits = {
        "common": True,
        "organizations": not account.is_personal,
        "consumers": account.is_personal,
    }.get(tenant, account.tid in (tenant.lower(), tenant_of(tenant)))
    if not fits:
        raise EntraError(500208 if tenant in {"organizations", "consumers"} else 50020, tenant)


def check_person(request: AuthorizationRequest, account: Account) -> None:
    """Whether this person may consent to this. Raises ``EntraError``."""
    check_tenant(request.tenant, account)
    if request.app.single_tenant and account.tid != request.app.single_tenant:
        raise EntraError(700016, request.app.client_id, account.tid)
    consented = account.tid in request.app.admin_consents or account.admin
    if request.app.needs_admin and not consented and not account.is_personal:
        raise EntraError(90094, request.app.name)
    if account.trouble in {50034, 50057, 50105, 53003}:
        raise EntraError(account.trouble)


def read_scopes(text: str) -> tuple[str, ...]:
    """Scopes by their canonical names; Graph's may have its address in front. Raises ``EntraError``."""
    found: list[str] = []
    for word in text.split():
        name = _NAMES.get(word.lower().removeprefix(GRAPH_PREFIX))
        if name is None:
            raise EntraError(70011, word)
        found.append(name)
    return tuple(dict.fromkeys(found))


def required(form: Mapping[str, str], name: str) -> str:
    if value := form.get(name, ""):
        return value
    raise EntraError(90014, name)


def wanted(query: Mapping[str, str], name: str) -> str:
    return required(query, name)


def _check_trouble(account: Account) -> None:
    if account.trouble:
        raise EntraError(account.trouble)


def _check_verifier(request: AuthorizationRequest, verifier: str) -> None:
    if not request.challenge and not verifier:
        return
    answer = s256(verifier) if request.challenge_method == "S256" else verifier
    if not secrets.compare_digest(answer.encode(), request.challenge.encode()):
        raise EntraError(501481)


def _one_of(query: Mapping[str, str], name: str, allowed: Iterable[str]) -> str:
    choices = tuple(allowed)
    value = query.get(name, choices[0])
    if value not in choices:
        raise EntraError(90014, name, error="invalid_request")
    return value
