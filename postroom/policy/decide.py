"""The decision on one mail: every rule in its order, until one stops the mail."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from postroom.mail.automatic import AutomaticKind, automatic_kinds
from postroom.mail.message import Address, Direction, Message
from postroom.mail.readable import readable_text
from postroom.policy.decision import Check, Decision, KnownLead, Match, Rep, Rule, quoting
from postroom.policy.keywords import Keywords
from postroom.policy.leads import Capture, Known, capture, fate, matches
from postroom.policy.people import addresses_in, counterparts, is_listed, listing
from postroom.policy.settings import FIELDS, Behaviour, Detail, DirectionSettings, KeywordField, Settings

__all__ = [
    "Check",
    "Decision",
    "KnownLead",
    "Match",
    "Rep",
    "Rule",
    "counterparts",
    "decide",
    "is_listed",
    "judge_unread",
]


def judge_unread(direction: Direction, settings: Settings) -> Decision | None:
    """The decision where the settings alone settle it, so that the mail need not be fetched."""
    return _try(_unread_checks(direction, settings), direction, settings)[0]


def decide(message: Message, direction: Direction, rep: Rep, settings: Settings, known: Known) -> Decision:
    """Decide on one mail; ``settings`` are the ``effective`` ones of the rep.

    ``known`` holds, by ``Address.key``, the leads of everyone in ``counterparts``, by every field that
    is searched and in any case by ``EMAIL_FIELD``. The first rule that stops the mail decides.
    """
    case = _Case(message, direction, rep, settings, known)
    stopped, tested = _try(_checks(case), direction, settings)
    if stopped:
        return stopped
    notes = dict.fromkeys(match.note for match in case.matches if match.note)
    return Decision(
        Rule.SYNCED,
        " ".join([_synced(case), *notes]),
        settings.version,
        case.matches,
        case.chosen.details,
        case.chosen.lead_source,
        case.chosen.attachment_kinds,
        tested=tested,
        rep_settings_version=case.chosen.rep_version,
    )


@dataclass(frozen=True)
class _Case:
    """One mail with all that is needed to judge it; what is costly is found out once, when asked for."""

    message: Message
    direction: Direction
    rep: Rep
    settings: Settings
    known: Known

    @cached_property
    def chosen(self) -> DirectionSettings:
        return self.settings.of(self.direction)

    @cached_property
    def people(self) -> dict[str, Address]:
        return counterparts(self.message, self.direction, self.rep)

    @cached_property
    def internal(self) -> dict[str, Address]:
        """Whom R-052 leaves out: nobody while the switch is off."""
        domains = self.settings.internal_domains if self.settings.skip_internal else frozenset[str]()
        return {key: address for key, address in self.people.items() if is_listed(address, domains)}

    @cached_property
    def outside(self) -> list[Address]:
        return [address for key, address in self.people.items() if key not in self.internal]

    @cached_property
    def automatic(self) -> frozenset[AutomaticKind]:
        return automatic_kinds(self.message)

    @cached_property
    def hit(self) -> tuple[KeywordField, str] | None:
        """Where a keyword was found, and which."""
        keywords = Keywords.of(self.chosen.keywords)
        for field in KeywordField:
            if field in self.chosen.keywords_in:
                keyword = keywords.find(_text_of(self.message, field))
                if keyword:
                    return field, keyword
        return None

    @cached_property
    def capture(self) -> Capture:
        bounced = self.chosen.capture and AutomaticKind.BOUNCE in self.automatic
        return capture(self.message, self.direction, self.rep, self.settings, bounced)

    @cached_property
    def matches(self) -> tuple[Match, ...]:
        return matches(self.outside, self.known, self.settings, self.capture)


def _try(
    checks: Iterable[Check], direction: Direction, settings: Settings
) -> tuple[Decision | None, tuple[Check, ...]]:
    """The decision of the first check that stops the mail, and every check that was made."""
    tested: list[Check] = []
    for check in checks:
        tested.append(check)
        if check.stops:
            made = tuple(tested)
            stopped = Decision(
                check.rule,
                check.reason,
                settings.version,
                setting=check.setting,
                tested=made,
                rep_settings_version=settings.of(direction).rep_version,
            )
            return stopped, made
    return None, tuple(tested)


def _checks(case: _Case) -> Iterator[Check]:
    yield from _unread_checks(case.direction, case.settings)
    yield _exclusion(case)
    yield _counterpart(case)
    yield _internal(case)
    yield _automatic(case)
    yield _keyword(case)
    yield _lead(case)


def _unread_checks(direction: Direction, settings: Settings) -> Iterator[Check]:
    """R-051, R-030, and keywords that nothing can hold."""
    chosen, side = settings.of(direction), _SIDES[direction]
    if settings.sync_disabled:
        yield Check(Rule.SYNC_DISABLED, True, "Sync is switched off for the whole account.", "sync_disabled")
    yield Check(Rule.SYNC_DISABLED, False, "Sync is on for the account.", "sync_disabled")
    if not chosen.enabled:
        yield Check(Rule.DIRECTION_OFF, True, f"Sync of {direction} mail is switched off.", f"{side}.enabled")
    yield Check(Rule.DIRECTION_OFF, False, f"Sync of {direction} mail is on.", f"{side}.enabled")
    if chosen.behaviour is Behaviour.KEYWORDS and not chosen.keywords:
        yield Check(Rule.NO_KEYWORD, True, "There is no keyword to look for.", f"{side}.keywords")
    if chosen.behaviour is Behaviour.KEYWORDS and not chosen.keywords_in:
        yield Check(Rule.NO_KEYWORD, True, "There is no place to look for keywords.", f"{side}.keywords_in")


def _exclusion(case: _Case) -> Check:
    """R-036, R-037: one listed address in a chosen field rules out the whole mail."""
    setting = f"{_SIDES[case.direction]}.excluded"
    for field in FIELDS[case.direction]:
        if field not in case.chosen.excluded_in:
            continue
        for address in addresses_in(case.message, field):
            entry = listing(address, case.chosen.excluded)
            if entry:
                reason = f"An address in {field.title()} is on the exclusion list."
                line = f"{address.address} is covered by the entry “{entry}”."
                return Check(Rule.EXCLUDED, True, reason, setting, quoting(line))
    return Check(Rule.EXCLUDED, False, _no_exclusion(case), setting)


def _no_exclusion(case: _Case) -> str:
    where = [field.title() for field in FIELDS[case.direction] if field in case.chosen.excluded_in]
    if not case.chosen.excluded:
        return "The exclusion list is empty."
    return f"No address in {' or '.join(where) or 'any chosen field'} is on the exclusion list."


def _counterpart(case: _Case) -> Check:
    """Mail to oneself is nobody's business (section I of the requirements)."""
    if not case.people:
        return Check(Rule.NO_COUNTERPART, True, "Nobody but the rep is on this mail.")
    return Check(
        Rule.NO_COUNTERPART,
        False,
        "Somebody besides the rep is on this mail.",
        quote=lambda: (f"On this mail: {_listed(case.people.values())}.",),
    )


def _internal(case: _Case) -> Check:
    """R-052: mail among internal people only does not sync."""
    if not case.settings.skip_internal:
        return Check(Rule.INTERNAL, False, "Internal mail syncs like any other.", "skip_internal")
    if not case.outside:
        return Check(Rule.INTERNAL, True, "Sender and recipients are all internal.", "skip_internal")
    return Check(
        Rule.INTERNAL,
        False,
        "Somebody on this mail is external.",
        "skip_internal",
        lambda: (f"Left out as internal: {_listed(case.internal.values())}.",) if case.internal else (),
    )


def _automatic(case: _Case) -> Check:
    """Section I of the requirements: each kind of automatic mail can be left out."""
    setting = f"{_SIDES[case.direction]}.skip_automatic"
    if not case.chosen.skip_automatic:
        return Check(Rule.AUTOMATIC, False, "Automatic mail syncs like any other.", setting)
    for kind, name in _AUTOMATIC.items():
        if kind in case.chosen.skip_automatic and kind in case.automatic:
            return Check(Rule.AUTOMATIC, True, f"This is {name}, which does not sync.", setting)
    return Check(Rule.AUTOMATIC, False, "This is no automatic mail of a kind that does not sync.", setting)


def _keyword(case: _Case) -> Check:
    """R-031, R-034: a hit in one of the chosen places is enough."""
    side = _SIDES[case.direction]
    if case.chosen.behaviour is Behaviour.ALL:
        return Check(Rule.NO_KEYWORD, False, "Mail needs no keyword.", f"{side}.behaviour")
    if not case.hit:
        where = " or ".join(field for field in KeywordField if field in case.chosen.keywords_in)
        return Check(Rule.NO_KEYWORD, True, f"No keyword is in the {where}.", f"{side}.keywords")
    field, keyword = case.hit
    line = f"The {field} holds “{keyword}”."
    return Check(Rule.NO_KEYWORD, False, f"A keyword is in the {field}.", f"{side}.keywords", quoting(line))


def _lead(case: _Case) -> Check:
    """R-042, R-043: somebody must be a lead or become one."""
    setting = f"{_SIDES[case.direction]}.capture"

    def fates() -> tuple[str, ...]:
        return tuple(fate(address, case.known, case.settings, case.capture) for address in case.outside)

    if case.matches:
        return Check(Rule.NO_LEAD, False, "Somebody on this mail is a lead or becomes one.", setting, fates)
    barred = case.capture.barred or "nobody on it may become one"
    return Check(Rule.NO_LEAD, True, f"Nobody on this mail is a lead, and {barred}.", setting, fates)


def _synced(case: _Case) -> str:
    """Why the mail syncs; names a keyword only where what holds it is captured (R-040)."""
    if case.chosen.behaviour is Behaviour.ALL or not case.hit:
        return f"Synced: {case.direction} mail."
    field, keyword = case.hit
    what = f"the keyword “{keyword}”" if Detail(field) in case.chosen.details else "a keyword"
    return f"Synced: {case.direction} mail with {what} in the {field}."


def _text_of(message: Message, field: KeywordField) -> str:
    return message.subject if field is KeywordField.SUBJECT else readable_text(message)


def _listed(people: Iterable[Address]) -> str:
    return ", ".join(address.address for address in people)


_SIDES: Mapping[Direction, str] = {Direction.SENT: "outbound", Direction.RECEIVED: "inbound"}
_AUTOMATIC = {
    AutomaticKind.AUTO_REPLY: "an automatic reply",
    AutomaticKind.BOUNCE: "a bounce",
    AutomaticKind.LIST: "mail from a mailing list",
    AutomaticKind.CALENDAR: "calendar mail",
}
