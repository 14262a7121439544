"""Gmail's refusals as Postroom's errors.

Source: "Resolve errors" of the Gmail API guides. What is not a refusal in Google's own words, such as a
proxy's page, says nothing about the mailbox or the mail: it counts as Gmail being out of reach.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import aiohttp
import orjson

from postroom.errors import (
    AuthorizationLost,
    CursorExpired,
    MessageGone,
    Misconfigured,
    PostroomError,
    ProviderError,
    Throttled,
    Unavailable,
)
from postroom.providers.http import (
    NETWORK_FAULTS,
    TooLarge,
    read_within,
    readable,
    retry_after,
    seconds_until,
)

MAX_REFUSAL = 64 * 1024
"""Bytes read of a refusal."""
RATE_REASONS = {
    "rateLimitExceeded",
    "userRateLimitExceeded",
    "quotaExceeded",
    "dailyLimitExceeded",
    "RATE_LIMIT_EXCEEDED",
    "RESOURCE_EXHAUSTED",
}
A_DAYS_LIMIT = 3600.0
"""Seconds to wait where a day's limit is reached and Google names no time."""
DISABLED = {"accessNotConfigured", "SERVICE_DISABLED"}
NO_GMAIL = "Mail service not enabled"
LOST = {
    "domainPolicy": "The Google Workspace administrator has switched off Gmail, or access to it by other"
    " apps. Ask them to mark the app as trusted, then reconnect.",
    "insufficientPermissions": "The permission to read mail is missing. Reconnect and leave its box ticked.",
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "The permission to read mail is missing. Reconnect and leave its box"
    " ticked.",
}
_RETRY_AFTER = re.compile(r"Retry after (\d{4}-\d\d-\d\dT[\d:.]{8,15}Z)")


class BadRequest(ProviderError):
    """Gmail does not understand the request."""

    def __init__(self, detail: str, reason: str = "") -> None:
        super().__init__(detail)
        self.reason = reason
        """Google's word for what is wrong, such as ``failedPrecondition``."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer other than success."""

    status: int
    googles: bool = False
    """Whether the body is an error as Google writes it."""
    reasons: tuple[str, ...] = ()
    """Of the older ``errors`` list and of the newer ``details``; the status in words last."""
    said: str = ""
    """Google's message to the developer."""
    wait: float | None = None
    """Seconds, where Google asks for a pause."""

    @property
    def words(self) -> str:
        return readable(self.said or next(iter(self.reasons), "")) or str(self.status)


async def read_refusal(response: aiohttp.ClientResponse) -> Refusal:
    """What an answer says; never raises, whatever it is."""
    wait = retry_after(response.headers.get("Retry-After", ""))
    bare = Refusal(response.status, wait=wait)
    try:
        error = _object(_object(orjson.loads(await read_within(response, MAX_REFUSAL))).get("error"))
    except (*NETWORK_FAULTS, TooLarge, orjson.JSONDecodeError):
        return bare
    finally:
        response.release()
    if not error:
        return bare
    said = str(error.get("message", ""))
    entries = [*_list(error.get("errors")), *_list(error.get("details"))]
    reasons = [str(_object(entry).get("reason", "")) for entry in entries]
    reasons.append(str(error.get("status", "")))
    return Refusal(response.status, True, tuple(filter(None, reasons)), said, wait or _wait_in(said))


def to_error(refusal: Refusal, method: str) -> PostroomError:
    """The error that a refusal of ``method`` stands for."""
    status, reasons = refusal.status, set(refusal.reasons)
    if status == 429 or (refusal.googles and reasons & RATE_REASONS):
        return Throttled(f"Gmail asks to slow down: {refusal.words}", retry_after=_pause(refusal))
    if status == 503 and refusal.wait:
        return Throttled("Gmail is overloaded.", retry_after=refusal.wait)
    if status >= 500 or not refusal.googles:
        return Unavailable(f"Gmail, or something on the way to it, answered {status}.")
    if status == 403 and reasons & DISABLED:
        return Misconfigured("The Gmail API is not enabled in the Google Cloud project of the OAuth client.")
    if method == "watch" and status in {403, 404}:
        return ProviderError(
            "Gmail may not publish to the Pub/Sub topic, or there is none. Create it and give"
            " gmail-api-push@system.gserviceaccount.com the role Pub/Sub Publisher. Google says:"
            f" {refusal.words}"
        )
    if status == 401:
        return AuthorizationLost("Google no longer accepts Postroom's access to this mailbox; reconnect it.")
    if status == 403:
        known = next((LOST[reason] for reason in refusal.reasons if reason in LOST), "")
        return AuthorizationLost(known or f"Google refuses access to this mailbox: {refusal.words}")
    if status == 400 and refusal.said.startswith(NO_GMAIL):
        return AuthorizationLost("Gmail is switched off for this account in Google Workspace.")
    if status == 404 and method == "history.list":
        return CursorExpired()
    if status == 404 and method in {"messages.get", "attachments.get"}:
        return MessageGone()
    if status == 400:
        reason = next(iter(refusal.reasons), "")
        return BadRequest(f"Gmail does not understand {method}: {refusal.words}", reason)
    return ProviderError(f"Gmail answered {status} to {method}: {refusal.words}")


def _pause(refusal: Refusal) -> float:
    if refusal.wait is None and "dailyLimitExceeded" in refusal.reasons:
        return A_DAYS_LIMIT
    return refusal.wait or 1.0


def _wait_in(said: str) -> float | None:
    """The time to retry that Gmail writes into its message rather than into a header."""
    found = _RETRY_AFTER.search(said)
    if not found:
        return None
    try:
        return seconds_until(datetime.fromisoformat(found[1]))
    except ValueError:
        return None


def _object(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []
