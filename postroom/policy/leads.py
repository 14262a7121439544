"""Which leads a mail belongs to, and who on it becomes one (R-042, R-044)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from postroom.mail.addresses import split_name
from postroom.mail.message import Address, Direction, Message
from postroom.policy.decision import KnownLead, Match, Rep
from postroom.policy.people import addresses_in, is_among, is_listed
from postroom.policy.settings import FIELDS, Settings

Known = Mapping[str, Sequence[KnownLead]]
"""Existing leads by ``Address.key``."""


@dataclass(frozen=True, slots=True)
class Capture:
    """Who may become a lead from one mail."""

    eligible: frozenset[str]
    """Keys of who stands in a field that leads are captured from."""
    barred: str
    """Why nobody becomes one, as the end of a sentence; "" where somebody may."""
    users: frozenset[str]
    internal: frozenset[str]
    excluded: frozenset[str]

    def bar(self, address: Address) -> str:
        """Why this person does not become a lead, as the end of a sentence; "" for one who does."""
        if self.barred:
            return f"is no lead, and {self.barred}"
        if address.key not in self.eligible:
            return "is no lead, and stands in no field that leads are captured from"
        if is_among(address, self.users):
            return "is a user of this account, and so becomes no lead"
        if is_listed(address, self.internal):
            return "is internal, and so becomes no lead"
        if is_listed(address, self.excluded):
            return "is on the exclusion list, and so becomes no lead"
        return ""


def capture(message: Message, direction: Direction, rep: Rep, settings: Settings, bounced: bool) -> Capture:
    """What R-042 says of this mail; a bounce never makes leads."""
    chosen = settings.of(direction)
    barred = ""
    if not chosen.capture:
        barred = "new leads are not captured"
    elif bounced:
        barred = "a bounce makes no leads"
    fields = [field for field in FIELDS[direction] if field in chosen.capture_from]
    eligible = frozenset(address.key for field in fields for address in addresses_in(message, field))
    return Capture(eligible, barred, rep.colleagues, settings.internal_domains, chosen.excluded)


def matches(people: Iterable[Address], known: Known, settings: Settings, rule: Capture) -> tuple[Match, ...]:
    """Each existing lead once, by the first of its addresses; then who becomes a lead.

    Whom any lead knows, even by a field that is not searched, becomes none: there would be two.
    """
    existing: dict[int, Match] = {}
    captured: list[Match] = []
    for address in people:
        found = known.get(address.key, ())
        for lead, note in leads_of(found, settings):
            existing.setdefault(lead.id, Match(address, lead.id, field=lead.field, note=note))
        if not found and not rule.bar(address):
            first, last = split_name(address.name, address.address)
            captured.append(Match(address, None, first, last))
    return (*existing.values(), *captured)


def leads_of(found: Sequence[KnownLead], settings: Settings) -> Iterator[tuple[KnownLead, str]]:
    """The leads that an address stands for, each with what the log should say of it (R-044).

    The first field that knows the address decides, and in it the oldest lead; or, where all matches are
    asked for, every lead of every field.
    """
    for field in settings.search_fields:
        leads = sorted((lead for lead in found if lead.field == field), key=lambda lead: lead.id)
        if leads and not settings.search_all:
            yield leads[0], _ambiguity(leads)
            return
        for lead in leads:
            yield lead, ""


def _ambiguity(leads: Sequence[KnownLead]) -> str:
    """A criterion field is unique, but imported data may not be."""
    number = len({lead.id for lead in leads})
    if number == 1:
        return ""
    return f"{number} leads have the same address in the field {leads[0].field}; the oldest is used."


def fate(address: Address, known: Known, settings: Settings, rule: Capture) -> str:
    """What a person comes to, as a sentence for an explanation."""
    found = known.get(address.key, ())
    names = [f"lead {lead.id} (by {lead.field})" for lead, _ in leads_of(found, settings)]
    if names:
        return f"{address.address} is {', '.join(names)}."
    if found:
        return f"{address.address} is a lead already, but by a field that is not searched."
    return f"{address.address} {rule.bar(address) or 'becomes a lead'}."
