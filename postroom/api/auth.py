"""Who asks: the user of the bearer token, and whether the token has the scope (RFC 6750)."""

from dataclasses import dataclass

from django.http import HttpRequest
from ninja.security import HttpBearer

from postroom.api.models import ApiToken
from postroom.api.problems import Kinds, Problem
from postroom.api.scopes import Scope
from postroom.api.tokens import LIMIT, WINDOW_SECONDS, Use, use_token
from postroom.organisations.models import User

LONGEST_TOKEN = 200


@dataclass(frozen=True, slots=True)
class Caller:
    """The token of a request, and the user as whom it acts."""

    user: User
    token: ApiToken


class Bearer(HttpBearer):
    """Wants a token, and of it the scope; each request counts against the token's limit."""

    def __init__(self, scope: Scope | None = None) -> None:
        super().__init__()
        self.scope = scope

    def __call__(self, request: HttpRequest) -> Caller:
        # Not Ninja's own, which would write what it does not understand into the log.
        scheme, _, token = request.headers.get(self.header, "").partition(" ")
        if scheme.lower() != self.openapi_scheme or not token.strip():
            raise Problem(Kinds.UNAUTHENTICATED, headers={"WWW-Authenticate": "Bearer"})
        return self.authenticate(request, token.strip())

    def authenticate(self, request: HttpRequest, token: str) -> Caller:
        use = use_token(token) if len(token) <= LONGEST_TOKEN else None
        if use is None:
            challenge = 'Bearer error="invalid_token"'
            raise Problem(Kinds.UNAUTHENTICATED, headers={"WWW-Authenticate": challenge})
        request.api_use = use  # pyright: ignore[reportAttributeAccessIssue] read by ``limits_of``
        if use.is_too_many:
            raise Problem(Kinds.RATE, headers={"Retry-After": str(use.seconds)})
        if self.scope and self.scope not in use.token.scopes:
            challenge = f'Bearer error="insufficient_scope", scope="{self.scope.value}"'
            said = f"This needs the scope {self.scope.value}, which the token {use.token.name} does not have."
            raise Problem(Kinds.INSUFFICIENT_SCOPE, said, headers={"WWW-Authenticate": challenge})
        return Caller(use.token.user, use.token)


def caller(request: HttpRequest) -> Caller:
    """Who asks; every operation goes through ``Bearer`` first."""
    found = getattr(request, "auth", None)
    if not isinstance(found, Caller):
        raise Problem(Kinds.UNAUTHENTICATED, headers={"WWW-Authenticate": "Bearer"})
    return found


def limits_of(request: HttpRequest) -> dict[str, str]:
    """The headers that tell how much is left (draft-ietf-httpapi-ratelimit-headers-10)."""
    use = getattr(request, "api_use", None)
    if not isinstance(use, Use):
        return {}
    return {
        "RateLimit-Policy": f'"token";q={LIMIT};w={WINDOW_SECONDS}',
        "RateLimit": f'"token";r={use.left};t={use.seconds}',
    }
