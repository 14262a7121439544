"""LeadSquared's API over HTTP: keys in headers, the shared pace, bounded answers, its refusals as our errors.

A request is repeated through passing faults after which it cannot have taken effect, such as being over the
limit. One that would change something and has no answer is not repeated here: whether it took effect is
asked by those who know what it was.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import aiohttp
import orjson

from postroom.destinations.base import Pace
from postroom.destinations.leadsquared.endpoints import Endpoints
from postroom.destinations.leadsquared.refusals import AnswerLost, read_refusal, to_error
from postroom.errors import Misconfigured, Unavailable
from postroom.providers.http import NETWORK_FAULTS, TooLarge, patiently, read_within, readable, retry_after

TRIES = 3
"""Of a request that would change something; others have the four of ``patiently``."""
MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of one answer; a page of 1,000 leads has about one."""
LONGEST_ANSWER = 120
"""Seconds that one answer may take to come in."""
NOT_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
)
"""Faults before anything of the request went out."""
EVERY, BULK = ("day", ""), ("day", "", "bulk")
"""The limits by which every call is counted, and a bulk call."""
REQUEST_IDS = ("x-request-id", "x-amzn-requestid", "x-amz-cf-id", "request-id")

Params = Mapping[str, str]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Keys:
    """Of one user there, an administrator ("Authentication")."""

    access: str = field(repr=False)
    secret: str = field(repr=False)

    def blotted(self, words: str) -> str:
        """The words without the keys."""
        return words.replace(self.secret, "…").replace(self.access, "…")

    @classmethod
    def read(cls, secrets: Mapping[str, object]) -> "Keys":
        """Raises ``Misconfigured`` where one is missing."""
        access, secret = str(secrets.get("access_key") or ""), str(secrets.get("secret_key") or "")
        if not access or not secret:
            raise Misconfigured("Enter LeadSquared's access key and secret key.")
        return cls(access, secret)


@dataclass(frozen=True, slots=True)
class Answer:
    """The JSON of a success."""

    value: object
    request_id: str = ""


class LeadSquaredClient:
    """Calls with one user's keys.

    All raise ``AuthorizationLost``, ``Throttled`` and ``Unavailable``, after which nothing took effect, and
    ``NotAccepted``; those that change something also raise ``AnswerLost``.
    """

    def __init__(self, session: aiohttp.ClientSession, keys: Keys, endpoints: Endpoints, pace: Pace) -> None:
        self._session = session
        self._keys = keys
        self._endpoints = endpoints
        self._pace = pace

    async def get(self, path: str, params: Params | None = None) -> Answer:
        """Read, by GET."""
        return await patiently(lambda: self._call("GET", path, params, None, changes=False))

    async def query(self, path: str, body: object, params: Params | None = None) -> Answer:
        """Read, by POST, as LeadSquared has it for searches."""
        return await patiently(lambda: self._call("POST", path, params, body, changes=False))

    async def change(self, path: str, body: object) -> Answer:
        """Change something, by POST."""
        return await patiently(lambda: self._call("POST", path, None, body, changes=True), TRIES)

    async def change_by_get(self, path: str, params: Params) -> Answer:
        """Change something, by GET, as LeadSquared has it for deletions."""
        return await patiently(lambda: self._call("GET", path, params, None, changes=True), TRIES)

    async def bulk(self, path: str, body: object) -> Answer:
        """Change many things; these calls have a limit of their own ("Rate Limits")."""
        return await patiently(lambda: self._call("POST", path, None, body, changes=True, limits=BULK), TRIES)

    async def upload(self, form: Mapping[str, str], filename: str, content: AsyncIterator[bytes]) -> Answer:
        """Send a file; the keys go into the form ("Upload a File"). A repetition leaves an unused file."""
        await self._pace.turn(*EVERY)
        data = aiohttp.FormData()
        for name, value in {
            **form,
            "AccessKey": self._keys.access,
            "SecretKey": self._keys.secret,
        }.items():
            data.add_field(name, value)
        data.add_field("uploadFiles", content, filename=filename, content_type="application/octet-stream")
        return await self._answered(
            lambda: self._session.post(
                f"{self._endpoints.files}/File/Upload", data=data, allow_redirects=False
            ),
            changes=True,
        )

    async def _call(
        self,
        verb: str,
        path: str,
        params: Params | None,
        body: object,
        *,
        changes: bool,
        limits: Sequence[str] = EVERY,
    ) -> Answer:
        await self._pace.turn(*limits)
        return await self._answered(
            lambda: self._session.request(
                verb,
                f"{self._endpoints.api}/v2/{path}",
                params=params,
                data=None if body is None else orjson.dumps(body),
                headers=self._headers(),
                allow_redirects=False,
            ),
            changes=changes,
        )

    def _headers(self) -> dict[str, str]:
        return {
            "x-LSQ-AccessKey": self._keys.access,
            "x-LSQ-SecretKey": self._keys.secret,
            "Content-Type": "application/json",
        }

    async def _answered(
        self, send: Callable[[], Awaitable[aiohttp.ClientResponse]], *, changes: bool
    ) -> Answer:
        lost = AnswerLost if changes else Unavailable
        try:
            response = await send()
            status, headers = response.status, response.headers
            try:
                async with asyncio.timeout(LONGEST_ANSWER):
                    body = await read_within(response, MAX_ANSWER)
            finally:
                response.release()
        except NOT_SENT as error:
            raise Unavailable(f"LeadSquared cannot be reached: {readable(str(error))}") from error
        except (*NETWORK_FAULTS, TooLarge) as error:
            raise lost(f"LeadSquared broke off: {readable(str(error)) or 'no answer'}") from error
        request_id = next((headers[name][:100] for name in REQUEST_IDS if name in headers), "")
        refusal = read_refusal(status, body, retry_after(headers.get("Retry-After", "")), request_id)
        if refusal:
            # Should an answer quote the keys, they are stored and shown no more than elsewhere.
            raise to_error(replace(refusal, said=self._keys.blotted(refusal.said)), changes=changes)
        try:
            return Answer(orjson.loads(body), request_id)
        except orjson.JSONDecodeError as error:
            raise lost("LeadSquared's answer is no JSON, or was cut short.") from error
