"""Signatures and their secrets, by "Signature scheme" and "Webhook headers" of the Standard Webhooks spec."""

import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from postroom.errors import Misconfigured

PREFIX = "whsec_"
BYTES = 32
OVERLAP = timedelta(hours=24)
"""How long after a rotation the secret before signs as well."""

Secrets = Mapping[str, object]
"""``secret``; and after a rotation ``previous`` with ``previous_until``, an ISO time in UTC."""


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(BYTES)).decode()


def new_secrets() -> dict[str, object]:
    """Those of a new endpoint."""
    return {"secret": new_secret()}


def rotated(present: Secrets, now: datetime) -> dict[str, object]:
    """With a new secret; the one of now signs as well for ``OVERLAP``."""
    until = (now + OVERLAP).isoformat()
    return {"secret": new_secret(), "previous": present.get("secret", ""), "previous_until": until}


def headers(present: Secrets, key: str, body: bytes, now: datetime) -> dict[str, str]:
    """The three headers of a request. Raises ``Misconfigured`` where there is no secret to sign with."""
    timestamp = str(int(now.timestamp()))
    content = f"{key}.{timestamp}.".encode() + body
    signatures = [f"v1,{_signature(secret, content)}" for secret in _in_force(present, now)]
    return {
        "webhook-id": key,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }


def _in_force(present: Secrets, now: datetime) -> list[str]:
    found = [str(present.get("secret", ""))]
    until, previous = str(present.get("previous_until", "")), str(present.get("previous", ""))
    if previous and until and now < datetime.fromisoformat(until):
        found.append(previous)
    return found


def _signature(secret: str, content: bytes) -> str:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise Misconfigured("The webhook's secret cannot be read. Make a new one.") from error
    if not key:
        raise Misconfigured("The webhook has no secret to sign with. Make one.")
    return base64.b64encode(hmac.digest(key, content, "sha256")).decode()
