"""Reading what was typed into a list of tags, one by one, with a reason for each that is none."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _

from postroom.errors import PostroomError
from postroom.policy.entries import EntryRefused, parse_entry
from postroom.policy.keywords import fold, parse_keyword

MOST = 20_000
"""Tags of one list."""


class TagKind(StrEnum):
    KEYWORD = "keyword"
    ENTRY = "entry"
    """An address or a domain (R-036)."""
    DOMAIN = "domain"


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag as typed, and what became of it."""

    typed: str
    value: str
    """As it is kept; "" where it is refused."""
    key: str
    """Equal for two that mean the same."""
    reason: str = ""
    """Why it is refused, as a sentence; "" where it is not."""


def read_tag(kind: TagKind, text: str) -> Tag:
    if "\x00" in text:
        return Tag(text, "", text, _("It holds a character that cannot be stored."))
    try:
        value = _PARSERS[kind](text)
    except PostroomError as refusal:
        return Tag(text, "", text.strip(), str(refusal))
    return Tag(text, value, fold(value) if kind is TagKind.KEYWORD else value)


def read_tags(kind: TagKind, lines: Iterable[str]) -> list[Tag]:
    """Every tag that is not blank, in order; of two that mean the same, both."""
    return [read_tag(kind, line.strip()) for line in lines if line.strip()]


def _entry(text: str) -> str:
    return parse_entry(text).value


def _domain(text: str) -> str:
    entry = parse_entry(text)
    if entry.is_address:
        raise EntryRefused(_("Enter a domain, not an address."))
    return entry.value


_PARSERS: Mapping[TagKind, Callable[[str], str]] = {
    TagKind.KEYWORD: parse_keyword,
    TagKind.ENTRY: _entry,
    TagKind.DOMAIN: _domain,
}
