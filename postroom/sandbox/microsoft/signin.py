"""The pages and endpoints of sign-in: authorize, token, admin consent, keys, configuration.

Sources: "Microsoft identity platform and OAuth 2.0 authorization code flow"; "OpenID Connect on the
Microsoft identity platform"; "Grant tenant-wide admin consent to an application" (``/adminconsent``).
"""

import asyncio
from base64 import b64decode
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus, urlencode

from aiohttp import web

from ..faults import Fault
from ..html import Markup, Templates
from .accounts import Account
from .errors import EntraError
from .oauth import GRAPH, OPENID, AuthorizationRequest, check_app, check_person, check_request

if TYPE_CHECKING:
    from .sandbox import MicrosoftSandbox

_templates = Templates(__file__)
render, render_each = _templates.render, _templates.render_each
_NO_STORE = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}
_ON_SIGN_IN = ("latency", "error", "drop", "garble", "invalid_grant")
_CLAIMS = frozenset(
    ["aud", "email", "exp", "iat", "iss", "name", "nonce", "preferred_username", "sub", "tid", "ver"]
)
_TO_APP = frozenset({65004, 90094, 50105, 53003, 65001})
"""Refusals that go back to the application rather than staying on Entra's page."""


def routes(sandbox: "MicrosoftSandbox") -> list[web.RouteDef]:
    signin = SignIn(sandbox)
    return [
        web.get("/{tenant}/v2.0/.well-known/openid-configuration", signin.configuration),
        web.get("/{tenant}/oauth2/v2.0/authorize", signin.ask),
        web.post("/{tenant}/oauth2/v2.0/authorize", signin.decide),
        web.post("/{tenant}/oauth2/v2.0/token", signin.token),
        web.get("/{tenant}/discovery/v2.0/keys", signin.certificates),
        web.get("/{tenant}/v2.0/adminconsent", signin.ask_admin),
        web.post("/{tenant}/v2.0/adminconsent", signin.admin_decides),
        web.get("/common/discovery/instance", signin.instance),
    ]


def origin_of(request: web.Request) -> str:
    """The address the sandbox was called by."""
    return f"{request.scheme}://{request.host}"


class SignIn:
    """The authorization server's endpoints over one sandbox."""

    def __init__(self, sandbox: "MicrosoftSandbox") -> None:
        self.sandbox = sandbox

    async def configuration(self, request: web.Request) -> web.Response:
        return web.json_response(self._configuration(request))

    async def instance(self, request: web.Request) -> web.Response:
        """What Microsoft's own libraries ask first, to know whom to trust."""
        url = f"{origin_of(request)}/common/v2.0/.well-known/openid-configuration"
        hosts = {
            "preferred_network": request.host,
            "preferred_cache": request.host,
            "aliases": [request.host],
        }
        answer = {"tenant_discovery_endpoint": url, "api-version": "1.1", "metadata": [hosts]}
        return web.json_response(answer)

    async def ask(self, request: web.Request) -> web.Response:
        """The consent page, or a page that says why there is none."""
        try:
            asked = self._checked(request)
        except EntraError as refused:
            return _refusal_page(refused)
        if asked.prompt == "none":
            return self._answer_silently(asked)
        return _page(self._consent_page(asked, request))

    async def decide(self, request: web.Request) -> web.Response:
        """Accept or Cancel was pressed."""
        form = await request.post()
        asked = None
        try:
            asked = self._checked(request)
            if "cancel" in form:
                raise EntraError(65004)
            account = self.sandbox.accounts.get(str(form.get("account", "")))
            if account is None:
                return _page(self._consent_page(asked, request, "Choose an account."), 400)
            check_person(asked, account)
        except EntraError as refused:
            if asked is not None and refused.code in _TO_APP:
                return _refuse(asked, refused)
            return _refusal_page(refused)
        return self._give_code(asked, account)

    async def ask_admin(self, request: web.Request) -> web.Response:
        try:
            self._admin_request(request)
        except EntraError as refused:
            return _refusal_page(refused)
        admins = [account for account in self.sandbox.accounts.values() if account.admin]
        page = render(
            "admin",
            app=self.sandbox.apps[request.query["client_id"]].name,
            action=request.raw_path,
            accounts=render_each("consent_account", (_choice(admin, "") for admin in admins)),
        )
        return _page(page)

    async def admin_decides(self, request: web.Request) -> web.Response:
        form = await request.post()
        try:
            redirect_uri = self._admin_request(request)
        except EntraError as refused:
            return _refusal_page(refused)
        state = {"state": request.query["state"]} if request.query.get("state") else {}
        account = self.sandbox.accounts.get(str(form.get("account", "")))
        if "cancel" in form or account is None or not account.admin:
            refusal = {"error": "permission_denied", "error_description": "The admin canceled the request"}
            return _to(redirect_uri, refusal | state)
        with self.sandbox.lock:
            self.sandbox.apps[request.query["client_id"]].admin_consents.add(account.tid)
        return _to(redirect_uri, {"tenant": account.tid, "admin_consent": "True"} | state)

    async def token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        if spoilt := await self._spoilt(
            request, self.sandbox.tokens.address_of(form.get("refresh_token", ""))
        ):
            return spoilt
        try:
            with self.sandbox.lock:
                answer = self._tokens(request, form)
        except EntraError as error:
            return web.json_response(
                error.as_json(self.sandbox.clock.now()), status=error.status, headers=_NO_STORE
            )
        return web.json_response(answer, headers=_NO_STORE)

    async def certificates(self, request: web.Request) -> web.Response:
        if spoilt := await self._spoilt(request, method="keys"):
            return spoilt
        issuer = f"{self._issuer(request)}/{{tenantid}}/v2.0"
        keys = [key | {"issuer": issuer} for key in self.sandbox.keys.jwks()["keys"]]
        return web.json_response({"keys": keys})

    def _tokens(self, request: web.Request, form: Mapping[str, str]) -> dict[str, object]:
        tenant, kind = request.match_info["tenant"], form.get("grant_type", "")
        tokens, origin = self.sandbox.tokens, origin_of(request)
        app = check_app(form, _basic(request), self.sandbox.apps, tenant)
        if kind == "authorization_code":
            return tokens.redeem(app, tenant, form, origin).as_json()
        if kind == "refresh_token":
            return tokens.refresh(app, tenant, form, origin).as_json()
        if kind == "client_credentials":
            return tokens.by_itself(app, tenant, form).as_json()
        raise EntraError(70003, kind)

    def _checked(self, request: web.Request) -> AuthorizationRequest:
        tenant = request.match_info["tenant"]
        return check_request(tenant, request.query, self.sandbox.apps, self.sandbox.tokens)

    def _admin_request(self, request: web.Request) -> str:
        """The checked redirect URI of a request for admin consent."""
        app = self.sandbox.apps.get(request.query.get("client_id", ""))
        if app is None:
            raise EntraError(700016, request.query.get("client_id", ""), request.match_info["tenant"])
        redirect_uri = request.query.get("redirect_uri", "")
        if redirect_uri not in app.redirect_uris:
            raise EntraError(50011, redirect_uri)
        return redirect_uri

    async def _spoilt(
        self, request: web.Request, address: str = "", method: str = "token"
    ) -> web.Response | None:
        """What a fault answers in this endpoint's stead, if one does."""
        for fault in self._faults(request, method, address):
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
                body = EntraError(int(fault.reason or 50173)).as_json(self.sandbox.clock.now())
                return web.json_response(body, status=400)
            else:
                wait = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
                error = {
                    "error": fault.reason or "temporarily_unavailable",
                    "error_description": "AADSTS90033",
                }
                return web.json_response(error, status=fault.status, headers=wait)
        return None

    def _faults(self, request: web.Request, method: str, address: str) -> list[Fault]:
        if not any(f.method == method or f.kind == "invalid_grant" for f in self.sandbox.faults.waiting):
            return []
        with self.sandbox.lock:
            return self.sandbox.faults.take(method, request.path, address, _ON_SIGN_IN)

    def _consent_page(self, asked: AuthorizationRequest, request: web.Request, problem: str = "") -> str:
        accounts = list(self.sandbox.accounts.values())
        chosen = asked.login_hint if len(accounts) != 1 else accounts[0].address
        return render(
            "consent",
            app=asked.app.name,
            action=request.raw_path,
            problem=problem,
            accounts=render_each("consent_account", (_choice(account, chosen) for account in accounts)),
            access=render_each("consent_fact", _facts(asked)),
        )

    def _answer_silently(self, asked: AuthorizationRequest) -> web.Response:
        account = self.sandbox.accounts.get(asked.login_hint)
        if account is None:
            return _refuse(asked, EntraError(50058, error="login_required"))
        granted = asked.app.consents.get(account.oid, frozenset())
        if account.tid not in asked.app.admin_consents and not granted.issuperset(asked.scopes):
            return _refuse(asked, EntraError(65001, asked.app.client_id, error="consent_required"))
        return self._give_code(asked, account)

    def _give_code(self, asked: AuthorizationRequest, account: Account) -> web.Response:
        with self.sandbox.lock:
            code = self.sandbox.tokens.grant_code(asked, account)
        return _back(asked, {"code": code, "session_state": account.oid})

    def _issuer(self, request: web.Request) -> str:
        configured = self.sandbox.settings.issuer
        return origin_of(request) if configured == "origin" else configured

    def _configuration(self, request: web.Request) -> dict[str, object]:
        base = f"{origin_of(request)}/{request.match_info['tenant']}"
        tenant = self.sandbox.tokens.tenant_id(request.match_info["tenant"]) or "{tenantid}"
        return {
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": f"{self._issuer(request)}/{tenant}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "claims_supported": sorted(_CLAIMS),
        }


def _choice(account: Account, chosen: str) -> dict[str, str]:
    kind = (
        "Personal account" if account.is_personal else f"Work account of {account.address.partition('@')[2]}"
    )
    checked = "checked" if account.address == chosen else ""
    return {"address": account.address, "name": account.name, "kind": kind, "checked": checked}


def _facts(asked: AuthorizationRequest) -> list[dict[str, str]]:
    words = GRAPH | OPENID
    return [{"words": words[scope]} for scope in asked.scopes if scope in words]


def _refuse(asked: AuthorizationRequest, refused: EntraError) -> web.Response:
    description = f"AADSTS{refused.code}: {refused.sentence}"
    return _back(asked, {"error": refused.error, "error_description": description})


def _back(asked: AuthorizationRequest, answer: Mapping[str, str]) -> web.Response:
    values = dict(answer) | ({"state": asked.state} if asked.state else {})
    if asked.response_mode == "form_post":
        fields = render_each("form_field", ({"name": name, "value": value} for name, value in values.items()))
        return _page(render("form_post", action=asked.redirect_uri, fields=fields))
    return _to(asked.redirect_uri, values, "#" if asked.response_mode == "fragment" else "?")


def _to(redirect_uri: str, answer: Mapping[str, str], mark: str = "?") -> web.Response:
    joint = "&" if mark in redirect_uri else mark
    return web.Response(
        status=302, headers={"Location": f"{redirect_uri}{joint}{urlencode(answer)}", **_NO_STORE}
    )


def _refusal_page(refused: EntraError) -> web.Response:
    page = render("refused", error=f"AADSTS{refused.code}", description=refused.sentence)
    return _page(page, 400)


def _page(page: Markup | str, status: int = 200) -> web.Response:
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
