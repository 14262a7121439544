"""A consent under way: what the session keeps while the person is at the provider."""

import secrets
from dataclasses import asdict, dataclass
from enum import StrEnum
from urllib.parse import urljoin

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from postroom.connector.models import Provider

_KEY = "consent"


class Purpose(StrEnum):
    MAILBOX = "mailbox"
    """A rep connects a mailbox (R-060)."""
    ORGANISATION = "organisation"
    """An administrator approves Postroom for all users (R-020)."""


@dataclass(frozen=True, slots=True)
class Pending:
    provider: str
    purpose: str
    state: str
    verifier: str = ""
    """The PKCE secret, where a code is to come back."""


def keep(request: HttpRequest, pending: Pending) -> None:
    request.session[_KEY] = asdict(pending)


def take(request: HttpRequest, provider: Provider) -> Pending | None:
    """What was begun in this session with the ``state`` that came back; it counts once."""
    kept = request.session.pop(_KEY, None)
    sent = request.GET.get("state", "")
    if not kept or not secrets.compare_digest(kept["state"].encode(), sent.encode()):
        return None
    return Pending(**kept) if kept["provider"] == provider else None


def callback_url(provider: Provider) -> str:
    """The redirect URI, as it must be registered at the provider."""
    return urljoin(settings.POSTROOM.public_url, reverse(f"{provider.value}_callback"))
