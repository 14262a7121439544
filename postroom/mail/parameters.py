"""Parameters of Content-Type and Content-Disposition (RFC 2045 section 5.1, RFC 2183, RFC 2231)."""

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from types import MappingProxyType
from urllib.parse import unquote_to_bytes

from postroom.mail.charsets import decode_text, storable
from postroom.mail.headers import decode_words, unfold

MAX_PARAMETERS = 100
"""Parameters read of one field; further ones are passed over."""

_PARAMETER = re.compile(r';\s*+([^\s=;"]++)\s*+=\s*+("(?:[^"\\]++|\\.)*+"?|[^;]*+)', re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\])')
_SECTION = re.compile(r"(?P<name>[^*]+)(?:\*(?P<number>\d{1,3}))?(?P<encoded>\*)?")


REMEMBERED_LENGTH = 100
"""Characters of a field that is kept in mind with what it says; "text/plain; charset=utf-8" is everywhere."""


def parse_parameters(value: str) -> tuple[str, Mapping[str, str]]:
    """The field's own value in lower case, and its decoded parameters by lower-case name.

    Encoded words (RFC 2047) are decoded as well: they are not allowed here, yet common.
    """
    return _remembered(value) if len(value) <= REMEMBERED_LENGTH else _parse(value)


def _parse(value: str) -> tuple[str, Mapping[str, str]]:
    value = unfold(storable(value))
    main = next(iter(value.partition(";")[0].lower().split()), "")
    sections: dict[str, dict[int, tuple[str, bool]]] = {}
    for match in islice(_PARAMETER.finditer(value), MAX_PARAMETERS):
        section = _SECTION.fullmatch(match[1].lower())
        if section:
            number = int(section["number"] or 0)
            parts = sections.setdefault(section["name"], {})
            parts.setdefault(number, (_unquoted(match[2]), bool(section["encoded"])))
    return main, MappingProxyType({name: _joined(parts) for name, parts in sections.items()})


_remembered = lru_cache(maxsize=1024)(_parse)


def _unquoted(value: str) -> str:
    value = value.strip()
    if not value.startswith('"'):
        return value
    # A lone backslash stays, for Windows programs write whole paths without escaping them.
    return _ESCAPED.sub(r"\1", value[1:].removesuffix('"'))


def _joined(parts: dict[int, tuple[str, bool]]) -> str:
    """Sections in order (RFC 2231 section 3); only the first names the charset (section 4)."""
    ordered = [parts[number] for number in sorted(parts)]
    if not any(encoded for _, encoded in ordered):
        return decode_words("".join(text for text, _ in ordered)).strip()
    charset = ""
    if ordered[0][1] and ordered[0][0].count("'") >= 2:
        charset, _, text = ordered[0][0].split("'", 2)
        ordered[0] = (text, True)
    raw = b"".join(
        unquote_to_bytes(text) if encoded else text.encode("utf-8", "replace") for text, encoded in ordered
    )
    return decode_text(raw, charset)[0].strip()
