"""Notifications of changed mailboxes: Gmail's ``watch`` and Pub/Sub's push delivery.

Sources: "Push notifications" of the Gmail API guides (one notification a second and user, those above
are dropped; a watch lasts 7 days), and Pub/Sub's "Push subscriptions" (the request's JSON, at least
once, 102/200/201/202/204 acknowledge, backoff from 100 ms to 60 s) and "Authentication for push
subscriptions" (the bearer token's claims). Delivery never holds up the change that caused it.
"""

import asyncio
from base64 import b64encode
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, Literal

import aiohttp
import orjson

from ..clock import Clock
from ..faults import Faults
from .keys import SigningKeys
from .mailbox import Change

WATCH_SECONDS = 7 * 86_400
_ACKNOWLEDGED = frozenset({102, 200, 201, 202, 204})


@dataclass(slots=True)
class Subscription:
    """Where notifications go, and how: a Pub/Sub push subscription with authentication."""

    endpoint: str = ""
    """URL that is POSTed to; "" for nowhere."""
    name: str = "projects/sandbox-project/subscriptions/gmail-push"
    audience: str = ""
    """The token's ``aud``; the endpoint when empty."""
    service_account: str = "postroom-push@sandbox-project.iam.gserviceaccount.com"
    delay: float = 0.0
    """Seconds between a change and its notification."""
    min_interval: float = 1.0
    """Seconds between two notifications of one user; what comes sooner is dropped."""
    too_soon: Literal["drop", "coalesce"] = "drop"
    """``coalesce`` sends one later instead, carrying the newest history id."""
    backoff: float = 0.1
    """Seconds before the first retry; doubles up to 60."""
    attempts: int = 20
    timeout: float = 10.0
    """Seconds to acknowledge in (the subscription's ack deadline)."""
    on_watch: bool = True
    """Gmail publishes a notification as soon as a watch is set up."""
    numeric_history_id: bool = True
    """The guide's sample has ``historyId`` as a string, production is quoted to send a number."""


@dataclass(slots=True)
class Watch:
    """One mailbox's watch for one project."""

    topic: str
    labels: frozenset[str]
    exclude: bool
    expires: float

    def wants(self, change: Change) -> bool:
        touched = self.labels.intersection((*change.labels, *change.changed))
        return not self.labels or bool(touched) != self.exclude


@dataclass(slots=True)
class Delivery:
    """What became of one notification, for tests and the curious."""

    address: str
    history_id: int
    message_id: str
    outcome: str = "pending"
    """pending, acknowledged, dropped (too soon), lost (fault), given up, nowhere."""
    attempts: int = 0
    status: int = 0


@dataclass(slots=True)
class _Pace:
    last: float = 0.0
    later: int | None = None
    """History id of the notification that waits for its turn."""


@dataclass
class Push:
    """Watches, and the deliveries they cause. ``start`` and ``stop`` follow the server."""

    clock: Clock
    keys: SigningKeys
    faults: Faults
    random: Random
    issuer: str = "https://accounts.google.com"
    subscription: Subscription = field(default_factory=Subscription)
    watches: dict[str, dict[str, Watch]] = field(default_factory=dict)
    """Address, then project."""
    log: deque[Delivery] = field(default_factory=lambda: deque(maxlen=1_000))
    _pace: dict[str, _Pace] = field(default_factory=dict)
    _loop: asyncio.AbstractEventLoop | None = None
    _session: aiohttp.ClientSession | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def watch(self, address: str, project: str, watch: Watch, history_id: int) -> None:
        self.watches.setdefault(address, {})[project] = watch
        if self.subscription.on_watch:
            self.notify(address, history_id)

    def stop_watching(self, address: str, project: str) -> None:
        self.watches.get(address, {}).pop(project, None)

    def changed(self, address: str, changes: list[Change]) -> None:
        """A mailbox changed: notify if a live watch wants any of it."""
        now = self.clock.now()
        for watch in self.watches.get(address, {}).values():
            if watch.expires > now and any(watch.wants(change) for change in changes):
                self.notify(address, changes[-1].id)

    def notify(self, address: str, history_id: int) -> None:
        """Publish one notification, unless it is too soon after the last."""
        pace = self._pace.setdefault(address, _Pace())
        wait = pace.last + self.subscription.min_interval - self.clock.now()
        if wait > 0 and self.subscription.too_soon == "drop":
            self._note(address, history_id).outcome = "dropped"
        elif wait > 0:
            self._postpone(address, pace, history_id, wait)
        else:
            pace.last = self.clock.now()
            self._publish(address, history_id)

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._session = aiohttp.ClientSession()

    async def stop(self) -> None:
        self._loop = None
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session:
            await self._session.close()

    async def settle(self) -> None:
        """Wait until no delivery is under way."""
        await asyncio.sleep(0)
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def wait(self) -> None:
        """``settle``, from a thread that is not the server's."""
        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(self.settle(), self._loop).result()

    def adopt(self, running: "Push") -> None:
        """Take over the server that another one was started with, and its subscription."""
        self._loop, self._session, self._tasks = running._loop, running._session, running._tasks
        self.subscription = running.subscription

    def _postpone(self, address: str, pace: _Pace, history_id: int, wait: float) -> None:
        waiting, pace.later = pace.later is not None, history_id
        if not waiting:
            self._spawn(self._later(address, pace, wait))

    async def _later(self, address: str, pace: _Pace, wait: float) -> None:
        await asyncio.sleep(wait)
        history_id, pace.later = pace.later, None
        if history_id is not None:
            pace.last = self.clock.now()
            self._publish(address, history_id)

    def _publish(self, address: str, history_id: int) -> None:
        delivery = self._note(address, history_id)
        if self.faults.take("push", user=address, kinds=("lose_push",)):
            delivery.outcome = "lost"
            return
        if not self.subscription.endpoint:
            delivery.outcome = "nowhere"
            return
        self._spawn(self._deliver(delivery))
        if self.faults.take("push", user=address, kinds=("duplicate_push",)):
            self._spawn(self._deliver(delivery))

    def _note(self, address: str, history_id: int) -> Delivery:
        delivery = Delivery(address, history_id, str(self.random.randrange(10**15, 10**16)))
        self.log.append(delivery)
        return delivery

    async def _deliver(self, delivery: Delivery) -> None:
        await asyncio.sleep(self.subscription.delay)
        pause = self.subscription.backoff
        published = self.clock.now()
        for _ in range(self.subscription.attempts):
            delivery.attempts += 1
            delivery.status = await self._post(delivery, published)
            if delivery.status in _ACKNOWLEDGED:
                delivery.outcome = "acknowledged"
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, 60.0)
        delivery.outcome = "given up"

    async def _post(self, delivery: Delivery, published: float) -> int:
        if self._session is None:
            return 0
        body = orjson.dumps(self._envelope(delivery, published))
        headers = {
            "Authorization": f"Bearer {self._token()}",
            "Content-Type": "application/json",
            "User-Agent": "CloudPubSub-Google",
        }
        timeout = aiohttp.ClientTimeout(total=self.subscription.timeout)
        try:
            endpoint = self.subscription.endpoint
            async with self._session.post(endpoint, data=body, headers=headers, timeout=timeout) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return 0

    def _envelope(self, delivery: Delivery, published: float) -> dict[str, Any]:
        numeric = self.subscription.numeric_history_id
        history_id = delivery.history_id if numeric else str(delivery.history_id)
        data = orjson.dumps({"emailAddress": delivery.address, "historyId": history_id})
        moment = datetime.fromtimestamp(published, UTC).isoformat(timespec="milliseconds")
        moment = moment.replace("+00:00", "Z")
        message = {
            "data": b64encode(data).decode("ascii"),
            "messageId": delivery.message_id,
            "message_id": delivery.message_id,
            "publishTime": moment,
            "publish_time": moment,
        }
        return {"message": message, "subscription": self.subscription.name}

    def _token(self) -> str:
        now = int(self.clock.now())
        subject = "113774264463038321964"
        return self.keys.sign(
            {
                "aud": self.subscription.audience or self.subscription.endpoint,
                "azp": subject,
                "email": self.subscription.service_account,
                "email_verified": True,
                "exp": now + 3_600,
                "iat": now,
                "iss": self.issuer,
                "sub": subject,
            }
        )

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run in the server's loop, from whatever thread the change came."""
        if self._loop is None:
            work.close()
            return
        self._loop.call_soon_threadsafe(self._begin, work)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
