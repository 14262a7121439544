"""One person's mailbox: folders, items, and what came into and went out of each folder.

Sources: "Outlook mail API overview" (well-known folder names), "Obtain immutable identifiers for Outlook
resources" (ids change on a move, immutable ones do not), "Use delta query to track changes". A move is
``created`` in one folder and ``deleted`` in the other.
"""

from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from ..clock import Clock
from ..google.mail import Mail
from .mime import Attached

FOLDERS = {
    "inbox": "Inbox",
    "sentitems": "Sent Items",
    "drafts": "Drafts",
    "junkemail": "Junk Email",
    "deleteditems": "Deleted Items",
    "archive": "Archive",
    "outbox": "Outbox",
    "msgfolderroot": "Top of Information Store",
}
"""Well-known name to display name."""

What = Literal["in", "out", "flag"]


@dataclass(slots=True, eq=False)
class Item:
    """One message of a mailbox."""

    immutable_id: str
    id: str
    """Changes when the item moves."""
    mail: Mail
    folder: str
    received: float
    """Seconds since the epoch."""
    created: float
    number: int
    """Counts arrivals in the mailbox."""
    conversation: str
    message_id: str
    """With angle brackets; Exchange gives one to a mail that has none."""
    is_draft: bool = False
    is_read: bool = False
    from_outside: bool = True
    """Whether it was transported, and so has internet headers."""
    modified: float = 0.0
    change: int = 1
    links: tuple[Attached, ...] = ()
    """Reference attachments, which no MIME has."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a folder."""

    number: int
    what: What
    item: Item
    id: str
    """The item's changing id at that time."""


@dataclass
class Mailbox:
    """A mailbox in Exchange Online."""

    address: str
    clock: Clock
    random: Random
    items: dict[str, Item] = field(default_factory=dict)
    """By immutable id."""
    events: dict[str, list[Event]] = field(default_factory=lambda: {name: [] for name in FOLDERS})
    folder_ids: dict[str, str] = field(default_factory=dict)
    """Well-known name to id."""
    epoch: int = 0
    """Delta tokens of an earlier epoch are forgotten."""
    generations: dict[str, int] = field(default_factory=dict)
    """A delta stream's newest generation."""
    happened: int = 0
    _arrivals: int = 0
    _by_id: dict[str, Item] = field(default_factory=dict)
    _conversations: dict[str, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder_ids = {name: self._new_id("AQMkAD", 30) for name in FOLDERS}

    def add(
        self,
        mail: Mail,
        folder: str = "inbox",
        received: float | None = None,
        *,
        links: Iterable[Attached] = (),
        from_outside: bool = True,
    ) -> Item:
        """Put a mail into a folder. ``received`` in seconds, now by default. Raises KeyError."""
        events = self.events[folder]
        self._arrivals += 1
        now = self.clock.now()
        message_id = (
            mail.envelope.message_id or f"{self.random.getrandbits(64):016x}@sandbox.prod.outlook.com"
        )
        item = Item(
            immutable_id=self._new_id("AAkALg", 42),
            id=self._new_id("AAMkAD", 49),
            mail=mail,
            folder=folder,
            received=now if received is None else received,
            created=now,
            number=self._arrivals,
            conversation=self._conversation(mail, message_id),
            message_id=f"<{message_id}>",
            is_draft=folder == "drafts",
            is_read=folder == "sentitems",
            from_outside=from_outside,
            modified=now,
            links=tuple(links),
        )
        self.items[item.immutable_id] = self._by_id[item.id] = item
        self._happen(events, "in", item)
        return item

    def find(self, id: str) -> Item | None:
        """By either id."""
        return self.items.get(id) or self._by_id.get(id)

    def get(self, id: str) -> Item:
        """Raises KeyError."""
        found = self.find(id)
        if found is None:
            raise KeyError(id)
        return found

    def move(self, id: str, folder: str) -> Item:
        """Into another folder, under a new changing id. Raises KeyError."""
        item = self.get(id)
        into = self.events[folder]
        self._happen(self.events[item.folder], "out", item)
        del self._by_id[item.id]
        item.id, item.folder = self._new_id("AAMkAD", 49), folder
        item.is_draft = item.is_draft and folder != "sentitems"
        self._by_id[item.id] = item
        self._touch(item)
        self._happen(into, "in", item)
        return item

    def mark_read(self, id: str, *, read: bool = True) -> Item:
        item = self.get(id)
        item.is_read = read
        self._touch(item)
        self._happen(self.events[item.folder], "flag", item)
        return item

    def delete(self, id: str) -> None:
        """For good. Raises KeyError."""
        item = self.get(id)
        self._happen(self.events[item.folder], "out", item)
        del self.items[item.immutable_id]
        del self._by_id[item.id]

    def folder_named(self, name: str) -> str:
        """The well-known name behind a name or id. Raises KeyError."""
        if name.lower() in FOLDERS:
            return name.lower()
        found = next((known for known, held in self.folder_ids.items() if held == name), "")
        if not found:
            raise KeyError(name)
        return found

    def in_folder(self, folder: str) -> list[Item]:
        return [item for item in self.items.values() if item.folder == folder]

    def _touch(self, item: Item) -> None:
        item.modified = self.clock.now()
        item.change += 1

    def _happen(self, events: list[Event], what: What, item: Item) -> None:
        self.happened += 1
        events.append(Event(self.happened, what, item, item.id))

    def _conversation(self, mail: Mail, message_id: str) -> str:
        topic = mail.envelope.topic
        known = (self._conversations.get(ancestor) for ancestor in mail.envelope.ancestors)
        found = next((entry[0] for entry in known if entry and entry[1] == topic), "")
        conversation = found or self._new_id("AAQkAD", 36)
        self._conversations.setdefault(message_id, (conversation, topic))
        return conversation

    def _new_id(self, prefix: str, size: int) -> str:
        """Unique, case-sensitive, with the characters that need care in a path."""
        return prefix + urlsafe_b64encode(self.random.randbytes(size)).decode("ascii")
