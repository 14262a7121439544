"""What is chosen for a webhook: where it goes and what it tells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from postroom.config import Config
from postroom.destinations.base import Event

LONGEST_URL = 2000


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """``Destination.settings`` of a webhook."""

    url: str = ""
    events: tuple[Event, ...] = tuple(Event)
    body: bool = True
    attachments: bool = True
    """Whether attachments are named."""


def from_data(data: Mapping[str, object]) -> WebhookSettings:
    """The settings as stored; what is not known is left out."""
    events = data.get("events")
    chosen = cast("Sequence[object]", events) if isinstance(events, list | tuple) else list(Event)
    return WebhookSettings(
        url=str(data.get("url", "")),
        events=tuple(event for event in Event if event in chosen),
        body=bool(data.get("body", True)),
        attachments=bool(data.get("attachments", True)),
    )


def to_data(settings: WebhookSettings) -> dict[str, object]:
    return {
        "url": settings.url,
        "events": [event.value for event in settings.events],
        "body": settings.body,
        "attachments": settings.attachments,
    }


def problems(settings: WebhookSettings, config: Config) -> dict[str, str]:
    """What is wrong with them, a sentence by field name."""
    found: dict[str, str] = {}
    if problem := url_problem(settings.url, config):
        found["url"] = problem
    if not settings.events:
        found["events"] = "Choose at least one event."
    return found


def url_problem(url: str, config: Config) -> str:
    """Why this URL cannot be called, or ""; which address it leads to is looked at when it is."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "This is no URL; one looks like https://example.com/webhooks."
    if parts.scheme not in {"http", "https"} or not host or len(url) > LONGEST_URL or not url.isprintable():
        return "This is no URL; one looks like https://example.com/webhooks."
    if parts.username or parts.password:
        return "Leave user name and password out of the URL: each request is signed instead."
    if parts.scheme == "http" and not config.webhook_allow.names(host):
        return "The URL must begin with https://, for mail of customers goes there."
    return ""
