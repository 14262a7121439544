"""What stands in the way of saving settings, for forms to show beside the field."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from postroom.mail.automatic import AutomaticKind
from postroom.mail.message import Direction
from postroom.policy.entries import EntryRefused, parse_entry
from postroom.policy.keywords import KeywordRefused, parse_keyword
from postroom.policy.settings import (
    FIELDS,
    Behaviour,
    Detail,
    DirectionSettings,
    Field,
    RepDirection,
    RepSettings,
    Settings,
)

MOST_IMPORT_DAYS = 3650


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of the settings."""

    path: str
    """Dotted path of the setting, such as "inbound.excluded_in"."""
    sentence: str


def problems(settings: Settings) -> tuple[Problem, ...]:
    """Everything that is wrong with an account's settings; empty where they can be saved."""
    return tuple(_problems(settings))


def rep_problems(own: RepSettings) -> tuple[Problem, ...]:
    """Everything that is wrong with what a rep adds."""
    return (*_own("outbound", own.outbound), *_own("inbound", own.inbound))


def _problems(settings: Settings) -> Iterator[Problem]:
    yield from _direction("outbound", settings.outbound, FIELDS[Direction.SENT])
    yield from _direction("inbound", settings.inbound, FIELDS[Direction.RECEIVED])
    if not settings.search_fields:
        yield Problem("search_fields", "Choose at least one field by which leads are found.")
    if len(set(settings.search_fields)) < len(settings.search_fields):
        yield Problem("search_fields", "Choose each field only once.")
    if not 0 <= settings.longest_import <= MOST_IMPORT_DAYS:
        yield Problem("longest_import", f"Choose between 0 and {MOST_IMPORT_DAYS} days.")
    if settings.skip_internal and not settings.internal_domains:
        yield Problem("internal_domains", "Enter at least one internal domain, or let internal mail sync.")
    for domain in sorted(settings.internal_domains):
        if "@" in domain:
            yield Problem("internal_domains", f"“{domain}”: Enter a domain, not an address.")
        else:
            yield from _entry("internal_domains", domain)


def _direction(side: str, chosen: DirectionSettings, fields: tuple[Field, ...]) -> Iterator[Problem]:
    yield from _keywords(side, chosen)
    yield from _exclusions(side, chosen, fields)
    if Detail.ATTACHMENTS in chosen.details and not chosen.attachment_kinds:
        yield Problem(f"{side}.attachment_kinds", "Choose at least one kind, or leave attachments out.")
    if chosen.capture and not chosen.capture_from:
        yield Problem(f"{side}.capture_from", "Choose at least one field that new leads are captured from.")
    yield from _applicable(f"{side}.capture_from", chosen.capture_from, fields)
    for kind in sorted(chosen.skip_automatic - frozenset(AutomaticKind)):
        yield Problem(f"{side}.skip_automatic", f"“{kind}” is not a kind of automatic mail.")


def _keywords(side: str, chosen: DirectionSettings) -> Iterator[Problem]:
    """R-031, R-034."""
    if chosen.behaviour is Behaviour.KEYWORDS and not chosen.keywords:
        yield Problem(f"{side}.keywords", "Add at least one keyword, or let all emails sync.")
    if chosen.behaviour is Behaviour.KEYWORDS and not chosen.keywords_in:
        yield Problem(f"{side}.keywords_in", "Choose the subject, the body or both.")
    yield from _words(side, chosen.keywords)


def _exclusions(side: str, chosen: DirectionSettings, fields: tuple[Field, ...]) -> Iterator[Problem]:
    """R-036, R-037; a rep's entry is an entry, too."""
    if (chosen.excluded or chosen.user_exclusions) and not chosen.excluded_in:
        yield Problem(f"{side}.excluded_in", "Choose at least one field that exclusions apply to.")
    yield from _applicable(f"{side}.excluded_in", chosen.excluded_in, fields)
    for entry in sorted(chosen.excluded):
        yield from _entry(f"{side}.excluded", entry)


def _own(side: str, own: RepDirection) -> Iterator[Problem]:
    yield from _words(side, own.keywords)
    for entry in sorted(own.excluded):
        yield from _entry(f"{side}.excluded", entry)


def _words(side: str, keywords: Iterable[str]) -> Iterator[Problem]:
    for keyword in sorted(keywords):
        try:
            parse_keyword(keyword)
        except KeywordRefused as refusal:
            yield Problem(f"{side}.keywords", f"“{keyword}”: {refusal}")


def _entry(path: str, text: str) -> Iterator[Problem]:
    """An entry must be there as ``parse_entry`` gives it, or it would never match."""
    try:
        known = parse_entry(text).value
    except EntryRefused as refusal:
        yield Problem(path, f"“{text}”: {refusal}")
    else:
        if known != text:
            yield Problem(path, f"“{text}”: Write it as {known}.")


def _applicable(path: str, chosen: frozenset[Field], fields: tuple[Field, ...]) -> Iterator[Problem]:
    for field in sorted(chosen - frozenset(fields)):
        yield Problem(path, f"{field.title()} does not apply in this direction.")
