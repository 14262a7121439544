"""The decision on one mail, with the rule that made it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from postroom.mail.addresses import split_name
from postroom.mail.message import Address, Direction, Message
from postroom.policy.settings import FIELDS, Detail, Field, Settings


class Rule(StrEnum):
    """What decided; the values are stored in the journal."""

    SYNCED = "synced"
    SYNC_DISABLED = "sync_disabled"
    DIRECTION_OFF = "direction_off"
    EXCLUDED = "excluded"
    INTERNAL = "internal"
    NO_COUNTERPART = "no_counterpart"
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


@dataclass(frozen=True, slots=True)
class Match:
    """A lead to post on: an existing one, or one to capture where ``lead`` is None."""

    address: Address
    lead: int | None
    first_name: str = ""
    last_name: str = ""


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

    @property
    def syncs(self) -> bool:
        return self.rule is Rule.SYNCED


def judge_unread(direction: Direction, settings: Settings) -> Decision | None:
    """The decision where the direction alone settles it, so that the mail need not be fetched."""
    if settings.sync_disabled:
        return _skip(settings, Rule.SYNC_DISABLED, "Sync is switched off for the whole account.")
    if not settings.of(direction).enabled:
        return _skip(settings, Rule.DIRECTION_OFF, f"Sync of {direction} mail is switched off.")
    return None


def counterparts(message: Message, direction: Direction, rep: Rep) -> dict[str, Address]:
    """Everyone on the mail but the rep, by key, in the order of the header fields.

    The author of a sent mail is the rep, under whatever address it was sent.
    """
    people: dict[str, Address] = {}
    for field in Field:
        if direction is Direction.SENT and field is Field.FROM:
            continue
        for address in addresses_in(message, field):
            if address.key not in rep.own:
                people.setdefault(address.key, address)
    return people


def addresses_in(message: Message, field: Field) -> Sequence[Address]:
    """The addresses that stand in one field of the mail."""
    match field:
        case Field.FROM:
            return (message.from_,) if message.from_ else ()
        case Field.TO:
            return message.to
        case Field.CC:
            return message.cc
        case Field.BCC:
            return message.bcc


def decide(
    message: Message,
    direction: Direction,
    rep: Rep,
    settings: Settings,
    known: Mapping[str, Sequence[KnownLead]],
) -> Decision:
    """Decide on one mail.

    ``known`` holds, by ``Address.key``, the leads of everyone in ``counterparts``. Rules are tried in
    the order of the code; the first that applies decides.
    """
    unread = judge_unread(direction, settings)
    if unread:
        return unread
    excluded = _excluded_field(message, direction, settings)
    if excluded:
        return _skip(settings, Rule.EXCLUDED, f"An address in {excluded.title()} is on the exclusion list.")
    people = counterparts(message, direction, rep)
    if not people:
        return _skip(settings, Rule.NO_COUNTERPART, "Nobody but the rep is on this mail.")
    outside = _without_internal(people, settings)
    if not outside:
        return _skip(settings, Rule.INTERNAL, "Sender and recipients are all internal.")
    matches = (
        *_existing(outside, known),
        *_captured(message, direction, rep, settings, outside, known),
    )
    if not matches:
        return _skip(settings, Rule.NO_LEAD, "Nobody on this mail is a lead.")
    chosen = settings.of(direction)
    return Decision(
        Rule.SYNCED,
        f"Synced: {direction} mail.",
        settings.version,
        matches,
        chosen.details,
        chosen.lead_source,
    )


def _skip(settings: Settings, rule: Rule, reason: str) -> Decision:
    return Decision(rule, reason, settings.version)


def _excluded_field(message: Message, direction: Direction, settings: Settings) -> Field | None:
    """The first chosen field with an excluded address in it (R-036, R-037)."""
    chosen = settings.of(direction)
    if not chosen.excluded:
        return None
    for field in FIELDS[direction]:
        if field in chosen.excluded_in and any(
            is_listed(address, chosen.excluded) for address in addresses_in(message, field)
        ):
            return field
    return None


def is_listed(address: Address, entries: frozenset[str]) -> bool:
    """Whether the list holds the address itself, its domain, or a domain above that (R-036)."""
    return address.key in entries or any(domain in entries for domain in _domains(address))


def _domains(address: Address) -> Iterator[str]:
    domain = address.domain
    while domain:
        yield domain
        domain = domain.partition(".")[2]


def _without_internal(people: Mapping[str, Address], settings: Settings) -> dict[str, Address]:
    """R-052: with the switch on, internal people are no counterparts."""
    if not settings.skip_internal:
        return dict(people)
    return {key: a for key, a in people.items() if not is_listed(a, settings.internal_domains)}


def _existing(people: Mapping[str, Address], known: Mapping[str, Sequence[KnownLead]]) -> Iterator[Match]:
    seen: set[int] = set()
    for key, address in people.items():
        for lead in known.get(key, ()):
            if lead.id not in seen:
                seen.add(lead.id)
                yield Match(address, lead.id)


def _captured(
    message: Message,
    direction: Direction,
    rep: Rep,
    settings: Settings,
    people: Mapping[str, Address],
    known: Mapping[str, Sequence[KnownLead]],
) -> Iterator[Match]:
    """R-042: everyone in the chosen fields whom no lead has becomes one, unless barred."""
    chosen = settings.of(direction)
    if not chosen.capture:
        return
    eligible = {
        address.key
        for field in FIELDS[direction]
        if field in chosen.capture_from
        for address in addresses_in(message, field)
    }
    for key, address in people.items():
        barred = (
            known.get(key)
            or key in rep.colleagues
            or is_listed(address, settings.internal_domains)
            or is_listed(address, chosen.excluded)
        )
        if key in eligible and not barred:
            first, last = split_name(address.name, address.address)
            yield Match(address, None, first, last)
