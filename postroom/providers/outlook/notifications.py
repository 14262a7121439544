"""Change notifications as Microsoft Graph posts them: what they say, and whether they are genuine.

Sources: "Receive change notifications through webhooks" (the validation handshake; clientState), "Reduce
missing change notifications and removed subscriptions" (lifecycle events), "changeNotification resource
type". A notification is only a hint to look, so a replayed one is harmless.
"""

import hmac
from dataclasses import dataclass
from hashlib import sha256

from postroom.providers.answers import Json, objects, read_json, text

MAX_BODY = 1024 * 1024
"""Bytes of one delivery that are worth reading."""
MISSED, REMOVED, REAUTHORIZE = "missed", "subscriptionRemoved", "reauthorizationRequired"
TO_BE_RENEWED = frozenset({REMOVED, REAUTHORIZE})
"""Lifecycle events after which ``watch`` must be called at once."""


@dataclass(frozen=True, slots=True)
class Push:
    """Where notifications of one mailbox go, and the secret by which they are known."""

    url: str
    """https, and reachable from the internet; best with the mailbox's key in it."""
    client_state: str
    lifecycle_url: str = ""
    """"" for the same."""


@dataclass(frozen=True, slots=True)
class Notification:
    """One of a delivery."""

    subscription: str
    client_state: str
    event: str
    """A change type such as ``created``, or a lifecycle event."""

    @property
    def needs_renewal(self) -> bool:
        return self.event in TO_BE_RENEWED

    def is_genuine(self, expected: str) -> bool:
        """Whether it carries the secret that the subscription was made with."""
        return bool(expected) and hmac.compare_digest(self.client_state.encode(), expected.encode())


def client_state(secret: bytes, mailbox: str) -> str:
    """The secret of one mailbox's subscriptions: 64 characters of the 128 that are allowed."""
    return hmac.new(secret, f"outlook:{mailbox}".encode(), sha256).hexdigest()


def read_notifications(body: bytes) -> tuple[Notification, ...]:
    """Raises ``ProviderError`` for a body that is no delivery."""
    return tuple(_notification(each) for each in objects(read_json(body), "value"))


def _notification(each: Json) -> Notification:
    state = each.get("clientState")
    return Notification(
        subscription=text(each, "subscriptionId", ""),
        client_state=state if isinstance(state, str) else "",
        event=text(each, "lifecycleEvent", "") or text(each, "changeType", ""),
    )
