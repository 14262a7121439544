"""A thin client of the Gmail API: one request, its quota units, and its errors as Postroom's family.

Sources: "Gmail API: REST reference", "Resolve errors" and "Usage limits" of the Gmail API guides.
"""

import binascii
from collections.abc import AsyncIterator, Sequence
from typing import cast

import aiohttp
import orjson

from postroom.errors import (
    AuthorizationLost,
    CursorExpired,
    MessageGone,
    Misconfigured,
    ProviderError,
    Throttled,
    Unavailable,
)
from postroom.providers.base import Tokens
from postroom.providers.gmail.endpoints import Endpoints
from postroom.providers.gmail.quota import UNITS, Budget
from postroom.providers.http import patiently, retry_after

Json = dict[str, object]
Params = Sequence[tuple[str, str]]

RATE_REASONS = {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"}
PASSING = {500, 502, 503, 504}
NETWORK_FAULTS = (aiohttp.ClientError, TimeoutError, OSError)


class BadRequest(ProviderError):
    """Gmail does not understand the request."""


class GmailClient:
    """Calls for one mailbox."""

    def __init__(
        self, session: aiohttp.ClientSession, tokens: Tokens, endpoints: Endpoints, budget: Budget
    ) -> None:
        self._session = session
        self._tokens = tokens
        self._root = f"{endpoints.api}/gmail/v1/users/me"
        self._budget = budget

    async def get(self, method: str, path: str, params: Params = ()) -> Json:
        """The JSON answer to ``GET users/me/{path}``; ``method`` names it in the quota table."""
        return await patiently(lambda: self._call("GET", method, path, params, None))

    async def post(self, method: str, path: str, body: Json) -> Json:
        return await patiently(lambda: self._call("POST", method, path, (), body))

    async def attachment(self, message_id: str, attachment_id: str) -> AsyncIterator[bytes]:
        """The bytes of an attachment, decoded as they arrive.

        The request is repeated through passing faults until the answer begins; one that breaks off later
        raises ``Unavailable``.
        """
        path = f"messages/{message_id}/attachments/{attachment_id}"
        response = await patiently(lambda: self._send("GET", "attachments.get", path, (("fields", "data"),)))
        try:
            async for chunk in _decoded(response.content.iter_chunked(256 * 1024)):
                yield chunk
        except NETWORK_FAULTS as error:
            raise Unavailable(f"Gmail broke off an attachment: {error}") from error
        finally:
            response.close()

    async def _call(self, verb: str, method: str, path: str, params: Params, body: Json | None) -> Json:
        response = await self._send(verb, method, path, params, body)
        try:
            data = await response.read()
            return cast("Json", orjson.loads(data)) if data else {}
        except NETWORK_FAULTS as error:
            raise Unavailable(f"Gmail broke off its answer: {error}") from error
        except orjson.JSONDecodeError as error:
            raise Unavailable("Gmail's answer was cut short.") from error
        finally:
            response.release()

    async def _send(
        self, verb: str, method: str, path: str, params: Params, body: Json | None = None
    ) -> aiohttp.ClientResponse:
        """The response to a request that was granted; an expired token is renewed once."""
        token = await self._tokens.access_token()
        response = await self._request(verb, method, path, params, body, token)
        if response.status == 401:
            response.release()
            token = await self._tokens.access_token(rejected=token)
            response = await self._request(verb, method, path, params, body, token)
        if response.status >= 400:
            raise await _fault(response, method)
        return response

    async def _request(
        self, verb: str, method: str, path: str, params: Params, body: Json | None, token: str
    ) -> aiohttp.ClientResponse:
        await self._budget.spend(UNITS[method])
        try:
            return await self._session.request(
                verb,
                f"{self._root}/{path}",
                params=params,
                json=body,
                headers={"Authorization": f"Bearer {token}"},
            )
        except NETWORK_FAULTS as error:
            raise Unavailable(f"Gmail cannot be reached: {error}") from error


async def _fault(response: aiohttp.ClientResponse, method: str) -> ProviderError | Misconfigured:
    """The error that an answer stands for ("Resolve errors")."""
    reason, said = await _error_body(response)
    wait = retry_after(response.headers.get("Retry-After", ""))
    status = response.status
    if status == 401:
        return AuthorizationLost("Google no longer accepts Postroom's access to this mailbox; reconnect it.")
    if status == 429 or reason in RATE_REASONS:
        return Throttled(f"Gmail asks to slow down ({reason or status}).", retry_after=wait or 1.0)
    if status == 403 and reason == "accessNotConfigured":
        return Misconfigured("The Gmail API is not enabled in the Google Cloud project of the OAuth client.")
    if status == 403:
        return AuthorizationLost(f"Google refuses access to this mailbox: {said or reason}")
    if status in PASSING:
        return Unavailable(f"Gmail answered {status}.")
    if status == 404 and method == "history.list":
        return CursorExpired()
    if status == 404 and method in {"messages.get", "attachments.get"}:
        return MessageGone()
    if status == 400:
        return BadRequest(f"Gmail does not understand {method}: {said or reason}")
    return ProviderError(f"Gmail answered {status} to {method}: {said or reason}")


async def _error_body(response: aiohttp.ClientResponse) -> tuple[str, str]:
    """Reason and message of Google's error, "" where the body is not one."""
    try:
        error = orjson.loads(await response.read())["error"]
        return str(next(iter(error.get("errors", [])), {}).get("reason", "")), str(error.get("message", ""))
    except (*NETWORK_FAULTS, orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return "", ""
    finally:
        response.release()


async def _decoded(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Base64url of ``{"data": "…"}``, decoded piece by piece."""
    held = b""
    async for chunk in chunks:
        held += chunk
        if held.count(b'"') >= 3:
            break
    name, colon, rest = held.partition(b":")
    if b'"data"' not in name or not colon:
        if held.strip() in {b"{}", b""}:
            return
        raise Unavailable("Gmail's answer holds no attachment.")
    held = rest.lstrip()[1:]
    closed = False
    while not closed:
        text, quote, _ = held.partition(b'"')
        closed = bool(quote)
        whole = text if closed else text[: len(text) // 4 * 4]
        held = text[len(whole) :]
        if whole:
            yield _base64url(whole)
        if not closed:
            try:
                held += await anext(chunks)
            except StopAsyncIteration:
                raise Unavailable("Gmail cut an attachment short.") from None


def _base64url(text: bytes) -> bytes:
    try:
        return binascii.a2b_base64(text.translate(_URL_SAFE) + b"=" * (-len(text) % 4))
    except binascii.Error as error:
        raise Unavailable("Gmail's attachment is not base64.") from error


_URL_SAFE = bytes.maketrans(b"-_", b"+/")
