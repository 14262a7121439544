"""Refusals of Microsoft Graph and of Entra, with the JSON bodies that they send.

Sources: "Microsoft Graph error responses and resource types"; "Microsoft Graph throttling guidance"; the
codes of Exchange (``ErrorItemNotFound`` and so on) and their messages as quoted in public bug reports;
"Microsoft Entra authentication and authorization error codes".
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from math import ceil
from uuid import uuid4

import orjson

_CODES = {
    400: "BadRequest",
    401: "InvalidAuthenticationToken",
    403: "ErrorAccessDenied",
    404: "ErrorItemNotFound",
    405: "Request_BadRequest",
    409: "ErrorIrresolvableConflict",
    410: "SyncStateNotFound",
    424: "FailedDependency",
    429: "TooManyRequests",
    500: "InternalServerError",
    502: "BadGateway",
    503: "ServiceNotAvailable",
    504: "GatewayTimeout",
    507: "ErrorQuotaExceeded",
    509: "ApplicationThrottled",
}
_MESSAGES = {
    "ErrorAccessDenied": "Access is denied. Check credentials and try again.",
    "ErrorItemNotFound": "The specified object was not found in the store.",
    "ErrorInvalidIdMalformed": "Id is malformed.",
    "TooManyRequests": "Too many requests.",
    "ServiceNotAvailable": "The service is temporarily unavailable.",
}


class GraphError(Exception):
    """Microsoft Graph refused this request."""

    def __init__(
        self, status: int, code: str = "", message: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.code = code or _CODES.get(status, "UnknownError")
        self.message = message or _MESSAGES.get(self.code, self.code)
        self.headers = dict(headers or {})
        super().__init__(self.message)

    def body(self, request_id: str, client_request_id: str, moment: float) -> dict[str, object]:
        """The ``error`` object; ``moment`` in seconds since the epoch."""
        date = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        inner = {"date": date, "request-id": request_id, "client-request-id": client_request_id}
        return {"error": {"code": self.code, "message": self.message, "innerError": inner}}


def not_found() -> GraphError:
    return GraphError(404)


def malformed_id() -> GraphError:
    return GraphError(400, "ErrorInvalidIdMalformed")


def bad_request(message: str, code: str = "BadRequest") -> GraphError:
    return GraphError(400, code, message)


def no_property(name: str, kind: str) -> GraphError:
    message = f"Parsing OData Select and Expand failed: Could not find a property named '{name}' on type"
    return bad_request(f"{message} 'microsoft.graph.{kind}'.", "RequestBroker--ParseUri")


def no_token() -> GraphError:
    return _unauthorized("Access token is empty.")


def dead_token() -> GraphError:
    return _unauthorized("Lifetime validation failed, the token is expired.")


def claims_challenge(claims: str) -> GraphError:
    """ "Claims challenges, claims requests, and client capabilities"; ``claims`` in base64."""
    header = (
        'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", '
        f'error="insufficient_claims", claims="{claims}"'
    )
    message = (
        "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: "
        "TokenIssuedBeforeRevocationTimestamp"
    )
    return GraphError(401, message=message, headers={"WWW-Authenticate": header})


def directory_denied() -> GraphError:
    message = "Insufficient privileges to complete the operation."
    return GraphError(403, "Authorization_RequestDenied", message)


def blocked_by_policy() -> GraphError:
    """ "Limiting application permissions to specific Exchange Online mailboxes"."""
    message = (
        "Access to OData is disabled: [RAOP] : Blocked by tenant configured AppOnly AccessPolicy settings."
    )
    return GraphError(403, message=message)


def no_mailbox() -> GraphError:
    message = "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
    return GraphError(404, "MailboxNotEnabledForRESTAPI", message)


def no_user(name: str) -> GraphError:
    message = (
        f"Resource '{name}' does not exist or one of its queried reference-property objects are not present."
    )
    return GraphError(404, "Request_ResourceNotFound", message)


def no_mailbox_user(name: str) -> GraphError:
    """Exchange's words, where the directory is not asked."""
    return GraphError(404, "ErrorInvalidUser", f"The requested user '{name}' is invalid.")


def sync_state_gone(code: str, location: str) -> GraphError:
    """ "Use delta query to track changes", synchronization reset: 410 and where to begin anew."""
    messages = {
        "SyncStateNotFound": "The sync state generation is not found; generation=3;[highest=9][9][7][8].",
        "resyncRequired": "Resync required. Replace any local items with the server's version.",
    }
    return GraphError(410, code, messages.get(code, code), headers={"Location": location})


def over_concurrency(retry_after: float) -> GraphError:
    return _throttled("Application is over its MailboxConcurrency limit.", retry_after)


def over_requests(retry_after: float) -> GraphError:
    return _throttled("Application is over its rate limit for this mailbox.", retry_after)


def by_name(status: int, code: str = "", message: str = "", retry_after: float | None = None) -> GraphError:
    """Any error, for faults on demand; ``retry_after`` in seconds adds that header."""
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    return GraphError(status, code, message, headers=headers)


def _throttled(message: str, retry_after: float) -> GraphError:
    return GraphError(429, "ApplicationThrottled", message, headers={"Retry-After": str(ceil(retry_after))})


def _unauthorized(message: str) -> GraphError:
    challenge = (
        'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"'
    )
    return GraphError(401, message=message, headers={"WWW-Authenticate": challenge})


AADSTS: Mapping[int, tuple[str, str]] = {
    50011: ("invalid_request", "The redirect URI '{}' does not match those configured for the application."),
    50020: (
        "invalid_grant",
        "User account from an external identity provider does not exist in tenant '{}'.",
    ),
    50034: ("invalid_grant", "The user account does not exist in the directory."),
    50057: ("invalid_grant", "The user account is disabled."),
    50076: (
        "interaction_required",
        "Due to a configuration change made by your administrator, or because you moved to a new location, "
        "you must use multi-factor authentication to access '00000003-0000-0000-c000-000000000000'.",
    ),
    50079: ("interaction_required", "You must enroll in multi-factor authentication."),
    50105: ("invalid_grant", "The signed in user is not assigned to a role for the application."),
    50173: (
        "invalid_grant",
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user "
        "might have changed or reset their password.",
    ),
    50126: ("invalid_grant", "Error validating credentials due to invalid username or password."),
    53003: ("interaction_required", "Access has been blocked by Conditional Access policies."),
    54005: ("invalid_grant", "OAuth2 Authorization code was already redeemed."),
    65001: (
        "invalid_grant",
        "The user or administrator has not consented to use the application with ID '{}'. Send an "
        "interactive authorization request for this user and resource.",
    ),
    65004: ("access_denied", "User declined to consent to access the app."),
    70000: ("invalid_grant", "The provided value for the input parameter '{}' is not valid."),
    70008: (
        "invalid_grant",
        "The provided authorization code or refresh token has expired.",
    ),
    70011: ("invalid_scope", "The provided value for the input parameter 'scope' is not valid: {}"),
    90002: ("invalid_request", "Tenant '{}' not found."),
    90014: ("invalid_request", "The required field '{}' is missing from the credential."),
    90094: ("access_denied", "An administrator of the organisation must grant access to '{}'."),
    500208: ("invalid_request", "The domain is not a valid login domain for the account type."),
    501481: ("invalid_grant", "The Code_Verifier does not match the code_challenge supplied."),
    700016: ("unauthorized_client", "Application with identifier '{}' was not found in the directory '{}'."),
    700082: ("invalid_grant", "The refresh token has expired due to inactivity."),
    700005: ("invalid_grant", "Provided Authorization Code is intended to use against other tenant."),
    7000112: ("unauthorized_client", "Application '{}' is disabled."),
    7000215: ("invalid_client", "Invalid client secret provided."),
    7000218: ("invalid_client", "The request body must contain: 'client_assertion' or 'client_secret'."),
    7000222: ("invalid_client", "The provided client secret keys for app '{}' are expired."),
    70003: ("unsupported_grant_type", "The grant type '{}' is not supported."),
    70005: ("unsupported_response_type", "The response type '{}' is not supported."),
}
"""Code to the ``error`` beside it and the sentence it comes with."""


class EntraError(Exception):
    """Entra refused: an AADSTS code."""

    def __init__(self, code: int, *details: str, error: str = "") -> None:
        known, sentence = AADSTS.get(code, ("invalid_grant", "The request was refused."))
        self.code = code
        self.error = error or known
        self.sentence = sentence.format(*details, *([""] * sentence.count("{}")))
        self.status = 401 if self.error in {"invalid_client", "unauthorized_client"} else 400
        super().__init__(self.sentence)

    def as_json(self, moment: float) -> dict[str, object]:
        """The body of the token endpoint's answer, at ``moment`` (seconds since the epoch)."""
        trace, correlation = str(uuid4()), str(uuid4())
        stamp = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        return {
            "error": self.error,
            "error_description": f"AADSTS{self.code}: {self.sentence} Trace ID: {trace} "
            f"Correlation ID: {correlation} Timestamp: {stamp}",
            "error_codes": [self.code],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={self.code}",
        }


def dumps(value: object) -> bytes:
    return orjson.dumps(value)
