"""Graph's refusals as Postroom's errors.

Sources: "Microsoft Graph error responses and resource types", "Microsoft Graph throttling guidance", "Use
delta query to track changes" (410), "Claims challenges, claims requests, and client capabilities". What is
not a refusal in Graph's own words, such as a proxy's page, says nothing about the mailbox or the mail: it
counts as Microsoft being out of reach.
"""

from dataclasses import dataclass
from typing import cast

import aiohttp
import orjson

from postroom.errors import (
    AuthorizationLost,
    CursorExpired,
    MessageGone,
    PostroomError,
    ProviderError,
    Throttled,
    Unavailable,
)
from postroom.providers.http import NETWORK_FAULTS, TooLarge, read_within, retry_after

MAX_REFUSAL = 64 * 1024
"""Bytes read of a refusal."""
THROTTLED = {"TooManyRequests", "ApplicationThrottled", "activityLimitReached", "ErrorServerBusy"}
FORGOTTEN = {"syncstatenotfound", "syncstateinvalid", "resyncrequired", "errorinvalidsyncstatedata"}
"""In lower case, for the documentation writes them either way; the status may be 410 or another 40x."""
NO_MAILBOX = {"MailboxNotEnabledForRESTAPI", "MailboxNotSupportedForRESTAPI", "ErrorNonExistentMailbox"}
NOBODY = {"Request_ResourceNotFound", "ErrorInvalidUser"}
OF_A_MAIL = {"messages.get", "attachments.list", "attachments.value"}
LOST = "Microsoft no longer accepts Postroom's access to this mailbox; reconnect it."
CHALLENGED = (
    "Microsoft wants this person to sign in again: the password, the place or a policy has changed. Reconnect"
    " the mailbox."
)
DENIED = "The permission to read mail is missing. Reconnect the mailbox and accept what is asked for."
BLOCKED = (
    "An Exchange application access policy keeps Postroom out of this mailbox. Ask the administrator to allow"
    " it, then reconnect."
)
NOT_LET_IN = (
    "The application may not read this mailbox. Either an administrator has not consented to Mail.Read as an"
    " application permission, or the mailbox is outside of the group that the permission is limited to in"
    " Exchange (RBAC for Applications). A change there takes up to two hours to count."
)

GONE = (
    "This account has no mailbox in Exchange Online: it lacks a licence, or its mail is kept elsewhere."
    " Reconnect once it has one."
)
UNREACHED = (
    "Microsoft cannot reach Postroom's address for notifications, or was not answered. It must be reachable"
    " from the internet by https."
)


class BadRequest(ProviderError):
    """Microsoft Graph does not understand the request."""


class Missing(ProviderError):
    """What was asked for does not exist at Microsoft."""


class Conflict(ProviderError):
    """What should be made exists at Microsoft already."""


class Nobody(AuthorizationLost):
    """Microsoft 365 has no user of this address, or the user was deleted."""


class Forbidden(AuthorizationLost):
    """The permission to read mail is missing. Reconnect the mailbox and accept what is asked for."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What Graph said."""

    status: int
    graphs: bool = False
    """Whether it is in Graph's own words."""
    code: str = ""
    said: str = ""
    """The message to the developer."""
    wait: float | None = None
    """Seconds, where a pause is asked for."""
    challenge: bool = False
    """Whether the person must sign in again."""

    @property
    def words(self) -> str:
        return " ".join(filter(None, (self.code, self.said))) or str(self.status)


async def read_refusal(response: aiohttp.ClientResponse) -> Refusal:
    """What an answer says; never raises, whatever it is."""
    wait = retry_after(response.headers.get("Retry-After", ""))
    challenge = "insufficient_claims" in response.headers.get("WWW-Authenticate", "")
    bare = Refusal(response.status, wait=wait, challenge=challenge)
    try:
        error = _object(_object(orjson.loads(await read_within(response, MAX_REFUSAL))).get("error"))
    except (*NETWORK_FAULTS, TooLarge, orjson.JSONDecodeError):
        return bare
    finally:
        response.release()
    code, said = error.get("code"), error.get("message")
    if not isinstance(code, str) or not isinstance(said, str):
        return bare
    return Refusal(response.status, True, code, said, wait, challenge)


def to_error(refusal: Refusal, method: str, *, by_itself: bool = False) -> PostroomError:
    """The error that a refusal of ``method`` stands for; ``by_itself``: no person is signed in."""
    status, code = refusal.status, refusal.code
    if status == 429 or code in THROTTLED or (status == 503 and refusal.wait):
        return Throttled(f"Microsoft asks to slow down: {refusal.words}", retry_after=refusal.wait or 1.0)
    if status == 401:
        return AuthorizationLost(CHALLENGED if refusal.challenge else LOST)
    if status >= 500 or not refusal.graphs:
        return Unavailable(f"Microsoft, or something on the way to it, answered {status}.")
    if code in NO_MAILBOX:
        return AuthorizationLost(GONE)
    if status == 410 or (method == "messages.delta" and code.lower() in FORGOTTEN):
        return CursorExpired()
    if status == 403:
        denied = NOT_LET_IN if by_itself else DENIED
        return Forbidden(BLOCKED if "AccessPolicy" in refusal.said else denied)
    if status == 404 and code in NOBODY:
        return Nobody()
    if status in {404, 405} and method in OF_A_MAIL:
        return MessageGone()
    if status == 404:
        return Missing(f"Microsoft does not know what {method} asks for: {refusal.words}")
    if status == 409:
        return Conflict(f"Microsoft has what {method} asks for: {refusal.words}")
    if status == 400 and method.startswith("subscriptions.") and "validation" in refusal.said.lower():
        return ProviderError(f"{UNREACHED} Microsoft says: {refusal.said}")
    if status == 400:
        return BadRequest(f"Microsoft does not understand {method}: {refusal.words}")
    return ProviderError(f"Microsoft answered {status} to {method}: {refusal.words}")


def _object(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}
