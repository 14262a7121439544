"""Change notifications: subscriptions, the validation handshake, notifications and lifecycle events.

Sources: "subscription resource type" (Outlook message: at most 10,080 minutes; clientState of at most 128
characters), "Create subscription" (409 for a duplicate), "Receive change notifications through webhooks"
(validationToken in the query, 200 with text/plain within 10 seconds; a notification is acknowledged by 2xx
within 3 seconds and else sent again), "Reduce missing change notifications and removed subscriptions".
https is required, but for addresses of this machine. Delivery never holds up the change that caused it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import aiohttp

from . import errors
from .mailbox import Event, Mailbox
from .odata import moment
from .resource import stamp

if TYPE_CHECKING:
    from .accounts import Account
    from .sandbox import MicrosoftSandbox

Json = dict[str, Any]
LONGEST_MINUTES = 10_080
CHANGE_TYPES = frozenset({"created", "updated", "deleted"})
LIFECYCLE = ("missed", "subscriptionRemoved", "reauthorizationRequired")
_WHAT = {"in": "created", "flag": "updated", "out": "deleted"}
_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(slots=True)
class Subscription:
    """One application's wish to be told."""

    id: str
    app: str
    """Client id."""
    creator: str
    """Object id of the person, or the client id where the application asked by itself."""
    address: str
    """Whose mailbox."""
    folder: str
    """Well-known name; "" for the whole mailbox."""
    resource: str
    change_types: tuple[str, ...]
    notification_url: str
    lifecycle_url: str
    client_state: str
    expires: float
    immutable: bool
    quiet: bool = False
    """Nothing is sent until it is reauthorised."""

    def as_json(self) -> Json:
        """``clientState`` is told only to who creates it, as public reports of the list have it."""
        return {
            "id": self.id,
            "resource": self.resource,
            "applicationId": self.app,
            "changeType": ",".join(self.change_types),
            "clientState": None,
            "notificationUrl": self.notification_url,
            "notificationQueryOptions": None,
            "lifecycleNotificationUrl": self.lifecycle_url or None,
            "expirationDateTime": stamp(self.expires),
            "creatorId": self.creator,
            "includeResourceData": None,
            "latestSupportedTlsVersion": "v1_2",
            "encryptionCertificate": None,
            "encryptionCertificateId": None,
            "notificationUrlAppId": None,
        }


@dataclass(slots=True)
class Delivery:
    """What became of one notification, for tests and the curious."""

    subscription: str
    kind: str
    """created, updated, deleted, or a lifecycle event."""
    outcome: str = "pending"
    """pending, acknowledged, lost (fault), given up."""
    attempts: int = 0
    status: int = 0


@dataclass
class Notifier:
    """Subscriptions, and the deliveries they cause. ``start`` and ``stop`` follow the server."""

    sandbox: "MicrosoftSandbox"
    known: dict[str, Subscription] = field(default_factory=dict)
    log: deque[Delivery] = field(default_factory=lambda: deque(maxlen=1_000))
    _loop: asyncio.AbstractEventLoop | None = None
    _session: aiohttp.ClientSession | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def live(self, address: str = "") -> list[Subscription]:
        """Those that have not expired, of one mailbox or of all."""
        now = self.sandbox.clock.now()
        self.known = {each.id: each for each in self.known.values() if each.expires > now}
        return [each for each in self.known.values() if address in ("", each.address)]

    async def create(
        self, wanted: Json, app: str, creator: "Account | None", immutable: bool
    ) -> Subscription:
        """Check, validate the addresses, keep. Raises ``GraphError``."""
        made = self._checked(wanted, app, creator, immutable)
        for url in dict.fromkeys(filter(None, (made.notification_url, made.lifecycle_url))):
            await self._validate(url)
        for other in self.live(made.address):
            same = (other.app, other.creator, other.folder, other.change_types)
            if same == (made.app, made.creator, made.folder, made.change_types):
                message = f"Subscription Id {other.id} already exists for the requested combination"
                raise errors.GraphError(409, "ExtensionError", message)
        self.known[made.id] = made
        return made

    def renew(self, id: str, wanted: Json) -> Subscription:
        """Only the expiry can be changed. Raises ``GraphError``."""
        found = self.get(id)
        if set(wanted) - {"expirationDateTime", "notificationUrl"}:
            raise errors.bad_request("Only expirationDateTime can be updated.", "ValidationError")
        found.expires = self._expiry(wanted)
        found.quiet = False
        return found

    def get(self, id: str) -> Subscription:
        self.live()
        if id not in self.known:
            raise errors.GraphError(404, "ResourceNotFound", "The object was not found.")
        return self.known[id]

    def remove(self, id: str) -> None:
        found = self.get(id)
        self.known.pop(found.id)

    def changed(self, mailbox: Mailbox, events: list[Event], folders: dict[int, str]) -> None:
        """Something happened in a mailbox: tell those who want to know."""
        for subscription in self.live(mailbox.address):
            for event in events:
                kind, folder = _WHAT[event.what], folders[event.number]
                if subscription.quiet or kind not in subscription.change_types:
                    continue
                if subscription.folder in ("", folder):
                    self._send(subscription, kind, self._notification(subscription, kind, event))

    def lifecycle(self, subscription: Subscription, event: str) -> None:
        """Tell of the subscription itself; what is removed is removed."""
        if event not in LIFECYCLE:
            raise ValueError(f"no such lifecycle event: {event}")
        if event == "subscriptionRemoved":
            self.known.pop(subscription.id, None)
        subscription.quiet = event == "reauthorizationRequired"
        if subscription.lifecycle_url:
            self._send(subscription, event, self._envelope(subscription) | {"lifecycleEvent": event})

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

    def adopt(self, running: "Notifier") -> None:
        """Take over the server that another one was started with."""
        self._loop, self._session, self._tasks = running._loop, running._session, running._tasks

    def _checked(self, wanted: Json, app: str, creator: "Account | None", immutable: bool) -> Subscription:
        for name in ("changeType", "notificationUrl", "resource", "expirationDateTime"):
            if not isinstance(wanted.get(name), str) or not wanted[name]:
                raise errors.bad_request(f"Property '{name}' is required.", "ValidationError")
        changes = tuple(part.strip() for part in wanted["changeType"].lower().split(","))
        if set(changes) - CHANGE_TYPES:
            raise errors.bad_request("Invalid 'changeType' attribute.", "ValidationError")
        state = str(wanted.get("clientState") or "")
        if len(state) > 128:
            raise errors.bad_request("'clientState' exceeds maximum length of 128.", "ValidationError")
        address, folder = self._target(wanted["resource"], creator)
        for name in ("notificationUrl", "lifecycleNotificationUrl"):
            _check_url(wanted.get(name) or "", name)
        return Subscription(
            id=str(uuid4()),
            app=app,
            creator=creator.oid if creator else app,
            address=address,
            folder=folder,
            resource=wanted["resource"],
            change_types=changes,
            notification_url=wanted["notificationUrl"],
            lifecycle_url=wanted.get("lifecycleNotificationUrl") or "",
            client_state=state,
            expires=self._expiry(wanted),
            immutable=immutable,
        )

    def _target(self, resource: str, creator: "Account | None") -> tuple[str, str]:
        """Whose mailbox and which folder a resource names."""
        parts = resource.replace("('", "/").replace("')", "").strip("/").split("/")
        if parts[0].lower() == "me" and creator:
            address, rest = creator.address, parts[1:]
        elif parts[0].lower() == "users" and len(parts) > 1:
            account = self.sandbox.account_called(parts[1])
            if account is None:
                raise errors.no_user(parts[1])
            address, rest = account.address, parts[2:]
        else:
            raise errors.bad_request(f"Resource '{resource}' is not supported.", "ValidationError")
        if [part.lower() for part in rest] == ["messages"]:
            return address, ""
        if len(rest) == 3 and (rest[0].lower(), rest[2].lower()) == ("mailfolders", "messages"):
            try:
                return address, self.sandbox.mailbox(address).folder_named(rest[1])
            except KeyError:
                raise errors.not_found() from None
        raise errors.bad_request(f"Resource '{resource}' is not supported.", "ValidationError")

    def _expiry(self, wanted: Json) -> float:
        expires, now = moment(str(wanted.get("expirationDateTime", ""))), self.sandbox.clock.now()
        if expires <= now:
            raise errors.bad_request("Subscription expiration can only be in the future.", "ValidationError")
        if expires > now + LONGEST_MINUTES * 60:
            message = f"Subscription expiration can only be {LONGEST_MINUTES} minutes in the future."
            raise errors.bad_request(message, "ValidationError")
        return expires

    async def _validate(self, url: str) -> None:
        """The handshake: the token must come back as text/plain with 200, in 10 seconds."""
        if self._session is None:
            return
        token = f"Validation: Testing client application reachability for subscription Request-Id: {uuid4()}"
        joint = "&" if "?" in url else "?"
        try:
            timeout = aiohttp.ClientTimeout(total=10)
            target = f"{url}{joint}{urlencode({'validationToken': token})}"
            headers = {"Content-Type": "text/plain; charset=utf-8"}
            async with self._session.post(target, headers=headers, timeout=timeout) as answer:
                body = await answer.text()
                plain = answer.content_type == "text/plain"
                good = answer.status == 200 and plain and body == token
                said = f"{answer.status} {answer.content_type}"
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            good, said = False, type(error).__name__
        if not good:
            raise errors.bad_request(f"Subscription validation request failed. {said}", "ValidationError")

    def _envelope(self, subscription: Subscription) -> Json:
        account = self.sandbox.accounts.get(subscription.address)
        return {
            "subscriptionId": subscription.id,
            "subscriptionExpirationDateTime": stamp(subscription.expires),
            "clientState": subscription.client_state or None,
            "tenantId": account.tid if account else "",
        }

    def _notification(self, subscription: Subscription, kind: str, event: Event) -> Json:
        account = self.sandbox.accounts[subscription.address]
        item_id = event.item.immutable_id if subscription.immutable else event.id
        return self._envelope(subscription) | {
            "changeType": kind,
            "resource": f"Users/{account.oid}/Messages/{item_id}",
            "resourceData": {
                "@odata.type": "#Microsoft.Graph.Message",
                "@odata.id": f"Users/{account.oid}/Messages/{item_id}",
                "@odata.etag": f'W/"{event.number}"',
                "id": item_id,
            },
        }

    def _send(self, subscription: Subscription, kind: str, notification: Json) -> None:
        delivery = Delivery(subscription.id, kind)
        self.log.append(delivery)
        is_lifecycle = kind in LIFECYCLE
        url = subscription.lifecycle_url if is_lifecycle else subscription.notification_url
        if self.sandbox.faults.take("push", user=subscription.address, kinds=("lose_push",)):
            delivery.outcome = "lost"
            return
        times = 1 + len(
            self.sandbox.faults.take("push", user=subscription.address, kinds=("duplicate_push",))
        )
        for _ in range(times):
            self._spawn(lambda: self._deliver(delivery, url, {"value": [notification]}))

    async def _deliver(self, delivery: Delivery, url: str, body: Json) -> None:
        settings = self.sandbox.settings
        pause = settings.notification_backoff
        for _ in range(settings.notification_attempts):
            delivery.attempts += 1
            delivery.status = await self._post(url, body)
            if 200 <= delivery.status < 300:
                delivery.outcome = "acknowledged"
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, 60.0)
        delivery.outcome = "given up"

    async def _post(self, url: str, body: Json) -> int:
        if self._session is None:
            return 0
        try:
            timeout = aiohttp.ClientTimeout(total=3)
            async with self._session.post(url, json=body, timeout=timeout) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return 0

    def _spawn(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run in the server's loop, from whatever thread the change came."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._begin, work)

    def _begin(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        task = asyncio.ensure_future(work())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _check_url(url: str, name: str) -> None:
    parts = urlsplit(url)
    if url and parts.scheme != "https" and parts.hostname not in _LOCAL:
        raise errors.bad_request(f"The {name} must use https.", "ValidationError")
