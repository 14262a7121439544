"""One sandbox: its people, applications, mailboxes and mishaps, and the Python API to steer it.

Every method may be called from any thread, with or without a server running. The HTTP control API and
the demo's pages only call what is here.
"""

import random
import threading
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from email.utils import getaddresses
from pathlib import Path
from typing import ClassVar

from aiohttp import web

from ..clock import Clock
from ..faults import Faults
from ..server import StandIn
from . import batch, control, gmail, pages, signin
from .accounts import Account, Client, ServiceAccount
from .delegation import new_key
from .keys import SigningKeys
from .mail import MailStore, Views
from .mailbox import ARRIVED, Change, Mailbox, StoredMessage
from .oauth import DEFAULT_SCOPES, Tokens, TokenStore
from .push import Push, Subscription
from .quota import Ledger, Policy

_WELL_KNOWN = ("sandbox.apps.googleusercontent.com", "GOCSPX-sandbox")
"""Id and secret of the application when none are given."""
_SENT = ("SENT",)


@dataclass(slots=True)
class Settings:
    """What can be turned while the sandbox runs."""

    issuer: str = "https://accounts.google.com"
    """``iss`` of id tokens and push tokens; "origin" for the sandbox's own address."""
    latency: float = 0.0
    """Seconds before each Gmail API answer."""
    changing_attachment_ids: bool = True
    """An attachment's id differs on every get, as at Google."""
    attachment_id_seconds: float | None = None
    """How long such an id stays good; None for ever."""
    inline_text_limit: int | None = None
    """Bytes above which even a text body comes as an attachment."""
    gzip: bool = True
    """Compress the answers of who asks for it, as Google does ("Performance tips")."""
    cache_bytes: int = 256 * 1024 * 1024
    """For encoded views of mails."""
    rotate_refresh_tokens: bool = False
    """A refresh answers with a new refresh token and ends the old one."""
    refresh_tokens_per_account: int = 100
    """Per account and client; above that the oldest dies silently, as documented."""


@dataclass
class GoogleSandbox(StandIn):
    """A Google of one's own. ``seed`` makes ids and chances repeatable; secrets are always random."""

    name: ClassVar[str] = "google"
    settings: Settings = field(default_factory=Settings)
    seed: int = 1

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self.keys = SigningKeys()
        self.received = 0
        self.clock = Clock()
        self._start_empty()

    def reset(self) -> None:
        """Forget everything but settings and signing keys."""
        with self.lock:
            running = self.push
            self.clock.offset = 0.0
            self._start_empty()
            self.push.adopt(running)

    # People and applications

    def add_account(
        self,
        address: str,
        name: str = "",
        *,
        hd: str | None = None,
        personal: bool = False,
        aliases: Sequence[str] = (),
        pending_aliases: Sequence[str] = (),
        blocked_by_admin: bool = False,
    ) -> Account:
        """A person with an empty mailbox; Workspace with the address's domain unless ``personal``.

        Someone who is here already stays as they are.
        """
        address = address.lower()
        domain = address.rpartition("@")[2]
        with self.lock:
            account = self.accounts.get(address) or Account(
                address=address,
                name=name or address.partition("@")[0].replace(".", " ").title(),
                sub="1" + "".join(self.random.choices("0123456789", k=20)),
                hd="" if personal else (hd or domain),
                aliases=tuple(alias.lower() for alias in aliases),
                pending_aliases=tuple(alias.lower() for alias in pending_aliases),
                blocked_by_admin=blocked_by_admin,
            )
            self.accounts[address] = account
            self.mailboxes.setdefault(address, Mailbox(address, self.clock, self.random))
            return account

    def remove_account(self, address: str) -> None:
        """Delete the Google account: its mail is gone, its tokens die. Raises KeyError."""
        with self.lock:
            del self.accounts[address.lower()]
            del self.mailboxes[address.lower()]
            self.tokens.revoke_account(address.lower())

    def add_client(
        self,
        client_id: str = _WELL_KNOWN[0],
        client_secret: str = _WELL_KNOWN[1],
        redirect_uris: Iterable[str] = (),
        **options: object,
    ) -> Client:
        """Register a web application. ``options``: name, project, internal_to, testing."""
        client = Client(client_id, client_secret, tuple(redirect_uris), **options)  # type: ignore[arg-type]
        with self.lock:
            self.clients[client_id] = client
        return client

    def add_service_account(self, email: str = "", project: str = "sandbox") -> ServiceAccount:
        """An account of a Cloud project, that no Workspace has let in yet."""
        email = email or f"postroom@{project}.iam.gserviceaccount.com"
        with self.lock:
            number = "1" + "".join(self.random.choices("0123456789", k=20))
            client = Client(number, "", (), name=email, project=project)
            self.service_accounts[email] = ServiceAccount(email, client)
            return self.service_accounts[email]

    def service_account_key(self, email: str, origin: str = "") -> dict[str, str]:
        """A new key, as its JSON file has it; ``token_uri`` at ``origin`` where given. Raises KeyError."""
        return new_key(self.service_accounts[email], origin)

    def delegate(self, domain: str, client_id: str, scopes: Iterable[str]) -> None:
        """A super administrator lets the client id act for the domain's people, in the admin console.

        Raises KeyError for an id of no service account.
        """
        account = next((each for each in self.service_accounts.values() if each.client_id == client_id), None)
        if account is None:
            raise KeyError(client_id)
        with self.lock:
            account.delegations[domain.lower()] = frozenset(scopes)

    def undelegate(self, domain: str) -> None:
        """Every service account is let in no more. Tokens that are out live on, an hour at the most."""
        with self.lock:
            for account in self.service_accounts.values():
                account.delegations.pop(domain.lower(), None)

    def suspend(self, address: str) -> None:
        """The Workspace administrator suspends a person: their grants end."""
        with self.lock:
            self.accounts[self.owner(address)].suspended = True
            self.tokens.revoke_account(self.owner(address))

    def mailbox(self, address: str) -> Mailbox:
        """Raises KeyError where nobody has that address."""
        return self.mailboxes[self.owner(address)]

    def owner(self, address: str) -> str:
        """The primary address behind an address or alias. Raises KeyError."""
        wanted = address.lower()
        if wanted in self.accounts:
            return wanted
        for account in self.accounts.values():
            if wanted in account.aliases:
                return account.address
        raise KeyError(address)

    # Mail comes, goes and moves

    def deliver(
        self,
        address: str,
        raw: bytes,
        labels: Iterable[str] = ARRIVED,
        internal_date: int | None = None,
        thread_id: str = "",
    ) -> StoredMessage:
        """A mail arrives. ``internal_date`` in milliseconds, now by default. Raises KeyError, ValueError."""
        with self.changing(address) as mailbox:
            return mailbox.add(self.store.take(raw), labels, internal_date, thread_id)

    def send(self, address: str, raw: bytes, internal_date: int | None = None) -> StoredMessage:
        """The rep sends a mail: SENT here, and the inbox of every recipient who has an account.

        Bcc stays in the sender's copy only, as Gmail does.
        """
        sender = self.owner(address)
        with self.changing(sender) as mailbox:
            sent = mailbox.add(self.store.take(raw), _SENT, internal_date)
        copy = _without_bcc(raw)
        for recipient in self._recipients(sent):
            if recipient == sender:
                with self.changing(sender) as mailbox:
                    mailbox.relabel(sent.id, add=ARRIVED)
            else:
                self.deliver(recipient, copy, internal_date=internal_date)
        return sent

    def modify(
        self, address: str, message_id: str, add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> StoredMessage:
        """Add and remove labels. Raises KeyError, ValueError."""
        with self.changing(address) as mailbox:
            return mailbox.relabel(message_id, add, remove)

    def trash(self, address: str, message_id: str) -> StoredMessage:
        with self.changing(address) as mailbox:
            return mailbox.trash(message_id)

    def untrash(self, address: str, message_id: str) -> StoredMessage:
        with self.changing(address) as mailbox:
            return mailbox.untrash(message_id)

    def spam(self, address: str, message_id: str) -> StoredMessage:
        with self.changing(address) as mailbox:
            return mailbox.spam(message_id)

    def archive(self, address: str, message_id: str) -> StoredMessage:
        with self.changing(address) as mailbox:
            return mailbox.archive(message_id)

    def to_inbox(self, address: str, message_id: str) -> StoredMessage:
        with self.changing(address) as mailbox:
            return mailbox.to_inbox(message_id)

    def delete(self, address: str, message_id: str) -> None:
        """Delete for good."""
        with self.changing(address) as mailbox:
            mailbox.delete(message_id)

    def load(self, address: str, folder: Path, labels: Iterable[str] = ARRIVED) -> int:
        """Deliver every ``.eml`` below a folder, by name; how many. Raises ValueError for no folder."""
        if not Path(folder).is_dir():
            raise ValueError(f"no such folder: {folder}")
        files = sorted(Path(folder).rglob("*.eml"))
        for file in files:
            self.deliver(address, file.read_bytes(), labels)
        return len(files)

    def warm(self, address: str) -> None:
        """Encode a mailbox's mails ahead, so that a benchmark's first get is as cheap as its second."""
        with self.lock:
            for message in self.mailbox(address).messages.values():
                self.views.full(message.mail)

    @contextmanager
    def changing(self, address: str) -> Iterator[Mailbox]:
        """A mailbox to change; watches learn of what changed once the block ends."""
        with self.lock:
            mailbox = self.mailbox(address)
            before = mailbox.history_id
            try:
                yield mailbox
            finally:
                self._announce(mailbox, mailbox.changes_after(before))

    # Authorisation

    def issue_tokens(
        self,
        address: str,
        scopes: Iterable[str] = DEFAULT_SCOPES,
        client_id: str = "",
    ) -> Tokens:
        """Tokens as after consent, without a browser. With no ``client_id``, the first client registered."""
        with self.lock:
            client = self.clients[client_id] if client_id else next(iter(self.clients.values()))
            account = self.accounts[self.owner(address)]
            return self.tokens.issue(account, client, frozenset(scopes), offline=True)

    def revoke(self, address: str) -> None:
        """The person removes the application's access in their Google account."""
        with self.lock:
            self.tokens.revoke_account(self.owner(address))
            for client in self.clients.values():
                client.consents.pop(self.owner(address), None)

    def change_password(self, address: str) -> None:
        """Ends the grants that hold Gmail scopes, as documented."""
        with self.lock:
            self.tokens.revoke_account(self.owner(address), only_mail=True)

    # Mishaps, quotas, push

    def expire_history(self, address: str, below: int | None = None) -> None:
        """Let ``history.list`` answer 404 for starting points below an id (default: all up to now)."""
        with self.lock:
            self.mailbox(address).expire_history(below)

    def subscribe(self, endpoint: str, **options: object) -> Subscription:
        """Send notifications to ``endpoint``; see ``Subscription`` for the options."""
        with self.lock:
            self.push.subscription = Subscription(endpoint, **options)  # type: ignore[arg-type]
            return self.push.subscription

    def limit(self, table: str = "2026", **options: object) -> Policy:
        """Enforce a quota table, "2026" or "legacy"; "off" only counts. See ``Policy`` for options."""
        off = table == "off"
        policy = Policy(table="2026" if off else table, enforced=not off, **options)  # type: ignore[arg-type]
        with self.lock:
            self.ledger.policy = policy
        return policy

    # Serving

    def routes(self) -> list[web.RouteDef]:
        """Every path of it."""
        rooms = (gmail, batch, signin, control, pages)
        return [route for room in rooms for route in room.routes(self)]

    @asynccontextmanager
    async def beside(self) -> AsyncIterator[None]:
        """Notifications go out while the server runs."""
        await self.push.start()
        try:
            yield
        finally:
            await self.push.stop()

    def wait_for_pushes(self) -> None:
        """Block until no notification is under way; not to be called in the server's own loop."""
        self.push.wait()

    def _start_empty(self) -> None:
        self.random = random.Random(self.seed)
        self.accounts: dict[str, Account] = {}
        self.clients: dict[str, Client] = {}
        self.service_accounts: dict[str, ServiceAccount] = {}
        self.mailboxes: dict[str, Mailbox] = {}
        self.store = MailStore()
        self.views = Views(self.settings.cache_bytes, self.settings.inline_text_limit)
        self.ledger = Ledger(self.clock)
        self.faults = Faults(self.random)
        self.tokens = TokenStore(self.clock, self.keys, self.settings)
        self.push = Push(self.clock, self.keys, self.faults, self.random)

    def _announce(self, mailbox: Mailbox, changes: list[Change]) -> None:
        if changes:
            self.push.changed(mailbox.address, changes)

    def _recipients(self, message: StoredMessage) -> list[str]:
        addresses = (address for _, address in getaddresses([message.mail.envelope.to]))
        return list(dict.fromkeys(filter(None, map(self._owner_or_none, addresses))))

    def _owner_or_none(self, address: str) -> str | None:
        try:
            return self.owner(address)
        except KeyError:
            return None


def _without_bcc(raw: bytes) -> bytes:
    """The mail without its Bcc field, folded lines included."""
    separator = b"\r\n\r\n" if b"\r\n\r\n" in raw else b"\n\n"
    head, mark, body = raw.partition(separator)
    lines: list[bytes] = []
    dropping = False
    for line in head.splitlines(keepends=True):
        dropping = line[:4].lower() == b"bcc:" or (dropping and line[:1] in b" \t")
        if not dropping:
            lines.append(line)
    kept = b"".join(lines)
    return (kept if head.endswith((b"\r", b"\n")) else kept.rstrip(b"\r\n")) + mark + body
