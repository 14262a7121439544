"""One sandbox: its tenants, people, applications, mailboxes and mishaps, and the Python API to steer it.

Every method may be called from any thread, with or without a server running. The HTTP control API and the
demo's pages only call what is here.
"""

import random
import re
import secrets
import threading
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar
from uuid import UUID

from aiohttp import web

from ..clock import Clock
from ..faults import Faults
from ..google.keys import SigningKeys
from ..google.mail import MailStore
from ..server import StandIn
from . import control, pages, signin, wire
from .accounts import PERSONAL_TENANT, Account, App, tenant_of
from .mailbox import Item, Mailbox
from .mime import Attached, parse
from .oauth import DEFAULT_SCOPES, Tokens, TokenStore
from .quota import Ledger, Limits
from .subscriptions import Notifier

WELL_KNOWN = ("5a1c2f0e-7c1d-4b6e-9a55-0d6f5e1a9b10", "sandbox~secret")
"""Id and secret of the application when none are given."""


@dataclass(slots=True)
class Settings:
    """What can be turned while the sandbox runs."""

    issuer: str = "https://login.microsoftonline.com"
    """The issuer of id tokens is this, the tenant and ``/v2.0``; "origin" for the sandbox's own address."""
    latency: float = 0.0
    """Seconds before each Graph answer."""
    plain_stays_text: bool = False
    """A mail of plain text has a body of contentType ``text``, as is seen; as documented, it is HTML."""
    headers_name_people: bool = True
    """Whether internetMessageHeaders hold From, To and their like; public reports miss them at times."""
    attachment_overhead: int = 0
    """Bytes that ``size`` of an attachment counts beyond its content, as Exchange does."""
    resync_code: str = "SyncStateNotFound"
    """Or ``resyncRequired``."""
    delta_generations: int = 0
    """How many generations of a sync state are remembered; 0 for all."""
    filtered_delta_most: int = 5_000
    """Messages that one round with a ``$filter`` tells; what is beyond is never told."""
    access_seconds: int = 3_599
    refresh_seconds: float = 90 * 86_400.0
    """A refresh token that is not used for so long ends (AADSTS700082)."""
    rotate_refresh_tokens: bool = True
    notification_backoff: float = 0.1
    """Seconds before a notification is sent again; doubles."""
    notification_attempts: int = 8
    gzip: bool = True


@dataclass
class MicrosoftSandbox(StandIn):
    """A Microsoft of one's own. ``seed`` makes ids and chances repeatable; secrets are always random."""

    name: ClassVar[str] = "microsoft"
    settings: Settings = field(default_factory=Settings)
    seed: int = 1

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self.keys = SigningKeys()
        self.clock = Clock()
        self.seal = secrets.token_bytes(16)
        """Keeps delta tokens from being forged."""
        self.received = 0
        self._start_empty()

    def reset(self) -> None:
        """Forget everything but settings and signing keys."""
        with self.lock:
            running = self.notifier
            self.clock.offset = 0.0
            self._start_empty()
            self.notifier.adopt(running)

    # People and applications

    def add_account(
        self,
        address: str,
        name: str = "",
        *,
        tenant: str = "",
        personal: bool = False,
        upn: str = "",
        aliases: Sequence[str] = (),
        legacy_dn: str = "",
        licensed: bool = True,
        admin: bool = False,
    ) -> Account:
        """A person with an empty mailbox, of the tenant that owns the address's domain unless told otherwise.

        Someone who is here already stays as they are.
        """
        address = address.lower()
        tid = PERSONAL_TENANT if personal else tenant or tenant_of(address.rpartition("@")[2])
        with self.lock:
            account = self.accounts.get(address) or Account(
                address=address,
                name=name or address.partition("@")[0].replace(".", " ").title(),
                oid=str(UUID(int=self.random.getrandbits(128), version=4)),
                tid=tid,
                upn=upn or address,
                aliases=tuple(alias.lower() for alias in aliases),
                legacy_dn=legacy_dn,
                licensed=licensed,
                admin=admin,
            )
            self.accounts[address] = account
            self.mailboxes.setdefault(address, Mailbox(address, self.clock, self.random))
            return account

    def remove_account(self, address: str) -> None:
        """Delete the account: its mail is gone, its tokens die. Raises KeyError."""
        with self.lock:
            account = self.accounts.pop(self.owner(address))
            del self.mailboxes[account.address]
            account.trouble = 50034
            self.tokens.expire_access(account.oid)

    def add_app(
        self,
        client_id: str = WELL_KNOWN[0],
        client_secret: str = WELL_KNOWN[1],
        redirect_uris: Iterable[str] = (),
        **options: object,
    ) -> App:
        """Register a web application; see ``App`` for the options."""
        app = App(client_id, client_secret, tuple(redirect_uris), **options)  # type: ignore[arg-type]
        with self.lock:
            self.apps[client_id] = app
        return app

    def mailbox(self, address: str) -> Mailbox:
        """Raises KeyError where nobody has that address."""
        return self.mailboxes[self.owner(address)]

    def owner(self, address: str) -> str:
        """The primary address behind an address or alias. Raises KeyError."""
        account = self.find_account(address)
        if account is None:
            raise KeyError(address)
        return account.address

    def find_account(self, address: str) -> Account | None:
        wanted = address.lower()
        if wanted in self.accounts:
            return self.accounts[wanted]
        return next((each for each in self.accounts.values() if wanted in each.aliases), None)

    def account_called(self, name: str) -> Account | None:
        """By object id, sign-in name or address."""
        return next((each for each in self.accounts.values() if each.is_called(name)), None)

    # Mail comes, goes and moves

    def deliver(
        self,
        address: str,
        raw: bytes,
        folder: str = "inbox",
        received: float | None = None,
        links: Iterable[tuple[str, str]] = (),
    ) -> Item:
        """A mail arrives. ``received`` in seconds, now by default; ``links``: name and URL of files in the
        cloud. Raises KeyError for an unknown address or folder.
        """
        with self.changing(address) as mailbox:
            attached = [Attached("reference", name, "", url.encode()) for name, url in links]
            return mailbox.add(
                self.store.take(raw), folder, received, links=attached, from_outside=folder != "drafts"
            )

    def send(self, address: str, raw: bytes, received: float | None = None) -> Item:
        """The rep sends a mail: Sent Items here, and the inbox of every recipient who has an account.

        Bcc stays in the sender's copy only. The sender's copy was never transported: it has no headers.
        """
        sender = self.owner(address)
        with self.changing(sender) as mailbox:
            sent = mailbox.add(self.store.take(raw), "sentitems", received, from_outside=False)
        copy = _without_bcc(raw)
        for recipient in self._recipients(sent):
            self.deliver(recipient, copy, received=received)
        return sent

    def move(self, address: str, id: str, folder: str) -> Item:
        """Raises KeyError."""
        with self.changing(address) as mailbox:
            return mailbox.move(id, folder)

    def mark_read(self, address: str, id: str, *, read: bool = True) -> Item:
        with self.changing(address) as mailbox:
            return mailbox.mark_read(id, read=read)

    def delete(self, address: str, id: str) -> None:
        """Delete for good."""
        with self.changing(address) as mailbox:
            mailbox.delete(id)

    def load(self, address: str, folder: Path, into: str = "inbox") -> int:
        """Deliver every ``.eml`` below a folder of the disk, by name; how many. Raises ValueError."""
        if not Path(folder).is_dir():
            raise ValueError(f"no such folder: {folder}")
        files = sorted(Path(folder).rglob("*.eml"))
        for file in files:
            self.deliver(address, file.read_bytes(), into)
        return len(files)

    @contextmanager
    def changing(self, address: str) -> Iterator[Mailbox]:
        """A mailbox to change; subscriptions learn of what changed once the block ends."""
        with self.lock:
            mailbox = self.mailbox(address)
            before = mailbox.happened
            try:
                yield mailbox
            finally:
                self._announce(mailbox, before)

    # Authorisation

    def issue_tokens(
        self, address: str, scopes: Iterable[str] = DEFAULT_SCOPES, client_id: str = ""
    ) -> Tokens:
        """Tokens as after consent, without a browser. With no ``client_id``, the first app registered."""
        with self.lock:
            app = self.apps[client_id] if client_id else next(iter(self.apps.values()))
            account = self.accounts[self.owner(address)]
            app.consents[account.oid] = app.consents.get(account.oid, frozenset()) | frozenset(scopes)
            return self.tokens.issue(account, app, frozenset(scopes))

    def revoke(self, address: str) -> None:
        """The person, or an administrator, takes the consent back (AADSTS65001 at the next refresh)."""
        with self.lock:
            account = self.accounts[self.owner(address)]
            for app in self.apps.values():
                app.consents.pop(account.oid, None)
                app.admin_consents.discard(account.tid)

    def change_password(self, address: str) -> None:
        """Refresh tokens end (AADSTS50173); who understands claims challenges is challenged at once."""
        self.trouble(address, 50173)

    def require_mfa(self, address: str) -> None:
        """A policy now wants a second factor (AADSTS50076)."""
        self.trouble(address, 50076)

    def trouble(self, address: str, code: int) -> None:
        """Answer the person's refreshes with an AADSTS code; 0 ends it."""
        with self.lock:
            self.accounts[self.owner(address)].trouble = code

    def challenge(self, address: str) -> None:
        """Continuous access evaluation: Graph challenges the access tokens that are out there."""
        with self.lock:
            self.accounts[self.owner(address)].blocked_before = self.clock.now()

    def expire_access(self, address: str) -> None:
        """Access tokens run out now; refresh tokens stay good."""
        with self.lock:
            self.tokens.expire_access(self.accounts[self.owner(address)].oid)

    # Mishaps, limits, notifications

    def expire_delta(self, address: str) -> None:
        """Every delta token given out so far is forgotten (410)."""
        with self.lock:
            self.mailbox(address).epoch += 1

    def lifecycle(self, address: str, event: str) -> int:
        """Send a lifecycle notification for a mailbox's subscriptions; how many there are."""
        with self.lock:
            live = self.notifier.live(self.owner(address))
            for subscription in live:
                self.notifier.lifecycle(subscription, event)
            return len(live)

    def limit(self, *, enforced: bool = True, **options: object) -> Limits:
        """Enforce the documented limits, or others; see ``Limits``."""
        with self.lock:
            self.ledger.limits = Limits(enforced=enforced, **options)  # type: ignore[arg-type]
            return self.ledger.limits

    # Serving

    def routes(self) -> list[web.RouteDef]:
        """Every path of it."""
        rooms = (control, pages, wire, signin)
        return [route for room in rooms for route in room.routes(self)]

    @asynccontextmanager
    async def beside(self) -> AsyncIterator[None]:
        """Notifications go out while the server runs."""
        await self.notifier.start()
        try:
            yield
        finally:
            await self.notifier.stop()

    def wait_for_notifications(self) -> None:
        """Block until no notification is under way; not to be called in the server's own loop."""
        self.notifier.wait()

    def _start_empty(self) -> None:
        self.random = random.Random(self.seed)
        self.accounts: dict[str, Account] = {}
        self.apps: dict[str, App] = {}
        self.mailboxes: dict[str, Mailbox] = {}
        self.store = MailStore()
        self.ledger = Ledger(self.clock)
        self.faults = Faults(self.random)
        self.tokens = TokenStore(self)
        self.notifier = Notifier(self)

    def _announce(self, mailbox: Mailbox, before: int) -> None:
        found = [
            (event, folder)
            for folder, events in mailbox.events.items()
            for event in events[-64:]
            if event.number > before
        ]
        if found:
            found.sort(key=lambda pair: pair[0].number)
            folders = {event.number: folder for event, folder in found}
            self.notifier.changed(mailbox, [event for event, _ in found], folders)

    def _recipients(self, item: Item) -> list[str]:
        parsed = parse(item.mail)
        addresses = (address for field in ("to", "cc", "bcc") for _, address in parsed.people(field))
        accounts = filter(None, map(self.find_account, addresses))
        return list(dict.fromkeys(account.address for account in accounts))


def _without_bcc(raw: bytes) -> bytes:
    """The mail without its Bcc field, folded lines included."""
    head, mark, body = raw.partition(b"\r\n\r\n" if b"\r\n\r\n" in raw else b"\n\n")
    return re.sub(rb"(?im)^bcc:[^\n]*\n(?:[ \t][^\n]*\n)*", b"", head + b"\n").rstrip(b"\r\n") + mark + body
