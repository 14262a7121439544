"""A thin client of Microsoft Graph: one request of one mailbox, and its errors as Postroom's family.

Sources: "Use the Microsoft Graph API", "Obtain immutable identifiers for Outlook resources" (the Prefer
header belongs to every request), "Get message" (Prefer: outlook.allow-unsafe-html), "Microsoft Graph error
responses and resource types".
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from urllib.parse import quote

import aiohttp
from yarl import URL

from postroom.errors import PostroomError, ProviderError, Throttled, Unavailable
from postroom.providers.answers import Json, read_json
from postroom.providers.base import Tokens
from postroom.providers.http import NETWORK_FAULTS, patiently, read_within
from postroom.providers.outlook.endpoints import Endpoints
from postroom.providers.outlook.quota import Pace
from postroom.providers.outlook.refusals import read_refusal, to_error

Params = Sequence[tuple[str, str]]

MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of one JSON answer; of a page of mails too large for it, fewer are asked for."""
LONGEST_ANSWER = 300
"""Seconds that one JSON answer may take to come in."""
PIECE = 256 * 1024
"""Bytes of an attachment that are handed over at a time."""
PREFER = 'IdType="ImmutableId", outlook.allow-unsafe-html'
GOOD = frozenset({200, 201, 202, 204})


class GraphClient:
    """Calls for one mailbox: the signed-in person's, or that of ``user`` (id or sign-in name)."""

    def __init__(
        self, session: aiohttp.ClientSession, tokens: Tokens, endpoints: Endpoints, pace: Pace, user: str = ""
    ) -> None:
        self._session = session
        self._tokens = tokens
        self._graph = endpoints.graph
        self._pace = pace
        self.user = user
        """"" for the signed-in person's own mailbox."""
        self.home = f"users/{quote(user, safe='@')}" if user else "me"
        """The path of the mailbox."""

    async def get(self, method: str, path: str, params: Params = (), page: int = 0) -> Json:
        """The JSON answer to ``GET /v1.0/{path}``; ``page`` asks for so many entries at the most."""
        query = "&".join(f"{name}={quote(value, safe='$,():/')}" for name, value in params)
        url = f"{self._graph}/v1.0/{path}" + (f"?{query}" if query else "")
        return await self._json("GET", method, url, None, page)

    async def follow(self, method: str, link: str, page: int = 0) -> Json:
        """The JSON answer to a link that Graph gave; it must lead back to Graph."""
        if not link.startswith(f"{self._graph}/v1.0/"):
            raise ProviderError("Microsoft gave a link that does not lead to Microsoft Graph.")
        return await self._json("GET", method, link.replace(" ", "%20"), None, page)

    async def send(self, verb: str, method: str, path: str, body: Json | None = None) -> Json:
        return await self._json(verb, method, f"{self._graph}/v1.0/{path}", body, 0)

    async def stream(self, method: str, path: str) -> AsyncGenerator[bytes, None]:
        """The bytes at ``path`` as they arrive; close it where not all of them are read.

        The request is repeated through passing faults until the answer begins; one that breaks off raises
        ``Unavailable``.
        """
        url = f"{self._graph}/v1.0/{path}"
        async with self._pace.turn():
            response = await patiently(lambda: self._granted("GET", method, url, None, 0))
            try:
                async for piece in response.content.iter_chunked(PIECE):
                    yield piece
            except NETWORK_FAULTS as error:
                raise Unavailable(f"Microsoft broke off an attachment: {error}") from error
            finally:
                response.close()

    async def _json(self, verb: str, method: str, url: str, body: Json | None, page: int) -> Json:
        async def once() -> Json:
            async with self._pace.turn():
                response = await self._granted(verb, method, url, body, page)
                return await self._read(response)

        return await patiently(once)

    async def _read(self, response: aiohttp.ClientResponse) -> Json:
        try:
            async with asyncio.timeout(LONGEST_ANSWER):
                data = await read_within(response, MAX_ANSWER)
        except NETWORK_FAULTS as error:
            raise Unavailable(f"Microsoft broke off its answer: {error}") from error
        finally:
            response.release()
        return read_json(data) if data or response.status == 200 else {}

    async def _granted(
        self, verb: str, method: str, url: str, body: Json | None, page: int
    ) -> aiohttp.ClientResponse:
        """The response to a request that was granted; an expired token is renewed once."""
        token = await self._tokens.access_token()
        response = await self._request(verb, url, body, page, token)
        if response.status == 401 and "insufficient_claims" not in response.headers.get(
            "WWW-Authenticate", ""
        ):
            response.release()
            token = await self._tokens.access_token(rejected=token)
            response = await self._request(verb, url, body, page, token)
        if response.status not in GOOD:
            raise await self._fault(response, method)
        return response

    async def _request(
        self, verb: str, url: str, body: Json | None, page: int, token: str
    ) -> aiohttp.ClientResponse:
        prefer = f"{PREFER}, odata.maxpagesize={page}" if page else PREFER
        try:
            return await self._session.request(
                verb,
                URL(url, encoded=True),
                json=body,
                headers={"Authorization": f"Bearer {token}", "Prefer": prefer},
                allow_redirects=False,
            )
        except NETWORK_FAULTS as error:
            raise Unavailable(f"Microsoft cannot be reached: {error}") from error

    async def _fault(self, response: aiohttp.ClientResponse, method: str) -> PostroomError:
        error = to_error(await read_refusal(response), method, by_itself=bool(self.user))
        if isinstance(error, Throttled):
            self._pace.pause(error.retry_after)
        return error
