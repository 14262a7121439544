"""Errors as RFC 9457 has them: ``application/problem+json`` with a type, a title and a sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus

import orjson
from django.conf import settings
from django.http import HttpResponse

from postroom.errors import PostroomError

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of problem, to be found under ``slug`` on the reference page."""

    slug: str
    status: int
    title: str
    meaning: str


class Kinds(Enum):
    """Every type of problem there is."""

    MALFORMED = Kind("malformed", 400, "Malformed request", "The body is no JSON, or the request is no HTTP.")
    UNAUTHENTICATED = Kind(
        "unauthenticated", 401, "No valid token", "There is no token, or it is unknown, revoked or expired."
    )
    INSUFFICIENT_SCOPE = Kind(
        "insufficient-scope", 403, "Scope missing", "The token was made without the scope that this needs."
    )
    FORBIDDEN = Kind("forbidden", 403, "Not allowed", "The token's user may not do this on the pages either.")
    NOT_FOUND = Kind(
        "not-found", 404, "Not found", "It does not exist, or the token's user may not see it; no such page."
    )
    METHOD = Kind("method-not-allowed", 405, "Method not allowed", "The header Allow names what is.")
    CONFLICT = Kind(
        "conflict", 409, "Conflict", "It is at odds with what is stored: look at it, then decide."
    )
    LENGTH = Kind("length-required", 411, "Length required", "Send Content-Length; chunks are not read.")
    STALE = Kind("stale", 412, "Changed meanwhile", "If-Match names another state than the present one.")
    TOO_LARGE = Kind("too-large", 413, "Body too large", "A body has at most 1,000,000 bytes.")
    MEDIA_TYPE = Kind("media-type", 415, "Not JSON", "A body is sent as application/json.")
    INVALID = Kind("invalid", 422, "Values refused", "errors has the sentences by field.")
    KEY_REUSED = Kind(
        "key-reused", 422, "Idempotency-Key reused", "The key was used for another request in the last day."
    )
    KEY_BUSY = Kind(
        "key-busy", 409, "Request under way", "A request with this Idempotency-Key is not done yet."
    )
    RATE = Kind("rate-limit", 429, "Too many requests", "Wait as many seconds as Retry-After says.")
    FAULT = Kind(
        "fault", 500, "Fault of Postroom", "It was logged. A request with an Idempotency-Key can be repeated."
    )
    UNAVAILABLE = Kind("unavailable", 503, "Out of reach", "The mail provider cannot be asked just now.")


_BY_STATUS = {
    kind.value.status: kind.value
    for kind in reversed(Kinds)
    if kind not in (Kinds.KEY_REUSED, Kinds.KEY_BUSY, Kinds.INSUFFICIENT_SCOPE)
}


class Problem(PostroomError):
    """The request cannot be answered as asked."""

    code = "problem"

    def __init__(
        self,
        kind: Kinds,
        detail: str = "",
        errors: Mapping[str, Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
        **members: object,
    ) -> None:
        super().__init__(detail or kind.value.meaning)
        self.kind = kind.value
        self.errors = {name: list(sentences) for name, sentences in (errors or {}).items()}
        self.headers = dict(headers or {})
        self.members = members
        """Further members of the answer, in JSON."""

    @property
    def response(self) -> HttpResponse:
        return _response(self.kind, str(self), self.errors, self.headers, self.members)


def problem_of(response: HttpResponse) -> HttpResponse:
    """The problem that says what an answer in another form says."""
    status = response.status_code
    kind = _BY_STATUS.get(status) or Kind("about:blank", status, HTTPStatus(status).phrase, "")
    headers = {name: response[name] for name in ("Allow", "Retry-After") if name in response}
    return _response(kind, kind.meaning, {}, headers, {})


def type_of(kind: Kind) -> str:
    """The address of the type, which leads to its line on the reference page."""
    return kind.slug if ":" in kind.slug else f"{settings.POSTROOM.public_url}/api/#{kind.slug}"


def _response(
    kind: Kind,
    detail: str,
    errors: Mapping[str, Sequence[str]],
    headers: Mapping[str, str],
    members: Mapping[str, object],
) -> HttpResponse:
    body: dict[str, object] = {
        "type": type_of(kind),
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "errors": errors,
        **members,
    }
    content = orjson.dumps(body)
    return HttpResponse(content, status=kind.status, content_type=CONTENT_TYPE, headers=headers)
