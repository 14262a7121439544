"""HTML as a flat run of tokens, read once from left to right (WHATWG HTML, section 13.2.5 Tokenization).

No tree is built. A tree costs time in elements times depth, and memory without bound where formatting
elements stay open (section 13.2.4.3, "reconstruct the active formatting elements"): 30 kB of hostile mail
take 700 MB in Lexbor, 100 kB exhaust a machine. Tokens cost what the text is long.
"""

import re
from collections.abc import Iterator
from html import unescape


def names(text: str) -> frozenset[str]:
    """The words of ``text``."""
    return frozenset(text.split())


VOID = names(
    "area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr"
)
"""Elements without an end tag (section 13.1.2)."""
FORMATTING = names("a b big code em font i nobr s small strike strong tt u")
"""Elements whose end tag may come out of order (section 13.2.4.3)."""
BLOCKS = names(
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset "
    "figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html legend li "
    "listing main menu nav ol optgroup option p pre search section select summary table tbody textarea "
    "tfoot thead tr ul xmp"
)
"""Elements that begin and end a line (section 15.3)."""

_ROWS = names("tr tbody tfoot")
ENDED_BY: dict[str, frozenset[str]] = {
    "p": BLOCKS,
    "li": names("li"),
    "dt": names("dt dd"),
    "dd": names("dt dd"),
    "option": names("option optgroup"),
    "td": _ROWS | names("td th"),
    "th": _ROWS | names("td th"),
    "tr": _ROWS,
}
"""Which start tags end an open element that has no end tag of its own (section 13.1.2.4)."""

_ATTRIBUTE = re.compile(
    r"""(?P<name>[^\t\n\f\r />][^\t\n\f\r />=]*+)
        (?:[\t\n\f\r ]*+=[\t\n\f\r ]*+(?P<value>"[^"]*+"|'[^']*+'|[^\t\n\f\r >"'][^\t\n\f\r >]*+)?+)?+""",
    re.VERBOSE,
)
_TAG_REST = rf"(?:[\t\n\f\r /]++|{re.sub(r'[?]P<[a-z]+>', '?:', _ATTRIBUTE.pattern)})*+"
_UNSEEN = "script|style|title|iframe|noembed|noframes"
_TOKEN = re.compile(
    rf"""
    (?P<text>[^<]*+(?:<(?![A-Za-z/!?])[^<]*+)*+)
    (?: <(?:(?P<unseen>{_UNSEEN})(?=[\t\n\f\r />]){_TAG_REST}>
            (?:[^<]++|<(?!/(?P=unseen)[\t\n\f\r />]))*+(?:</(?P=unseen){_TAG_REST}>)?
        | (?P<tag>/?[A-Za-z][^\t\n\f\r />]*+)(?P<attributes>{_TAG_REST})>)
      | <!--(?:-?>|(?:[^-]++|-(?!-!?>))*+--!?>)
      | <(?!!--|/[A-Za-z])[!?/][^>]*+>
      | \Z
      | <[\s\S]*+
    )""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)


def tokens(html: str) -> Iterator[tuple[str, str, str]]:
    """Text with the tag behind it, and that tag's attributes as written.

    The tag is in lower case, an end tag as "/p", "" for none. Entities are not decoded. Comments do not
    come, nor elements whose content is never shown: scripts, styles, titles, frames. As in a browser, a
    tag or comment that never ends takes the rest of the text with it.
    """
    for found in _TOKEN.finditer(html):
        text, _, tag, attributes = found.groups()
        if tag:
            yield text, tag.lower(), attributes
        elif text:
            yield text, "", ""


def attribute_values(attributes: str) -> dict[str, str]:
    """The attributes of a tag by lower-case name, entities decoded; the first of one name counts."""
    values: dict[str, str] = {}
    for name, value in _ATTRIBUTE.findall(attributes):
        bare = value[1:-1] if value[:1] in {'"', "'"} else value
        values.setdefault(name.lower(), unescape(bare))
    return values
