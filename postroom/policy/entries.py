"""What an admin or rep types into an exclusion list, read as an address or a domain (R-036).

Entries are kept in the form that ``Address.key`` has, so that matching is comparing. What looks alike but
is spelt otherwise stays different: a Cyrillic "а" is no "a", ``notexample.com`` is not ``example.com``.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList

from postroom.errors import PostroomError
from postroom.mail.addresses import canonical_domain, make_address, parse_addresses
from postroom.mail.message import Address

MAX_LENGTH = 1000
"""Characters that are looked at of an entry; an address with a display name has at most 575."""
MAX_DOMAIN_LENGTH = 253
"""Octets of a domain, as DNS can carry it (RFC 1035 section 2.3.4)."""

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_BEFORE_DOMAIN = re.compile(r"\*?[@.](?=[^@]*$)")
"""What people write before a domain to say everyone or everything under it."""


class EntryRefused(PostroomError):
    """An entry is an address such as jane@example.com, or a domain such as example.com."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An address, or a domain that stands for its subdomains too."""

    value: str
    """As ``Address.key`` or ``Address.domain`` has it: folded, the domain in ASCII."""

    @property
    def is_address(self) -> bool:
        return "@" in self.value


@dataclass(frozen=True, slots=True)
class Entries:
    """A list of entries as far as they could be read."""

    values: frozenset[str]
    refused: tuple[tuple[str, str], ...]
    """What could not be read, as typed, each with the reason as a sentence."""


def parse_entries(texts: Iterable[str]) -> Entries:
    """Read a whole list; each entry that cannot be read is refused by itself. Blank ones do not matter."""
    values: set[str] = set()
    refused: list[tuple[str, str]] = []
    for text in texts:
        if not text.strip():
            continue
        try:
            values.add(parse_entry(text).value)
        except EntryRefused as refusal:
            refused.append((text, str(refusal)))
    return Entries(frozenset(values), tuple(refused))


def parse_entry(text: str) -> Entry:
    """The address or domain that was typed.

    An address may come with its display name. A domain may come as ``@example.com``, ``*.example.com`` or
    the address of a web site, all of which mean the domain with its subdomains. Raises ``EntryRefused``
    with what is wrong as a sentence.
    """
    text = text.strip()
    if len(text) > MAX_LENGTH:
        raise EntryRefused("This is too long for an address or a domain.")
    if "://" in text:
        return Entry(_domain(_host(text)))
    text = text.removeprefix(_before_domain(text))
    return Entry(_address(text) if "@" in text else _domain(text))


def _before_domain(text: str) -> str:
    found = _BEFORE_DOMAIN.match(text)
    return found.group() if found else ""


def _host(url: str) -> str:
    """The domain of a web site, without the "www" that mail does not have."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        raise EntryRefused from None


def _address(text: str) -> str:
    if text.lower().startswith("mailto:"):
        text = text[len("mailto:") :].partition("?")[0]
    address = make_address(text) or _the_one_in(text)
    local, _, domain = address.key.rpartition("@")
    if "*" in local:
        raise EntryRefused("A star stands for nothing in an address; for everyone there, enter the domain.")
    if not domain.startswith("["):
        _check(domain)
    return address.key


def _the_one_in(text: str) -> Address:
    """The address in a text that has a display name or a comment beside it."""
    people = parse_addresses(text)
    if len(people) > 1:
        raise EntryRefused("These are several addresses; enter them one by one.")
    if not people or not re.search(r"[<(]", text):
        raise EntryRefused("This is not an address; one looks like jane@example.com.")
    return people[0]


def _domain(text: str) -> str:
    if "*" in text:
        raise EntryRefused("A star stands for nothing here; a domain covers its subdomains by itself.")
    if re.search(r"\S[\s,;]+\S", text):
        raise EntryRefused("These are several words; enter one address or domain at a time.")
    if _is_ip(text):
        raise EntryRefused("An IP address is not a domain; enter the domain or the whole address.")
    domain = canonical_domain(text)
    if not domain:
        raise EntryRefused
    if "." not in domain:
        raise EntryRefused(f"“{text}” is not a whole domain; one looks like example.com.")
    _check(domain)
    if _suffixes().is_public(domain):
        raise EntryRefused(f"Anyone can have a domain under “{text}”; enter a domain below it.")
    return domain


def _check(domain: str) -> None:
    """A domain that DNS can hold: its labels, its length, and a last label that is no number (RFC 3696)."""
    labels = domain.split(".")
    fits = len(domain) <= MAX_DOMAIN_LENGTH and all(map(_LABEL.fullmatch, labels))
    if not fits or labels[-1].isdigit():
        raise EntryRefused(f"“{domain}” cannot be a domain; one looks like example.com.")


def _is_ip(text: str) -> bool:
    try:
        ip_address(text.strip("[]").lower().removeprefix("ipv6:"))
    except ValueError:
        return False
    return True


@cache
def _suffixes() -> PublicSuffixList:
    """The suffixes of registries, such as "co.uk", from the list that comes with the package."""
    return PublicSuffixList(only_icann=True)
