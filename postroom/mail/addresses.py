"""Addresses of a mail: a field to people, one spelling to one key, a display name to a person's names.

Senders and gateways write address fields in every broken way; what can be saved is saved, nothing
raises, and the time taken grows with the length alone.
"""

import re
import unicodedata
from functools import lru_cache

from postroom.mail.address_field import mailboxes
from postroom.mail.charsets import storable
from postroom.mail.headers import decode_words, unfold
from postroom.mail.message import Address

MAX_ADDRESS_LENGTH = 320
"""64 octets of local part, "@", 255 of domain (RFC 5321 section 4.5.3.1)."""
MAX_NAME_LENGTH = 255
REMEMBERED_LENGTH = 300
"""Characters of a field that is kept in mind with what it says: most mail is from and to the same people."""
MAX_LABEL_LENGTH = 63
"""Octets of one label of a domain (RFC 1035 section 2.3.4)."""

_INVISIBLE = dict.fromkeys(
    [0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF]
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_DOT_ATOM = re.compile(r'[^\s"(),:;<>@\[\]\\.]++(?:\.[^\s"(),:;<>@\[\]\\.]++)*+')
_NOT_IN_DOMAIN = re.compile(r'[\s"(),:;<>@\[\]\\/|!#$%&*+=?^`{}~\']')
_NOT_IN_LOCAL = re.compile(r'[\s"(),:;<>@\[\]\\]')
_LITERAL = re.compile(r"\[[^\s@<>\[\]\\]++\]")
_X500 = re.compile(r"(ex:)?/o=|imceaex-", re.IGNORECASE)

_VIA = re.compile(r"\s+via\s.*$", re.IGNORECASE | re.DOTALL)
_REMARK = re.compile(r"\([^()]*+\)|\[[^\[\]]*+\]")
_ORGANISATION = re.compile(r"\s(?:[|/•·–—-]|at|@)\s.*$", re.DOTALL)
_TITLES = frozenset(
    {
        "mr",
        "mrs",
        "ms",
        "miss",
        "mx",
        "dr",
        "prof",
        "professor",
        "sir",
        "madam",
        "herr",
        "frau",
        "hr",
        "mme",
        "mlle",
        "sr",
        "sra",
        "srta",
        "dott",
        "dipl-ing",
        "rev",
        "hon",
    }
)
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "phd", "mba", "esq"})
# After a comma only, for some are family names too.
_QUALIFICATIONS = _SUFFIXES | frozenset(
    {
        "md",
        "ma",
        "ba",
        "msc",
        "bsc",
        "cpa",
        "dds",
        "dvm",
        "pe",
        "llm",
        "llb",
    }
)
_COMPANIES = frozenset({"inc", "llc", "ltd", "gmbh", "corp", "plc", "limited", "pty"})


def parse_addresses(value: str) -> tuple[Address, ...]:
    """Everyone in an address field, in order; who comes twice is kept once.

    ``value`` may be folded or not, its encoded words decoded already or not. Groups give their members
    (RFC 5322 section 3.4), routes their last address (section 4.4). Words without an address vanish.
    """
    return _remembered(value) if len(value) <= REMEMBERED_LENGTH else _parse(value)


def _parse(value: str) -> tuple[Address, ...]:
    people = _people(value)
    if not people and "=?" in value:
        # Some mailers put the brackets, too, inside of the encoded word.
        people = _people(decode_words(value))
    return tuple(people.values())


_remembered = lru_cache(maxsize=4096)(_parse)


def make_address(address: str, name: str = "") -> Address | None:
    """An ``Address`` with its key; None for what no mail can be sent to.

    Not an address: one without local part or domain, with bare white space, longer than 320 characters,
    or an Exchange X.500 name (``/O=...``).
    """
    spelling = storable(address).strip().strip("<>").strip()
    if len(spelling) > MAX_ADDRESS_LENGTH or _X500.match(spelling) or _CONTROL.search(spelling):
        return None
    local, _, domain = spelling.removeprefix("mailto:").rpartition("@")
    local_key, domain_key = _local_key(local.strip()), canonical_domain(domain)
    if not local_key or not domain_key:
        return None
    return Address(f"{local.strip()}@{domain.strip()}", _display_name(name), f"{local_key}@{domain_key}")


def canonical_domain(domain: str) -> str:
    """A domain in lower-case ASCII without a trailing dot; "" for what cannot be one.

    Other scripts become A-labels as UTS #46 maps them, without transition (so "ß" is not "ss"); a label
    that gets too long for DNS stays in lower-case Unicode.
    """
    domain = domain.strip()
    if domain.startswith("["):
        return domain.lower() if _LITERAL.fullmatch(domain) else ""
    mapped = _folded(domain.translate(_INVISIBLE), "NFKC").replace("\u3002", ".").removesuffix(".")
    if not mapped or _NOT_IN_DOMAIN.search(mapped) or not all(mapped.split(".")):
        return ""
    return ".".join(_label(label) for label in mapped.split("."))


def split_name(display_name: str, address: str) -> tuple[str, str]:
    """First and last name of the person a display name shows, "" for what it does not tell (R-042).

    One word is a first name. Titles, qualifications, "via ..." and remarks in brackets go. A name that
    merely repeats the address says nothing; "Carol" of carol@x.example is a name.
    """
    name = _person(display_name)
    if not name or "@" in name or name == address.strip().partition("@")[0]:
        return "", ""
    if _is_all(re.split(r"[\s,]", name)[-1], _COMPANIES):
        return name, ""
    return _by_comma(name) or _by_space(name)


def _people(value: str) -> dict[str, Address]:
    people: dict[str, Address] = {}
    for name, spelling in mailboxes(unfold(storable(value))):
        person = make_address(_joined(spelling), name)
        if person:
            people.setdefault(person.key, person)
    return people


def _joined(spelling: str) -> str:
    """Without the white space that RFC 5322 section 4.4 tolerates around "@" and dots."""
    if " " not in spelling or len(spelling) > 2 * MAX_ADDRESS_LENGTH:
        return spelling
    return re.sub(r"\s*([@.])\s*", r"\1", spelling)


def _display_name(name: str) -> str:
    return " ".join(_CONTROL.sub(" ", storable(name)).split())[:MAX_NAME_LENGTH]


def _local_key(local: str) -> str:
    """Quotes that are not needed do not tell two local parts apart (RFC 5321 section 4.1.2)."""
    if len(local) > 1 and local[0] == local[-1] == '"':
        content = re.sub(r"\\(.)", r"\1", local[1:-1])
        local = content if _DOT_ATOM.fullmatch(content) else local
    elif _NOT_IN_LOCAL.search(local):
        return ""
    return _folded(local, "NFC")


def _folded(text: str, form: str) -> str:
    """Case-folded and normalised; twice, for folding can undo what normalising did.

    Domains are lower-cased rather than folded: folding would turn "ß" into "ss".
    """
    for _ in range(2):
        text = unicodedata.normalize("NFC" if form == "NFC" else "NFKC", text)
        text = text.casefold() if form == "NFC" else text.lower()
    return unicodedata.normalize("NFC" if form == "NFC" else "NFKC", text)


def _label(label: str) -> str:
    if label.isascii() or len(label) > MAX_LABEL_LENGTH:
        return label
    encoded = "xn--" + label.encode("punycode").decode("ascii")
    return encoded if len(encoded) <= MAX_LABEL_LENGTH else label


def _person(display_name: str) -> str:
    """The part of a display name that names the person."""
    name = _display_name(display_name).translate(_INVISIBLE)
    name = _VIA.sub("", _REMARK.sub(" ", name))
    name = _ORGANISATION.sub("", " ".join(name.split()))
    return name.strip(" \"'`“”‘’«»,;")


def _by_comma(name: str) -> tuple[str, str] | None:
    """Turns "Smith, John" round, and leaves "John Smith, PhD" alone."""
    parts = [part.strip() for part in name.split(",")]
    named = [part for part in parts if part and not _is_all(part, _QUALIFICATIONS | _TITLES)]
    if len(named) != 2:
        return None
    return _without_titles(named[1]), _without_titles(named[0])


def _by_space(name: str) -> tuple[str, str]:
    first, _, last = _without_titles(name.partition(",")[0]).partition(" ")
    return first, last


def _without_titles(name: str) -> str:
    words = name.split()
    while len(words) > 1 and _is_all(words[0], _TITLES):
        words.pop(0)
    while len(words) > 1 and _is_all(words[-1], _SUFFIXES):
        words.pop()
    return " ".join(words)


def _is_all(text: str, known: frozenset[str]) -> bool:
    words = text.lower().replace(".", "").split()
    return bool(words) and all(word in known for word in words)
