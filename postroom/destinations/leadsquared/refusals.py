"""LeadSquared's refusals as Postroom's errors.

Sources: "Error Handling" and "Rate Limits". What is refused comes with the type of an exception (``MX…``) in
a JSON body, mostly with status 500; the limits come with 429. No header tells how long to wait.
"""

import re
from dataclasses import dataclass
from typing import cast

import orjson

from postroom.errors import AuthorizationLost, ProviderError, Throttled, Unavailable
from postroom.providers.http import readable

WINDOW = 5.0
"""Seconds in which calls are counted."""
A_DAYS_LIMIT = 3600.0
"""Seconds to wait where the calls of the day are used up: when the day ends there is not said."""
_LIMIT = re.compile(r"RateLimit|ThrottleLimit|CallsExceeded|LimitExceeded|TooManyRequests", re.IGNORECASE)
_JUDGED = re.compile(
    r"Invalid|Mandatory|Missing|Unknown|Duplicate|NotEnabled|NotFound|NotExist|XSS|Permission|Restrict"
    r"|Validation|Format|Length|Authori[sz]",
    re.IGNORECASE,
)
"""Exceptions about what was asked for. With any other, the request may have got further than its check."""
_SAID_LIMIT = re.compile(r"calls exceeded the limit|rate limit", re.IGNORECASE)
_DAY = re.compile(r"\bday|daily|24 hours|86400 second", re.IGNORECASE)


class NotAccepted(ProviderError):
    """LeadSquared does not accept this."""

    def __init__(self, said: str, kind: str = "", request_id: str = "") -> None:
        super().__init__(said)
        self.kind = kind
        """The type of LeadSquared's exception, such as ``MXDuplicateEntryException``; "" where none came."""
        self.request_id = request_id


class AnswerLost(ProviderError):
    """The request went out, and LeadSquared's answer did not come: it may have taken effect."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer other than success."""

    status: int
    kind: str = ""
    said: str = ""
    wait: float | None = None
    """Seconds, should a Retry-After header come after all."""
    request_id: str = ""

    @property
    def words(self) -> str:
        return readable(self.said or self.kind) or f"status {self.status}"


def read_refusal(status: int, body: bytes, wait: float | None, request_id: str) -> Refusal | None:
    """The refusal that an answer is, None for a success.

    A success of status 200 can be one all the same, by ``"Status": "Error"``.
    """
    error = _object(body)
    kind, said = str(error.get("ExceptionType") or ""), str(error.get("ExceptionMessage") or "")
    if status == 200 and not kind and error.get("Status") != "Error":
        return None
    if not said and isinstance(error.get("Message"), str):
        said = str(error["Message"])
    return Refusal(status, kind, said, wait, request_id)


def to_error(refusal: Refusal, *, changes: bool) -> ProviderError:
    """The error that a refusal stands for; ``changes`` where the request would have changed something."""
    if refusal.status == 429 or _is_limit(refusal):
        return Throttled(f"LeadSquared asks to slow down: {refusal.words}", retry_after=_pause(refusal))
    if refusal.status == 401:
        return AuthorizationLost(
            f"LeadSquared does not accept the access key and secret key: {refusal.words} Check the keys, that"
            " their user is active, and the region."
        )
    if refusal.kind and (refusal.status < 500 or _JUDGED.search(refusal.kind)):
        return NotAccepted(f"LeadSquared says: {refusal.words}", refusal.kind, refusal.request_id)
    if refusal.status >= 500 and changes and refusal.status != 503:
        # A fault of the server, or of a proxy before it, does not tell how far the request had come.
        return AnswerLost(f"LeadSquared, or something on the way to it, answered {refusal.words}.")
    if refusal.status >= 500 or refusal.status in {403, 407, 408} or refusal.status < 400:
        return Unavailable(f"LeadSquared, or something on the way to it, answered {refusal.status}.")
    return NotAccepted(f"LeadSquared answered {refusal.words}.", "", refusal.request_id)


def _is_limit(refusal: Refusal) -> bool:
    return bool(_LIMIT.search(refusal.kind) or (refusal.kind and _SAID_LIMIT.search(refusal.said)))


def _pause(refusal: Refusal) -> float:
    if refusal.wait is not None:
        return max(refusal.wait, 1.0)
    return A_DAYS_LIMIT if _DAY.search(refusal.said) else WINDOW


def _object(body: bytes) -> dict[str, object]:
    try:
        value: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}
