"""A thin client of the Gmail API: one request, its quota units, and its errors as Postroom's family.

Sources: "Gmail API: REST reference", "Resolve errors" and "Usage limits" of the Gmail API guides.
"""

import asyncio
import binascii
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

import aiohttp

from postroom.errors import PostroomError, Throttled, Unavailable
from postroom.providers.answers import Json, read_json
from postroom.providers.base import Tokens
from postroom.providers.gmail.endpoints import Endpoints
from postroom.providers.gmail.quota import UNITS, Budget
from postroom.providers.gmail.refusals import read_refusal, to_error
from postroom.providers.http import NETWORK_FAULTS, patiently, read_within

Params = Sequence[tuple[str, str]]

MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of one JSON answer; a mail's text is cut far below."""
LONGEST_ANSWER = 300
"""Seconds that one JSON answer may take to come in."""
PIECE = 256 * 1024
"""Bytes of an attachment that are decoded at a time."""
COMPACT = ("prettyPrint", "false")
"""Google indents its JSON unless told not to."""
ENCODING = {"attachments.get": "identity"}
"""Attachments come uncompressed: most are compressed files, of which gzip only takes back what base64 added,
for more CPU than all the rest of reading them."""
TAIL = 64
"""Bytes that may stand behind an attachment's data, or be its padding in escapes."""


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

    async def open_attachment(self, message_id: str, attachment_id: str) -> aiohttp.ClientResponse:
        """The answer that holds an attachment, to be read by ``read_attachment``.

        The request is repeated through passing faults until the answer begins.
        """
        path = f"messages/{message_id}/attachments/{attachment_id}"
        return await patiently(lambda: self._send("GET", "attachments.get", path, (("fields", "data"),)))

    async def _call(self, verb: str, method: str, path: str, params: Params, body: Json | None) -> Json:
        response = await self._send(verb, method, path, params, body)
        try:
            async with asyncio.timeout(LONGEST_ANSWER):
                data = await read_within(response, MAX_ANSWER)
        except NETWORK_FAULTS as error:
            raise Unavailable(f"Gmail broke off its answer: {error}") from error
        finally:
            response.release()
        if response.status == 204:
            return {}
        return read_json(data)

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
        if response.status not in {200, 204}:
            raise await self._fault(response, method)
        return response

    async def _request(
        self, verb: str, method: str, path: str, params: Params, body: Json | None, token: str
    ) -> aiohttp.ClientResponse:
        await self._budget.spend(UNITS[method])
        try:
            return await self._session.request(
                verb,
                f"{self._root}/{path}",
                params=(*params, COMPACT),
                json=body,
                headers={
                    "Authorization": f"Bearer {token}",
                    "Accept-Encoding": ENCODING.get(method, "gzip"),
                },
                allow_redirects=False,
            )
        except NETWORK_FAULTS as error:
            raise Unavailable(f"Gmail cannot be reached: {error}") from error

    async def _fault(self, response: aiohttp.ClientResponse, method: str) -> PostroomError:
        error = to_error(await read_refusal(response), method)
        if isinstance(error, Throttled):
            self._budget.pause(error.retry_after)
        return error


async def read_attachment(response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    """The bytes of an attachment, decoded as they arrive; close it where not all of them are read.

    An answer that breaks off raises ``Unavailable``.
    """
    try:
        pieces = response.content.iter_chunked(PIECE)
        async for chunk in _decoded(pieces):
            yield chunk
        async for _ in pieces:
            # To the end, so that the connection can serve another request.
            pass
    except NETWORK_FAULTS as error:
        raise Unavailable(f"Gmail broke off an attachment: {error}") from error
    finally:
        response.close()


async def _decoded(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Base64url of ``{"data": "…"}``, decoded piece by piece."""
    held = await _until_data(chunks)
    closed = held is None
    while held is not None and not closed:
        text, quote, _ = held.partition(b'"')
        closed = bool(quote)
        whole = _unescaped(text) if closed else text[: _whole_length(text)]
        held = held[len(whole) :]
        if whole:
            yield _base64url(whole)
        if not closed:
            held += await _next(chunks)


async def _until_data(chunks: AsyncIterator[bytes]) -> bytes | None:
    """What follows the opening quote of the data, None where the answer is an object without any."""
    held = b""
    while held.count(b'"') < 3:
        piece = await anext(chunks, b"")
        if not piece and b"".join(held.split()) == b"{}":
            return None
        held += piece
        if not piece or len(held) > 2 * PIECE:
            raise Unavailable("Gmail cut an attachment short, or sent something else.")
    before, name, rest = held.partition(b'"data"')
    colon, quote, data = rest.partition(b'"')
    if before.strip() != b"{" or not name or colon.strip() != b":" or not quote:
        raise Unavailable("Gmail's answer holds no attachment.")
    return data


async def _next(chunks: AsyncIterator[bytes]) -> bytes:
    try:
        return await anext(chunks)
    except StopAsyncIteration:
        raise Unavailable("Gmail cut an attachment short.") from None


def _whole_length(text: bytes) -> int:
    """How much of ``text`` is whole groups of four; padding and escapes wait for the closing quote."""
    ends = [position for position in (text.find(b"="), text.find(b"\\")) if position >= 0]
    usable = min(ends, default=len(text))
    if len(text) - usable > TAIL:
        raise Unavailable("Gmail's attachment is not base64.")
    return usable // 4 * 4


def _unescaped(text: bytes) -> bytes:
    """Google's JSON may write the padding as an escape."""
    return text.replace(b"\\u003d", b"=") if b"\\" in text else text


def _base64url(text: bytes) -> bytes:
    try:
        padded = text.translate(_URL_SAFE) + b"=" * (-len(text) % 4)
        return binascii.a2b_base64(padded, strict_mode=True)
    except binascii.Error as error:
        raise Unavailable("Gmail's attachment is not base64.") from error


_URL_SAFE = bytes.maketrans(b"-_", b"+/")
