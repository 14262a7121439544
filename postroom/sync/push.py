"""Push intake: what Cloud Pub/Sub delivers when a Gmail mailbox changed.

Sources: "Push notifications" of the Gmail guides; "Authentication for push subscriptions" of Pub/Sub. The
token is verified before the body is read. A push is only a hint to look, so a replayed one is harmless.
"""

import binascii
import logging
from base64 import urlsafe_b64decode
from functools import cache

import jwt
import orjson
from django.conf import settings

from postroom.connector.models import Mailbox, Provider
from postroom.errors import Misconfigured, PostroomError
from postroom.mail.addresses import make_address
from postroom.sync.jobs import sync_soon
from postroom.sync.sources import endpoints

log = logging.getLogger(__name__)


class PushRefused(PostroomError):
    """This push does not come from Google's Pub/Sub."""


class PushMalformed(PostroomError):
    """This push is not in the shape of a Gmail notification."""


def verify(authorization: str) -> None:
    """Check the bearer token of a push. Raises ``PushRefused``, or ``Misconfigured``."""
    config = settings.POSTROOM
    if not config.google_push_service_account:
        raise Misconfigured("Set POSTROOM_GOOGLE_PUSH_SERVICE_ACCOUNT to accept pushes.")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise PushRefused("The push carries no bearer token.")
    try:
        claims = jwt.decode(
            token,
            _keys().get_signing_key_from_jwt(token),
            algorithms=["RS256"],
            audience=config.google_push_audience,
            issuer=endpoints().issuers,
            leeway=60,
            options={"require": ["exp", "iat", "iss", "aud", "email"]},
        )
    except jwt.PyJWTError as error:
        raise PushRefused(f"The push's token is not valid: {error}") from error
    if claims["email"] != config.google_push_service_account or claims.get("email_verified") is not True:
        raise PushRefused("The push is signed by another service account.")


def accept(body: bytes) -> int:
    """Queue a pass over the mailboxes of the notification; returns how many there are.

    Raises ``PushMalformed``. A mailbox unknown here, or paused, is no error: Google pushes a while on.
    """
    address = _address(body)
    mailboxes = Mailbox.objects.syncing().filter(provider=Provider.GMAIL, address_key=address)
    for mailbox in mailboxes:
        sync_soon(mailbox)
    return len(mailboxes)


def _address(body: bytes) -> str:
    try:
        data = orjson.loads(body)["message"]["data"]
        notification = orjson.loads(urlsafe_b64decode(data.replace("+", "-").replace("/", "_")))
        address = make_address(notification["emailAddress"])
    except (orjson.JSONDecodeError, binascii.Error, KeyError, TypeError, AttributeError, ValueError) as error:
        raise PushMalformed from error
    if address is None:
        raise PushMalformed
    return address.key


@cache
def _keys() -> jwt.PyJWKClient:
    """Google's keys, fetched again when an unknown one turns up."""
    return jwt.PyJWKClient(endpoints().certs, cache_keys=True, lifespan=3600, timeout=5)
