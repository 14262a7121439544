"""What goes into a decision on a mail and what comes out, as values."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from postroom.mail.message import Address
from postroom.policy.settings import EMAIL_FIELD, AttachmentKind, Detail


class Rule(StrEnum):
    """What decided; the values are stored in the journal."""

    SYNCED = "synced"
    SYNC_DISABLED = "sync_disabled"
    DIRECTION_OFF = "direction_off"
    EXCLUDED = "excluded"
    NO_COUNTERPART = "no_counterpart"
    INTERNAL = "internal"
    AUTOMATIC = "automatic"
    NO_KEYWORD = "no_keyword"
    NO_LEAD = "no_lead"
    UNREADABLE = "unreadable"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Rep:
    """Whose mailbox it is, and who else belongs to the account; all as ``Address.key``."""

    own: frozenset[str]
    """The mailbox's address and its aliases."""
    colleagues: frozenset[str] = frozenset()
    """Addresses of the account's users; never captured as leads."""


@dataclass(frozen=True, slots=True)
class KnownLead:
    """An existing lead that an address belongs to."""

    id: int
    """The lower, the older."""
    field: str = EMAIL_FIELD
    """The lead field that holds the address."""


@dataclass(frozen=True, slots=True)
class Match:
    """A lead to post on: an existing one, or one to capture where ``lead`` is None."""

    address: Address
    lead: int | None
    first_name: str = ""
    last_name: str = ""
    field: str = ""
    """The lead field by which it was found (R-044), "" for one to capture."""
    note: str = ""
    """What the log should say of the match, as a sentence; mostly ""."""


Lines = tuple[str, ...]


def quoting(*lines: str) -> Callable[[], Lines]:
    """Makes ``Check.quote`` of lines that cost nothing to make."""
    return lambda: lines


@dataclass(frozen=True, slots=True)
class Check:
    """One rule as it was tried on one mail."""

    rule: Rule
    stops: bool
    """Whether the mail does not sync for it."""
    reason: str
    """The outcome as a sentence; holds nothing of the mail."""
    setting: str = ""
    """Dotted path of the setting that was looked at, such as "inbound.excluded"."""
    quote: Callable[[], Lines] = field(default=quoting(), repr=False, compare=False)
    """Makes ``lines``: only who reads an explanation pays for them."""

    @property
    def lines(self) -> Lines:
        """Sentences that quote the mail: to be shown to whoever may read it, never to be stored."""
        return self.quote()


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a mail, and why."""

    rule: Rule
    reason: str
    """In words, for the journal; holds nothing of a skipped mail's content."""
    settings_version: int
    matches: tuple[Match, ...] = ()
    details: frozenset[Detail] = frozenset()
    lead_source: str = ""
    attachment_kinds: frozenset[AttachmentKind] = frozenset()
    setting: str = ""
    """Dotted path of the setting that decided; "" where the mail syncs or no setting had a part in it."""
    tested: tuple[Check, ...] = ()
    """The rules in the order they were tried, the deciding one last."""
    rep_settings_version: int = 0
    """The version of the rep's own keywords and exclusions, where they took part; 0 where they did not."""

    @property
    def syncs(self) -> bool:
        return self.rule is Rule.SYNCED
