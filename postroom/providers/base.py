"""The port that every mail provider fills, and the values that pass through it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import aiohttp

from postroom.config import Config
from postroom.errors import PostroomError
from postroom.mail.message import Attachment, Direction, Message

Cursor = dict[str, object]
"""How far a sync has come, in the provider's own terms; JSON, stored as it is."""


@dataclass(frozen=True, slots=True)
class Change:
    """A mail that came into Inbox or Sent."""

    id: str
    direction: Direction
    message: Message | None = None
    """The mail itself, where the provider sends it with the change."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some changes, and the cursor that stands right behind them."""

    changes: tuple[Change, ...]
    cursor: Cursor
    more: bool
    """Whether another page follows at once."""
    importing: bool = False
    """Whether this page lists old mail rather than following what is new."""
    estimate: int | None = None
    """How many mails the listing holds in all, where the provider tells."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Push notifications for a mailbox, until they expire."""

    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Client:
    """The OAuth client registered at the provider."""

    id: str
    secret: str
    tenant: str = ""
    """The organisation that it is limited to, where the provider has such a thing; "" for any."""


@dataclass(frozen=True, slots=True)
class Delegation:
    """What an organisation gave Postroom, so that it opens mailboxes with nobody signed in."""

    client: Client | None = None
    """The OAuth client, where the permission is the client's own."""
    key: str = field(default="", repr=False)
    """The key file of a service account, where the provider has such accounts; JSON text."""


@dataclass(frozen=True, slots=True)
class Delegate:
    """Whom an administrator of the organisation has let in: what may be shown of a ``Delegation``."""

    name: str
    id: str
    """By which the organisation's own console names it."""


@dataclass(frozen=True, slots=True)
class TokenSet:
    """What the token endpoint gave."""

    access_token: str
    expires_at: datetime
    refresh_token: str = ""
    """"" where the provider keeps the one given before."""
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Consent:
    """A rep's completed consent: whose mailbox, and the tokens for it."""

    address: str
    tokens: TokenSet


class OAuth(Protocol):
    """The provider's OAuth 2.0 endpoints, as one client uses them."""

    def authorization_url(self, *, redirect_uri: str, state: str, verifier: str, hint: str = "") -> str:
        """Where to send the rep; ``verifier`` is the PKCE secret (RFC 7636) kept for ``exchange``."""
        ...

    async def exchange(self, *, code: str, redirect_uri: str, verifier: str) -> Consent:
        """Redeem the code. Raises ``AccountRefused`` for an account that may not be connected."""
        ...

    async def refresh(self, refresh_token: str) -> TokenSet:
        """A new access token. Raises ``AuthorizationLost``."""
        ...

    async def revoke(self, token: str) -> None:
        """Tell the provider to forget the grant; one it has forgotten already is no error.

        Raises ``NotRevocable``, whose sentence says what the person can do.
        """
        ...

    def admin_consent_url(self, *, redirect_uri: str, state: str) -> str:
        """Where an administrator approves Postroom for all users; "" where there is no such page."""
        ...


class Tokens(Protocol):
    """Where a provider gets the mailbox's access token from."""

    async def access_token(self, rejected: str = "") -> str:
        """A token that is not ``rejected``, refreshed where needed.

        Raises ``AuthorizationLost`` where the grant is gone.
        """
        ...


class MailSource(Protocol):
    """One mailbox at a provider.

    Every method raises of ``ProviderError`` only: ``AuthorizationLost``, ``Throttled``, ``Unavailable``,
    and where it says so ``CursorExpired`` and ``MessageGone``; or ``Misconfigured``, where the fault is in
    the deployment's own set-up. Passing faults have been retried before.
    """

    concurrency: int
    """How many calls of ``message`` and ``content`` may run at a time."""

    async def address(self) -> str:
        """The mailbox's own address."""
        ...

    async def aliases(self) -> tuple[str, ...]:
        """Other addresses that the rep is known to send as."""
        ...

    async def start(self, since: datetime | None = None) -> Cursor:
        """A cursor at this moment; with ``since``, one that first lists the mail from then on.

        Mail up to a second older than ``since`` may be listed, too: none may be missed.
        """
        ...

    async def changes(self, cursor: Cursor) -> Page:
        """The page that follows ``cursor``. Raises ``CursorExpired``."""
        ...

    async def message(self, change: Change) -> Message:
        """The mail, with its text and without its attachments' bytes.

        Raises ``MessageGone`` for one deleted, or moved to spam, trash or drafts, in the meantime (one
        archived since was in the Inbox, and stays); ``MessageError`` for one that cannot be read.
        """
        ...

    def content(self, message: Message, attachment: Attachment) -> AsyncIterator[bytes]:
        """An attachment's bytes in pieces. Raises ``MessageGone``."""
        ...

    async def watch(self) -> Watch | None:
        """Ask for push notifications; None where the deployment has no push set up."""
        ...

    async def unwatch(self) -> None:
        """Stop push notifications."""
        ...


@dataclass(frozen=True, slots=True)
class Opening:
    """What a provider needs to open one mailbox."""

    key: str
    """The mailbox's key in this deployment: by it limits are kept, and its pushes find their way."""
    tokens: Tokens
    session: aiohttp.ClientSession
    config: Config
    push_secret: bytes
    """From which the provider makes the secret that its pushes must carry."""
    user: str = ""
    """Whose mailbox it is, by address, where the organisation opens it; "" for that of who consented."""


class MailProvider(Protocol):
    """A provider as a whole: who it is, and how its parts are made."""

    company: str
    """Whom a rep deals with at the consent: "Google", "Microsoft"."""
    callback: str
    """Path of the redirect URI, such as ``oauth/google/callback/``."""
    variables: str
    """How the names of its environment variables begin."""
    permissions_page: str
    """Where a person takes a permission back by hand."""
    has_tenants: bool
    """Whether a client may be limited to one organisation by its id, whose administrator consents for all."""
    has_service_accounts: bool
    """Whether an organisation lets Postroom in by a service account's key, rather than by the client."""

    def client(self, config: Config) -> Client | None:
        """The OAuth client that the operator set, where there is one."""
        ...

    def oauth(self, client: Client, session: aiohttp.ClientSession, config: Config) -> OAuth: ...

    def source(self, opening: Opening) -> MailSource: ...

    def delegate(self, delegation: Delegation) -> Delegate:
        """Who is let in by it. Raises ``Misconfigured``, whose sentence says what is wrong with it."""
        ...

    def tokens_for(
        self, user: str, delegation: Delegation, session: aiohttp.ClientSession, config: Config
    ) -> Tokens:
        """Tokens for the mailbox of ``user`` (an address) by what the organisation gave.

        Held in this process's memory until they end. Getting one raises ``AuthorizationLost`` where the
        organisation does not, or no longer, let Postroom into that mailbox. Raises ``Misconfigured``.
        """
        ...

    def pushes(self, config: Config) -> bool:
        """Whether push is set up, so that a watch is worth asking for."""
        ...

    def explain(self, error: str, description: str) -> PostroomError:
        """What it means that a rep comes back from the consent with ``error`` in place of a code."""
        ...

    async def check(self, client: Client, session: aiohttp.ClientSession, config: Config) -> None:
        """Ask the token endpoint whether it knows the client.

        Raises ``Misconfigured`` where it does not, ``ProviderError`` where it cannot be asked.
        """
        ...
