"""Delivering what stands in the outbox, one destination at a time.

A delivery is marked before it is sent and settled afterwards (``ledger``), so that whatever happens in
between is known to be unknown. A fault of the destination as a whole costs no delivery one of its attempts.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic

import aiohttp
from django.conf import settings

from postroom.destinations import ledger
from postroom.destinations.base import Opening, Outcome, Parcel, Receiver, Unknown
from postroom.destinations.managing import kind_of, secrets_of
from postroom.destinations.models import Delivery
from postroom.destinations.pacing import SharedPace, Sleep
from postroom.destinations.rendering import Nothing, parcels
from postroom.errors import Misconfigured, PostroomError, ProviderError
from postroom.threads import in_thread
from postroom.vault.blobs import BlobStore

log = logging.getLogger(__name__)

CALL_SECONDS = 300.0
"""Longest time for the deliveries of one batch; what has no answer by then is unknown."""
TURN = timedelta(seconds=60)
"""How long one drain goes on before others get its place."""
SIGN_OF_LIFE = 10.0
"""Seconds between those of a drain under way."""

Now = Callable[[], datetime]


@dataclass(slots=True)
class Report:
    """What a drain did."""

    delivered: int = 0
    tried: int = 0
    unfinished: bool = False
    """Whether there is more to deliver right now."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What a drain works with."""

    session: aiohttp.ClientSession
    blobs: BlobStore
    tell: ledger.Tell
    now: Now = lambda: datetime.now(UTC)
    sleep: Sleep = asyncio.sleep
    """How a receiver waits for its turn."""


async def drain(destination_id: int, tools: Tools) -> Report:
    """Deliver what is due, for a minute at most. Does nothing where the destination takes nothing now."""
    held = await in_thread(ledger.hold, destination_id, tools.now())
    if held is None:
        return Report()
    work = asyncio.create_task(_deliver_all(held, tools))
    try:
        await _keep_until_done(held, work, tools)
        return await work
    except ledger.HoldLost:
        log.info("Destination %s was changed or taken over; this drain ends.", destination_id)
        return Report(unfinished=True)
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError, PostroomError):
            await work
        await in_thread(ledger.let_go, held, tools.now())


async def _keep_until_done(held: ledger.Hold, work: "asyncio.Task[Report]", tools: Tools) -> None:
    """Hold the destination meanwhile; raises ``HoldLost``, also where this process slept too long."""
    seen = monotonic()
    while True:
        done, _ = await asyncio.wait({work}, timeout=SIGN_OF_LIFE)
        if done:
            return
        if monotonic() - seen > ledger.LEASE.total_seconds():
            raise ledger.HoldLost
        await in_thread(ledger.keep, held, tools.now())
        seen = monotonic()


async def _deliver_all(held: ledger.Hold, tools: Tools) -> Report:
    report, began = Report(), tools.now()
    kind = kind_of(held.destination)
    try:
        receiver = await in_thread(_open, held, tools)
    except Misconfigured as error:
        await in_thread(ledger.undo, held, [], error, tools.now(), tools.tell)
        return report
    while tools.now() - began < TURN:
        taken = await in_thread(ledger.take, held, kind.batch, tools.now())
        if not taken:
            return report
        ready = await in_thread(_render, held, taken)
        if ready and not await _deliver(held, receiver, ready, tools, report):
            return report
    report.unfinished = await in_thread(ledger.anything_due, held, tools.now())
    return report


Ready = Sequence[tuple[Delivery, Parcel]]


def _render(held: ledger.Hold, taken: Sequence[Delivery]) -> Ready:
    made = list(zip(taken, parcels(held.destination, taken), strict=True))
    ledger.drop(held, {row.pk: parcel.said for row, parcel in made if isinstance(parcel, Nothing)})
    return [(row, parcel) for row, parcel in made if isinstance(parcel, Parcel)]


async def _deliver(held: ledger.Hold, receiver: Receiver, ready: Ready, tools: Tools, report: Report) -> bool:
    """Send a batch and note what became of it; False where the destination takes nothing for now."""
    deliveries = [row for row, _ in ready]
    at, began = tools.now(), monotonic()
    try:
        outcomes = await _outcomes(receiver, [parcel for _, parcel in ready])
    except (ProviderError, Misconfigured) as error:
        log.info("Destination %s takes nothing for now: %s", held.destination.pk, error)
        await in_thread(ledger.undo, held, deliveries, error, tools.now(), tools.tell)
        return False
    call = ledger.Call(deliveries, outcomes, at, int((monotonic() - began) * 1000))
    report.tried += len(ready)
    report.delivered += await in_thread(ledger.settle, held, call, tools.now(), tools.tell)
    return await in_thread(ledger.is_open, held, tools.now())


async def _outcomes(receiver: Receiver, batch: Sequence[Parcel]) -> list[Outcome]:
    try:
        async with asyncio.timeout(CALL_SECONDS):
            outcomes = await receiver.deliver(batch)
    except TimeoutError:
        return [Unknown("There was no answer in time.") for _ in batch]
    if len(outcomes) != len(batch):
        raise AssertionError("A receiver has an outcome for each parcel.")
    return outcomes


def _open(held: ledger.Hold, tools: Tools) -> Receiver:
    """Raises ``Misconfigured`` where the secrets cannot be opened."""
    destination = held.destination
    kind = kind_of(destination)
    pace = SharedPace(
        destination,
        kind.limits(destination.settings),
        clock=lambda: tools.now().timestamp(),
        sleep=tools.sleep,
        # A process that slept, as a suspended machine does, finds out here that another goes on in its place.
        fence=lambda: ledger.make_sure(held),
    )
    return kind.receiver(
        Opening(
            settings=destination.settings,
            secrets=secrets_of(destination),
            session=tools.session,
            pace=pace,
            files=AccountFiles(tools.blobs, destination.account_id),
            config=settings.POSTROOM,
        )
    )


@dataclass(frozen=True, slots=True)
class AccountFiles:
    """The attachments of one account; ``base.Files``."""

    blobs: BlobStore
    account_id: int

    async def read(self, sha256: str) -> AsyncIterator[bytes]:
        """The bytes in pieces. Raises ``KeyError`` where they are not there any more."""
        pieces = await asyncio.to_thread(self.blobs.read, self.account_id, sha256)
        while piece := await asyncio.to_thread(next, pieces, b""):
            yield piece
