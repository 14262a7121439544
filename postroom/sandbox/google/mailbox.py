"""One person's mailbox: messages, labels, conversations, and the history of every change.

Rules from the Gmail API guides ("Manage labels", "Manage threads", "Synchronize clients"): history ids
increase but are not contiguous, a conversation needs the reference *and* the same subject, system labels
SENT and DRAFT cannot be applied by hand. The reference does not say whether one change with several
effects is one record; here each kind of effect is a record of its own. ``labelIds`` in a record are
those of the message right after that change.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from random import Random
from typing import Literal

from ..clock import Clock
from .mail import Mail

Kind = Literal["messagesAdded", "messagesDeleted", "labelsAdded", "labelsRemoved"]

SYSTEM_LABELS = (
    "CHAT",
    "SENT",
    "INBOX",
    "IMPORTANT",
    "TRASH",
    "DRAFT",
    "SPAM",
    "CATEGORY_FORUMS",
    "CATEGORY_UPDATES",
    "CATEGORY_PERSONAL",
    "CATEGORY_PROMOTIONS",
    "CATEGORY_SOCIAL",
    "STARRED",
    "UNREAD",
)
FIXED_LABELS = frozenset({"SENT", "DRAFT", "CHAT"})
"""Applied by Gmail only ("Manage labels")."""
ARRIVED = ("UNREAD", "INBOX")
HIDDEN = frozenset({"SPAM", "TRASH"})
"""Left out of lists unless asked for."""


@dataclass(slots=True, eq=False)
class StoredMessage:
    """One message of a mailbox."""

    id: str
    thread_id: str
    mail: Mail
    labels: tuple[str, ...]
    internal_date: int
    """Milliseconds since the epoch."""
    history_id: int
    place: tuple[int, int]
    """Sorts by date, then by arrival; unique in its mailbox."""


@dataclass(frozen=True, slots=True)
class Change:
    """One history record."""

    id: int
    kind: Kind
    message_id: str
    thread_id: str
    labels: tuple[str, ...]
    """The message's labels right after the change."""
    changed: tuple[str, ...] = ()
    """The labels that were added or removed."""

    def touches(self, label: str) -> bool:
        return label in self.labels or label in self.changed


class Mailbox:
    """A mailbox; every method that changes something returns the new history id through ``history_id``."""

    def __init__(self, address: str, clock: Clock, random: Random) -> None:
        self.address = address
        self.messages: dict[str, StoredMessage] = {}
        self.changes: list[Change] = []
        self.user_labels: dict[str, str] = {}
        """Label id to name."""
        self.history_id = random.randrange(1_000, 9_000)
        self.oldest_history = 0
        """Starting points at or below this are out of date: ``history.list`` answers 404."""
        self._clock = clock
        self._random = random
        self._ordered: list[StoredMessage] = []
        self._threads: dict[str, dict[str, StoredMessage]] = {}
        self._by_message_id: dict[str, StoredMessage] = {}
        self._arrivals = 0

    def add(
        self,
        mail: Mail,
        labels: Iterable[str] = ARRIVED,
        internal_date: int | None = None,
        thread_id: str = "",
    ) -> StoredMessage:
        """Put a mail into the mailbox. ``internal_date`` in milliseconds, now by default."""
        wanted = tuple(dict.fromkeys(labels))
        self._require_labels(wanted)
        message_id = self._new_id()
        moment = self._clock.millis() if internal_date is None else internal_date
        self._arrivals += 1
        message = StoredMessage(
            id=message_id,
            thread_id=thread_id or self._thread_for(mail) or message_id,
            mail=mail,
            labels=wanted,
            internal_date=moment,
            history_id=0,
            place=(moment, self._arrivals),
        )
        self._index(message)
        self._record("messagesAdded", message)
        return message

    def relabel(self, message_id: str, add: Iterable[str] = (), remove: Iterable[str] = ()) -> StoredMessage:
        """Add and remove labels; what changes nothing leaves no trace. Raises KeyError, ValueError."""
        message = self.messages[message_id]
        add, remove = tuple(dict.fromkeys(add)), set(remove)
        self._require_labels((*add, *remove))
        gone = tuple(label for label in message.labels if label in remove)
        new = tuple(label for label in add if label not in message.labels and label not in remove)
        if new:
            message.labels = (*message.labels, *new)
            self._record("labelsAdded", message, new)
        if gone:
            message.labels = tuple(label for label in message.labels if label not in gone)
            self._record("labelsRemoved", message, gone)
        return message

    def trash(self, message_id: str) -> StoredMessage:
        return self.relabel(message_id, add=("TRASH",), remove=("INBOX", "SPAM"))

    def untrash(self, message_id: str) -> StoredMessage:
        """Out of the trash, not back into the inbox: the reference names no other effect."""
        return self.relabel(message_id, remove=("TRASH",))

    def spam(self, message_id: str) -> StoredMessage:
        return self.relabel(message_id, add=("SPAM",), remove=("INBOX", "TRASH"))

    def archive(self, message_id: str) -> StoredMessage:
        return self.relabel(message_id, remove=("INBOX",))

    def to_inbox(self, message_id: str) -> StoredMessage:
        """What the web interface calls "Move to inbox" and "Not spam"."""
        return self.relabel(message_id, add=("INBOX",), remove=("SPAM", "TRASH"))

    def delete(self, message_id: str) -> None:
        """Remove for good. Raises KeyError."""
        message = self.messages.pop(message_id)
        del self._ordered[bisect_left(self._ordered, message.place, key=attrgetter("place"))]
        thread = self._threads[message.thread_id]
        del thread[message_id]
        if not thread:
            del self._threads[message.thread_id]
        if self._by_message_id.get(message.mail.envelope.message_id) is message:
            del self._by_message_id[message.mail.envelope.message_id]
        self._record("messagesDeleted", message)

    def create_label(self, name: str) -> str:
        """A user label; its id. An existing name keeps its id."""
        for label_id, known in self.user_labels.items():
            if known == name:
                return label_id
        label_id = f"Label_{len(self.user_labels) + 1}"
        self.user_labels[label_id] = name
        return label_id

    def has_label(self, label_id: str) -> bool:
        return label_id in SYSTEM_LABELS or label_id in self.user_labels

    def newest_first(self, before: tuple[int, int] | None = None) -> Iterator[StoredMessage]:
        """Messages by date, newest first, optionally only those that sort before a place."""
        end = len(self._ordered)
        if before is not None:
            end = bisect_left(self._ordered, before, key=attrgetter("place"))
        return (self._ordered[position] for position in range(end - 1, -1, -1))

    def thread(self, thread_id: str) -> list[StoredMessage]:
        """The messages of a conversation, oldest first; empty where there is none."""
        return sorted(self._threads.get(thread_id, {}).values(), key=attrgetter("place"))

    @property
    def thread_count(self) -> int:
        return len(self._threads)

    def changes_after(self, history_id: int) -> list[Change]:
        return self.changes[bisect_right(self.changes, history_id, key=attrgetter("id")) :]

    def expire_history(self, below: int | None = None) -> None:
        """Forget history: starting points below ``below`` (default: all given out so far) answer 404.

        The id that the profile tells is always good, so the mailbox moves on to a new one.
        """
        self.oldest_history = self.history_id if below is None else below - 1
        if below is None:
            self.history_id += self._random.randrange(1, 90)

    def _index(self, message: StoredMessage) -> None:
        self.messages[message.id] = message
        insort(self._ordered, message, key=attrgetter("place"))
        self._threads.setdefault(message.thread_id, {})[message.id] = message
        if message.mail.envelope.message_id:
            self._by_message_id.setdefault(message.mail.envelope.message_id, message)

    def _record(self, kind: Kind, message: StoredMessage, changed: tuple[str, ...] = ()) -> None:
        self.history_id += self._random.randrange(1, 90)
        message.history_id = self.history_id
        change = Change(self.history_id, kind, message.id, message.thread_id, message.labels, changed)
        self.changes.append(change)

    def _thread_for(self, mail: Mail) -> str:
        for ancestor in mail.envelope.ancestors:
            known = self._by_message_id.get(ancestor)
            if known and known.mail.envelope.topic == mail.envelope.topic:
                return known.thread_id
        return ""

    def _new_id(self) -> str:
        """16 hexadecimal digits: milliseconds, then 20 random bits, as Gmail's ids are in practice."""
        while True:
            number = (self._clock.millis() << 20) | self._random.getrandbits(20)
            if (found := f"{number:016x}") not in self.messages:
                return found

    def _require_labels(self, labels: Iterable[str]) -> None:
        for label in labels:
            if not self.has_label(label):
                raise ValueError(f"Invalid label: {label}")
