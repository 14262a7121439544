"""One mail as Postroom sees it, whatever provider it came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType


class Direction(StrEnum):
    """Which way a mail went, seen from the rep's mailbox."""

    SENT = "sent"
    RECEIVED = "received"


@dataclass(frozen=True, slots=True)
class Address:
    """A person on a mail: an addr-spec (RFC 5322 section 3.4.1) and the display name beside it."""

    address: str
    """As written, trimmed. Compare by ``key``, never by this."""
    name: str = ""
    """Decoded display name, "" where the mail gives none."""
    key: str = field(default="", compare=False)
    """Case-folded local part, and domain in lower-case ASCII (IDNA) with no trailing dot."""

    @property
    def domain(self) -> str:
        """The domain of ``key``, "" where there is none."""
        return self.key.rpartition("@")[2] if "@" in self.key else ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is not the readable body. Its bytes come only when asked for."""

    part: str
    """Path in the MIME tree, such as "1.2"; unique in its message."""
    filename: str
    content_type: str
    size: int
    """Decoded bytes, as the provider tells or as measured."""
    inline: bool
    """Shown inside the body: ``Content-Disposition: inline``, or a Content-ID that the HTML uses."""
    content_id: str = ""
    """Without angle brackets (RFC 2392)."""
    ref: str = ""
    """The provider's handle for the bytes; "" where ``content`` carries them."""
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One mail. Text is decoded; times are aware and in UTC."""

    id: str
    """The provider's id, unique within its mailbox; "" for a mail read from a file."""
    thread: str
    """The provider's conversation id, or ""."""
    message_id: str
    """Message-ID without angle brackets, "" where it is missing."""
    date: datetime | None
    """The Date header; None where it is missing or unreadable."""
    received_at: datetime
    """When the provider accepted the mail (Gmail ``internalDate``); more reliable than ``date``."""
    subject: str = ""
    from_: Address | None = None
    sender: Address | None = None
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    text: str = ""
    """The text/plain body, "" where there is none."""
    html: str = ""
    """The text/html body as sent; sanitize when shown, never before storing."""
    attachments: tuple[Attachment, ...] = ()
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """Lower-case name to every value in order, as received."""
    defects: tuple[str, ...] = ()
    """What had to be repaired to read it, in words."""
