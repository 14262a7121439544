"""Google's refusals, with the JSON bodies its APIs send.

Shapes: "Resolve errors" of the Gmail API guides, and answers quoted in public bug reports where the
guide shows only a shortened body. ``status`` and ``details`` come from the newer error model that
Gmail sends beside the older ``errors`` list.
"""

from collections.abc import Mapping, Sequence

import orjson

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_CHALLENGE = 'Bearer realm="https://accounts.google.com/"'
_USAGE = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "dailyLimitExceeded", "quotaExceeded"})

_WORDS = {
    "rateLimitExceeded": "Rate Limit Exceeded",
    "userRateLimitExceeded": "User Rate Limit Exceeded",
    "dailyLimitExceeded": "Daily Limit Exceeded",
    "domainPolicy": "The domain administrators have disabled Gmail apps.",
    "backendError": "Backend Error",
    "authError": "Invalid Credentials",
    "notFound": "Requested entity was not found.",
    "forbidden": "Forbidden",
    "badRequest": "Bad Request",
    "failedPrecondition": "Precondition check failed.",
    "accessNotConfigured": "Gmail API has not been used in this project before or it is disabled.",
}
_REASON = {
    400: "badRequest",
    401: "authError",
    403: "rateLimitExceeded",
    404: "notFound",
    429: "rateLimitExceeded",
}


class ApiError(Exception):
    """Google refused this request."""

    def __init__(
        self,
        code: int,
        message: str,
        reason: str,
        *,
        status: str = "",
        entry: Mapping[str, str] | None = None,
        details: Sequence[Mapping[str, object]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = reason
        self.status = status or _STATUS.get(code, "UNKNOWN")
        self.entry = dict(entry or {})
        self.details = list(details)
        self.headers = dict(headers or {})

    def body(self) -> bytes:
        """The JSON that Google would send."""
        domain = "usageLimits" if self.reason in _USAGE else "global"
        entry = {"message": self.message, "domain": domain, "reason": self.reason, **self.entry}
        error: dict[str, object] = {
            "code": self.code,
            "message": self.message,
            "errors": [entry],
            "status": self.status,
        }
        if self.details:
            error["details"] = self.details
        return orjson.dumps({"error": error}, option=orjson.OPT_INDENT_2) + b"\n"


def not_found() -> ApiError:
    return ApiError(404, _WORDS["notFound"], "notFound")


def invalid_argument(message: str) -> ApiError:
    return ApiError(400, message, "invalidArgument")


def invalid_value(name: str, kind: str, value: str) -> ApiError:
    """A parameter that is not of its type, as Google's API frontend words it."""
    field = _snake(name)
    message = f"Invalid value at '{field}' ({kind}), \"{value}\""
    return _bad_request(message, field)


def unknown_parameter(name: str) -> ApiError:
    """A query parameter that the method does not have; Google's frontend refuses it."""
    message = (
        f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter. '
        f"Field '{name}' could not be found in request message."
    )
    return _bad_request(message, "")


def invalid_fields(selection: str) -> ApiError:
    """A ``fields`` mask that names what the answer does not have ("Performance tips")."""
    entry = {"reason": "invalidParameter", "location": "fields", "locationType": "parameter"}
    return ApiError(400, f"Invalid field selection {selection}", "invalidParameter", entry=entry)


def missing_credentials() -> ApiError:
    message = (
        "Request is missing required authentication credential. Expected OAuth 2 access token, "
        "login cookie or other valid authentication credential. "
        "See https://developers.google.com/identity/sign-in/web/devconsole-project."
    )
    entry = {"message": "Login Required.", "reason": "required"} | _IN_AUTHORIZATION
    return ApiError(
        401,
        message,
        "required",
        entry=entry,
        details=[_error_info("CREDENTIALS_MISSING")],
        headers={"WWW-Authenticate": _CHALLENGE},
    )


def invalid_credentials() -> ApiError:
    message = (
        "Request had invalid authentication credentials. Expected OAuth 2 access token, "
        "login cookie or other valid authentication credential. "
        "See https://developers.google.com/identity/sign-in/web/devconsole-project."
    )
    entry = {"message": "Invalid Credentials"} | _IN_AUTHORIZATION
    headers = {"WWW-Authenticate": _CHALLENGE + ', error="invalid_token"'}
    return ApiError(401, message, "authError", entry=entry, headers=headers)


def insufficient_scopes(method: str, wanted: Sequence[str]) -> ApiError:
    scopes = " ".join(wanted)
    return ApiError(
        403,
        "Request had insufficient authentication scopes.",
        "insufficientPermissions",
        entry={"message": "Insufficient Permission"},
        details=[_error_info("ACCESS_TOKEN_SCOPE_INSUFFICIENT", method=method)],
        headers={"WWW-Authenticate": f'{_CHALLENGE}, error="insufficient_scope", scope="{scopes}"'},
    )


def metadata_scope(message: str) -> ApiError:
    """What the metadata scope forbids, even beside a wider scope."""
    return ApiError(403, message, "forbidden")


def delegation_denied(address: str) -> ApiError:
    return ApiError(403, f"Delegation denied for {address}", "forbidden")


def too_many_concurrent() -> ApiError:
    return ApiError(429, "Too many concurrent requests for user", "rateLimitExceeded")


def quota_exceeded(reason: str) -> ApiError:
    """The per-minute limits as the guide documents them: 403 with the limit's own reason."""
    return ApiError(403, _WORDS[reason], reason)


def quota_exceeded_observed(per_user: bool, project: str) -> ApiError:
    """The per-minute limits as people quote them from production: 429 in the words of the quota system."""
    limit = "Queries per minute per user" if per_user else "Queries per minute"
    message = (
        f"Quota exceeded for quota metric 'Queries' and limit '{limit}' of service "
        f"'gmail.googleapis.com' for consumer 'project:{project}'."
    )
    return ApiError(429, message, "rateLimitExceeded", details=[_error_info("RATE_LIMIT_EXCEEDED")])


def not_played(method: str) -> ApiError:
    return ApiError(501, f"The sandbox does not play {method}.", "notImplemented")


def by_name(code: int, reason: str = "", message: str = "", retry_after: float | None = None) -> ApiError:
    """Any error, for faults on demand; ``retry_after`` in seconds adds that header."""
    if code == 401 and not reason:
        return invalid_credentials()
    reason = reason or _REASON.get(code, "backendError")
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    return ApiError(code, message or _WORDS.get(reason, reason), reason, headers=headers)


_IN_AUTHORIZATION = {"location": "Authorization", "locationType": "header"}


def _bad_request(message: str, field: str) -> ApiError:
    violation = {"field": field, "description": message} if field else {"description": message}
    details = [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}]
    return ApiError(400, message, "invalid", entry={"reason": "invalid"}, details=details)


def _error_info(reason: str, **metadata: str) -> dict[str, object]:
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"service": "gmail.googleapis.com", **metadata},
    }


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
