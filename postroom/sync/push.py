"""Push intake: what Cloud Pub/Sub delivers for a Gmail mailbox that changed, and Graph for an Outlook one.

Sources: "Push notifications" of the Gmail guides; "Authentication for push subscriptions" of Pub/Sub;
"Receive change notifications through webhooks" of Microsoft Graph. A push is only a hint to look, so a
replayed one is harmless.
"""

import binascii
import logging
from base64 import urlsafe_b64decode
from functools import cache

import jwt
import orjson
from django.conf import settings

from postroom.connector.models import Mailbox, Provider
from postroom.errors import Misconfigured, PostroomError, ProviderError
from postroom.mail.addresses import make_address
from postroom.providers.gmail.endpoints import Endpoints
from postroom.providers.gmail.push_keys import PushKeys, fetch_from
from postroom.providers.outlook.notifications import client_state, read_notifications
from postroom.sync.jobs import sync_soon, watch_soon
from postroom.sync.sources import push_secrets

log = logging.getLogger(__name__)


class PushRefused(PostroomError):
    """This push does not come from the provider."""


class PushMalformed(PostroomError):
    """This push is not in the shape of a notification."""


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
            _key_of(token),
            algorithms=["RS256"],
            audience=config.google_push_audience,
            issuer=_google().issuers,
            leeway=60,
            options={"require": ["exp", "iat", "iss", "aud", "email"]},
        )
    except (jwt.PyJWTError, RecursionError) as error:
        raise PushRefused(f"The push's token is not valid ({type(error).__name__}).") from error
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


def accept_outlook(mailbox_id: int, body: bytes) -> None:
    """Queue a pass over the mailbox, and the renewal of its subscriptions where Graph asks for it.

    Raises ``PushMalformed``, and ``PushRefused`` where no notification carries the mailbox's secret. A
    mailbox unknown here, or paused, is no error: Graph posts a while on.
    """
    try:
        told = read_notifications(body)
    except ProviderError as error:
        raise PushMalformed from error
    states = [client_state(secret, str(mailbox_id)) for secret in push_secrets()]
    genuine = [one for one in told if any(one.is_genuine(state) for state in states)]
    if told and not genuine:
        raise PushRefused("The push does not carry the secret of its mailbox.")
    mailbox = Mailbox.objects.syncing().filter(provider=Provider.OUTLOOK, pk=mailbox_id).first()
    if mailbox is None or not genuine:
        return
    sync_soon(mailbox)
    if any(one.needs_renewal for one in genuine):
        watch_soon(mailbox)


def _google() -> Endpoints:
    return Endpoints.at(settings.POSTROOM.google_url)


def _address(body: bytes) -> str:
    try:
        data = orjson.loads(body)["message"]["data"]
        notification = orjson.loads(urlsafe_b64decode(data.replace("+", "-").replace("/", "_")))
        address = make_address(notification["emailAddress"])
    except (binascii.Error, LookupError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise PushMalformed from error
    if address is None:
        raise PushMalformed
    return address.key


def _key_of(token: str) -> jwt.PyJWK:
    key = _keys(_google().certs).find(str(jwt.get_unverified_header(token).get("kid", "")))
    if key is None:
        raise PushRefused("The push is signed by a key that Google is not known to have.")
    return key


@cache
def _keys(url: str) -> PushKeys:
    return PushKeys(fetch_from(url))
