"""The pages and endpoints of sign-in: consent, token, revoke, keys, who-am-I.

Sources: "Using OAuth 2.0 for Web Server Applications", "OpenID Connect", and Google's own
``/.well-known/openid-configuration``.
"""

import asyncio
from base64 import b64decode
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus, urlencode

from aiohttp import web

from ..faults import Fault
from ..html import Templates
from . import delegation
from . import scopes as words
from .accounts import Account
from .oauth import (
    AuthorizationError,
    AuthorizationRequest,
    OAuthError,
    check_client,
    check_person,
    check_request,
    profile,
)

if TYPE_CHECKING:
    from .sandbox import GoogleSandbox

_templates = Templates(__file__)
render, render_each = _templates.render, _templates.render_each
_NO_STORE = {"Cache-Control": "no-cache, no-store, max-age=0, must-revalidate", "Pragma": "no-cache"}
_PATH = "/o/oauth2/v2/auth"
_ON_SIGN_IN = ("latency", "error", "drop", "garble")
"""The kinds of faults that act on sign-in."""


def routes(sandbox: "GoogleSandbox") -> list[web.RouteDef]:
    signin = SignIn(sandbox)
    return [
        web.get("/.well-known/openid-configuration", signin.configuration),
        web.get(_PATH, signin.ask),
        web.post(_PATH, signin.decide),
        web.post("/token", signin.token),
        web.post("/revoke", signin.revoke),
        web.get("/revoke", signin.revoke),
        web.get("/oauth2/v3/certs", signin.certificates),
        web.get("/tokeninfo", signin.token_info),
        web.get("/v1/userinfo", signin.user_info),
        web.get("/oauth2/v3/userinfo", signin.user_info),
    ]


def origin_of(request: web.Request) -> str:
    """The address the sandbox was called by."""
    return f"{request.scheme}://{request.host}"


class SignIn:
    """The authorization server's endpoints over one sandbox."""

    def __init__(self, sandbox: "GoogleSandbox") -> None:
        self.sandbox = sandbox

    async def configuration(self, request: web.Request) -> web.Response:
        return web.json_response(_configuration(origin_of(request), self._issuer(request)))

    async def ask(self, request: web.Request) -> web.Response:
        """The consent page, or a page that says why there is none."""
        try:
            asked = check_request(request.query, self.sandbox.clients)
        except AuthorizationError as refused:
            return _refusal_page(refused)
        if "none" in asked.prompt:
            return self._answer_silently(asked)
        return _page(self._consent_page(asked, request))

    async def decide(self, request: web.Request) -> web.Response:
        """Continue or Cancel was pressed."""
        form = await request.post()
        try:
            asked = check_request(request.query, self.sandbox.clients)
            if "cancel" in form:
                return _redirect(asked, {"error": "access_denied"})
            account = self.sandbox.accounts.get(str(form.get("account", "")))
            if account is None:
                return _page(self._consent_page(asked, request, "Choose an account."), 400)
            check_person(asked, account)
        except AuthorizationError as refused:
            return _refusal_page(refused)
        ticked = {str(scope) for scope in form.getall("granted", [])}
        granted = frozenset(s for s in asked.scopes if s in words.SIGN_IN or s in ticked)
        return self._give_code(asked, account, granted)

    async def token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        refreshing = form.get("grant_type") == "refresh_token"
        owner = self.sandbox.tokens.address_of(form.get("refresh_token", ""))
        if spoilt := await self._spoilt(request, "token", owner, refreshing=refreshing):
            return spoilt
        try:
            answer = self._exchange(request, form)
        except OAuthError as error:
            return web.json_response(error.as_json(), status=error.status, headers=_NO_STORE)
        return web.json_response(answer, headers=_NO_STORE)

    async def revoke(self, request: web.Request) -> web.Response:
        token = request.query.get("token") or str((await request.post()).get("token", ""))
        if spoilt := await self._spoilt(request, "revoke"):
            return spoilt
        try:
            with self.sandbox.lock:
                self.sandbox.tokens.revoke(token)
        except OAuthError as error:
            return web.json_response(error.as_json(), status=error.status)
        return web.json_response({})

    async def certificates(self, request: web.Request) -> web.Response:
        if spoilt := await self._spoilt(request, "certs"):
            return spoilt
        headers = {"Cache-Control": "public, max-age=20000, must-revalidate, no-transform"}
        return web.json_response(self.sandbox.keys.jwks(), headers=headers)

    async def token_info(self, request: web.Request) -> web.Response:
        access = self.sandbox.tokens.find_access(request.query.get("access_token", ""))
        if access is None:
            error = {"error": "invalid_token", "error_description": "Invalid Value"}
            return web.json_response(error, status=400)
        account, client = access.grant.account, access.grant.client
        info = {
            "azp": client.client_id,
            "aud": client.client_id,
            "sub": account.sub,
            "scope": " ".join(sorted(access.scopes)),
            "exp": str(int(access.expires)),
            "expires_in": str(int(access.expires - self.sandbox.clock.now())),
            "access_type": "offline",
        }
        if words.USERINFO_EMAIL in access.scopes:
            info |= {"email": account.address, "email_verified": "true"}
        return web.json_response(info)

    async def user_info(self, request: web.Request) -> web.Response:
        _, _, token = request.headers.get("Authorization", "").partition(" ")
        access = self.sandbox.tokens.find_access(token)
        if access is None:
            error = {"error": "invalid_request", "error_description": "Invalid Credentials"}
            return web.json_response(error, status=401, headers={"WWW-Authenticate": "Bearer"})
        return web.json_response(_claims(access.grant.account, access.scopes))

    def _exchange(self, request: web.Request, form: Mapping[str, str]) -> dict[str, object]:
        sandbox, kind = self.sandbox, form.get("grant_type", "")
        with sandbox.lock:
            if kind == delegation.GRANT:
                return delegation.redeem(sandbox, form, origin_of(request)).as_json()
            client = check_client(form, _basic(request), sandbox.clients)
            if kind == "authorization_code":
                return sandbox.tokens.exchange_code(client, form, self._issuer(request)).as_json()
            if kind != "refresh_token":
                raise OAuthError("unsupported_grant_type", f"Invalid grant_type: {kind}")
            return sandbox.tokens.refresh(client, form, self._issuer(request)).as_json()

    async def _spoilt(
        self, request: web.Request, endpoint: str, address: str = "", *, refreshing: bool = False
    ) -> web.Response | None:
        """What a fault answers in this endpoint's stead, if one does."""
        for fault in self._faults(request, endpoint, address, refreshing):
            if fault.kind == "latency":
                await asyncio.sleep(fault.seconds)
            elif fault.kind == "drop":
                if request.transport:
                    request.transport.close()
                return web.Response()
            elif fault.kind == "garble":
                headers = {"Content-Type": fault.content_type}
                return web.Response(status=fault.status, body=fault.body.encode(), headers=headers)
            elif fault.kind == "invalid_grant":
                gone = OAuthError("invalid_grant", fault.message or "Token has been expired or revoked.")
                return web.json_response(gone.as_json(), status=400, headers=_NO_STORE)
            else:
                error = {"error": fault.reason or "internal_failure", "error_description": "Backend Error"}
                wait = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
                return web.json_response(error, status=fault.status, headers=wait)
        return None

    def _faults(self, request: web.Request, endpoint: str, address: str, refreshing: bool) -> list[Fault]:
        named = any(fault.method.startswith(endpoint) for fault in self.sandbox.faults.waiting)
        kinds = (*(("invalid_grant",) if refreshing else ()), *(_ON_SIGN_IN if named else ()))
        with self.sandbox.lock:
            return self.sandbox.faults.take(endpoint, request.path, address, kinds)

    def _consent_page(self, asked: AuthorizationRequest, request: web.Request, problem: str = "") -> str:
        accounts = self._candidates(asked)
        chosen = asked.login_hint if len(accounts) != 1 else accounts[0].address
        return render(
            "consent",
            app=asked.client.name,
            action=request.raw_path,
            problem=problem,
            accounts=render_each("consent_account", (_choice(a, chosen) for a in accounts)),
            sign_in=render_each("consent_fact", _facts(asked, words.SIGN_IN)),
            access=render_each("consent_scope", _facts(asked, words.ACCESS)),
        )

    def _candidates(self, asked: AuthorizationRequest) -> list[Account]:
        """``hd`` narrows the choice but does not bind it, as Google warns."""
        accounts = list(self.sandbox.accounts.values())
        if asked.hd:
            fitting = [a for a in accounts if a.hd == asked.hd or (asked.hd == "*" and a.hd)]
            accounts = fitting or accounts
        return accounts

    def _answer_silently(self, asked: AuthorizationRequest) -> web.Response:
        account = self.sandbox.accounts.get(asked.login_hint)
        if account is None:
            return _redirect(asked, {"error": "login_required"})
        granted = asked.client.consents.get(account.address, frozenset())
        if not granted.issuperset(asked.scopes):
            return _redirect(asked, {"error": "consent_required"})
        return self._give_code(asked, account, frozenset(asked.scopes))

    def _give_code(
        self, asked: AuthorizationRequest, account: Account, granted: frozenset[str]
    ) -> web.Response:
        with self.sandbox.lock:
            code, granted = self.sandbox.tokens.grant_code(asked, account, granted)
        answer = {"code": code, "scope": " ".join(sorted(granted)), "authuser": "0"}
        if account.hd:
            answer["hd"] = account.hd
        return _redirect(asked, answer | {"prompt": "consent" if "consent" in asked.prompt else "none"})

    def _issuer(self, request: web.Request) -> str:
        configured = self.sandbox.settings.issuer
        return origin_of(request) if configured == "origin" else configured


def _choice(account: Account, chosen: str) -> dict[str, str]:
    kind = f"Workspace account of {account.hd}" if account.hd else "Personal account"
    checked = "checked" if account.address == chosen else ""
    return {"address": account.address, "name": account.name, "kind": kind, "checked": checked}


def _facts(asked: AuthorizationRequest, among: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"scope": scope, "words": among[scope]} for scope in asked.scopes if scope in among]


def _claims(account: Account, scopes: frozenset[str]) -> dict[str, object]:
    claims: dict[str, object] = {"sub": account.sub}
    if words.USERINFO_EMAIL in scopes:
        claims |= {"email": account.address, "email_verified": True}
    if words.USERINFO_PROFILE in scopes:
        claims |= profile(account)
    return claims | ({"hd": account.hd} if account.hd else {})


def _redirect(asked: AuthorizationRequest, answer: Mapping[str, str]) -> web.Response:
    state = {"state": asked.state} if asked.state else {}
    joint = "&" if "?" in asked.redirect_uri else "?"
    target = f"{asked.redirect_uri}{joint}{urlencode(state | dict(answer))}"
    return web.Response(status=302, headers={"Location": target, **_NO_STORE})


def _refusal_page(refused: AuthorizationError) -> web.Response:
    page = render("refused", error=refused.error, description=refused.description, status=str(refused.status))
    return _page(page, refused.status)


def _page(page: str, status: int = 200) -> web.Response:
    return web.Response(text=page, status=status, content_type="text/html", headers=_NO_STORE)


def _basic(request: web.Request) -> tuple[str, str] | None:
    kind, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        client_id, _, secret = b64decode(encoded).decode("utf-8").partition(":")
    except ValueError:
        return None
    return unquote_plus(client_id), unquote_plus(secret)


def _configuration(origin: str, issuer: str) -> dict[str, object]:
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{origin}{_PATH}",
        "token_endpoint": f"{origin}/token",
        "userinfo_endpoint": f"{origin}/v1/userinfo",
        "revocation_endpoint": f"{origin}/revoke",
        "jwks_uri": f"{origin}/oauth2/v3/certs",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "email", "profile"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "claims_supported": [
            "aud",
            "email",
            "email_verified",
            "exp",
            "family_name",
            "given_name",
            "iat",
            "iss",
            "name",
            "picture",
            "sub",
        ],
        "code_challenge_methods_supported": ["plain", "S256"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
    }
