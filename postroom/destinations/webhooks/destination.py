"""Webhooks as a kind of destination.

What is answered: 2xx means that it arrived; 410 stops the endpoint; 429, and what comes with ``Retry-After``,
asks for patience; 422 means that this one will never be taken. Everything else is tried again, with the same
id: an endpoint cannot be asked what it has, so it may see a delivery twice and tells by ``webhook-id``.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlsplit

import aiohttp

from postroom.config import Config
from postroom.destinations.base import (
    Delivered,
    DestinationKind,
    Event,
    Later,
    Limit,
    Opening,
    Outcome,
    Pace,
    Parcel,
    Receiver,
    Refused,
    Unknown,
)
from postroom.destinations.together import all_or_first_fault
from postroom.destinations.webhooks.guard import Guard, open_guarded_session
from postroom.destinations.webhooks.payload import body, test_body
from postroom.destinations.webhooks.settings import from_data, url_problem
from postroom.destinations.webhooks.signing import Secrets, headers
from postroom.errors import Misconfigured, ProviderError, Throttled, Unavailable
from postroom.providers.http import NETWORK_FAULTS, readable, retry_after

AT_ONCE = 8
"""Requests under way at a time, each about another lead."""
READ = 2048
"""Bytes read of an answer, for its first words to be shown."""
PATIENCE = 60.0
"""Seconds to wait where an endpoint asks for patience without saying how long."""


class Webhooks(DestinationKind):
    name = "webhook"
    label = "Webhook"
    events = frozenset(Event)
    batch = 16
    """What a worker that dies may have sent, and sends again."""

    def limits(self, settings: Mapping[str, object]) -> Mapping[str, Limit]:
        return {}

    def receiver(self, opening: Opening) -> Receiver:
        return Endpoint(from_data(opening.settings).url, opening.secrets, opening.config, opening.pace)


class Endpoint(Receiver):
    """One URL; ``base.Receiver``."""

    def __init__(self, url: str, secrets: Secrets, config: Config, pace: Pace) -> None:
        self._url = url
        self._pace = pace
        self._secrets = secrets
        self._config = config
        self._guard = Guard(config.webhook_allow, urlsplit(url).hostname or "")
        self._fault: ProviderError | Misconfigured | None = None
        """Why nothing more is sent for now, found out by an earlier request."""

    async def check(self) -> str:
        """Send an event of type ``test``."""
        now = datetime.now(UTC)
        self._ready(now)
        async with self._session() as session:
            outcome = await self._send(session, f"test-{now:%Y%m%d%H%M%S%f}", test_body(now))
        if isinstance(outcome, Delivered):
            return f"The endpoint took a test and answered {outcome.said}."
        raise self._fault or Unavailable(outcome.reason)

    async def deliver(self, parcels: Sequence[Parcel]) -> list[Outcome]:
        if self._fault:
            raise self._fault
        self._ready(datetime.now(UTC))
        outcomes: list[Outcome] = [Later("It waits for the one before.", tried=False) for _ in parcels]
        by_lead: dict[int, list[int]] = {}
        for position, parcel in enumerate(parcels):
            by_lead.setdefault(_lead_of(parcel), []).append(position)
        places = asyncio.Semaphore(AT_ONCE)

        async def send(positions: Sequence[int]) -> None:
            async with places:
                for position in positions:
                    if self._fault:
                        outcomes[position] = Later(str(self._fault), tried=False)
                        return
                    parcel = parcels[position]
                    await self._pace.turn()
                    outcomes[position] = await self._send(session, parcel.key, body(parcel))
                    if isinstance(outcomes[position], Later | Unknown):
                        return

        async with self._session() as session:
            await all_or_first_fault(send(positions) for positions in by_lead.values())
        if self._fault and all(isinstance(outcome, Later) for outcome in outcomes):
            raise self._fault
        return outcomes

    def _ready(self, now: datetime) -> None:
        """Raises ``Misconfigured`` where nothing can be sent at all."""
        if problem := url_problem(self._url, self._config):
            raise Misconfigured(problem)
        headers(self._secrets, "", b"", now)

    def _session(self) -> aiohttp.ClientSession:
        return open_guarded_session(self._guard)

    async def _send(self, session: aiohttp.ClientSession, key: str, sent: bytes) -> Outcome:
        """One request."""
        signed = headers(self._secrets, key, sent, datetime.now(UTC))
        try:
            async with session.post(
                self._url,
                data=sent,
                headers={**signed, "Content-Type": "application/json"},
                allow_redirects=False,
            ) as response:
                words = readable((await response.content.read(READ)).decode("utf-8", "replace"))
                return self._outcome(response, words)
        except aiohttp.InvalidURL:
            self._fault = Misconfigured("This is no URL that can be called; enter another.")
            return Later(str(self._fault))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return self._unreachable(error)
        except NETWORK_FAULTS as error:
            return Unknown(f"No answer came within the time ({type(error).__name__}).")

    def _unreachable(self, error: Exception) -> Outcome:
        if self._guard.refused:
            self._fault = Misconfigured(
                f"The URL leads to {self._guard.refused}, an address inside a network, which is not called."
                " The operator can allow it by POSTROOM_WEBHOOK_ALLOW."
            )
        else:
            self._fault = Unavailable(f"The endpoint cannot be reached: {readable(str(error))}")
        return Later(str(self._fault))

    def _outcome(self, response: aiohttp.ClientResponse, words: str) -> Outcome:
        status = response.status
        answered = f"{status} {_phrase(status)}".strip()
        request = response.headers.get("X-Request-Id", "")
        said = f"The endpoint answered {answered}: {words}" if words else f"The endpoint answered {answered}."
        if 200 <= status < 300:
            return Delivered(request_id=request, said=answered)
        if status == HTTPStatus.UNPROCESSABLE_ENTITY:
            return Refused(said, request)
        if status == HTTPStatus.GONE:
            self._fault = Misconfigured(
                "The endpoint answered 410 Gone: it wants no more webhooks. Change its URL, or remove it."
            )
        patience = retry_after(response.headers.get("Retry-After", ""))
        if patience is not None or status == HTTPStatus.TOO_MANY_REQUESTS:
            patience = patience or PATIENCE
            self._fault = Throttled(said, retry_after=patience)
        if 300 <= status < 400:
            said = f"The endpoint answered {answered}, and redirects are not followed. Change its URL."
        return Later(said, request, retry_after=patience or 0.0)


def _lead_of(parcel: Parcel) -> int:
    """Whose order it belongs to."""
    if parcel.lead:
        return parcel.lead.id
    return int(parcel.gone.get("lead_id", 0))


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus.__members__.values() else ""
