"""The HTML of a mail, made safe to show. It is stored as sent, so that a better sanitizer helps old mail.

nh3 (ammonia) parses and keeps what is listed here; this module adds what mail needs: images held back,
``cid:`` images (RFC 2392), styles without loads or overlays, and quoted history folded. It is meant for a
sandboxed iframe without scripts, whose own Content-Security-Policy allows inline styles.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import unquote

import nh3

from postroom.mail.charsets import storable
from postroom.mail.markup import ENDED_BY, FORMATTING, VOID, attribute_values, names, tokens
from postroom.mail.readable import html_to_text

Cid = Callable[[str], str | None] | Mapping[str, str]
"""From a Content-ID without angle brackets to the URL that serves its part, None where there is none."""

QUOTED = "Quoted text"
"""What a reader clicks to unfold quoted history."""

_TAGS = names(
    "a abbr acronym address article aside b bdi bdo big blockquote br caption center cite code col "
    "colgroup dd del details dfn dir div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header "
    "hr i img ins kbd li main mark nav ol p pre q rp rt ruby s samp section small span strike strong sub "
    "summary sup table tbody td tfoot th thead time tr tt u ul var wbr"
)
_REMOVED_WHOLE = names(
    "applet audio canvas datalist embed frame frameset iframe math noembed noframes noscript object "
    "script style svg template title video"
)
_EVERYWHERE = names("align bgcolor class dir height hidden id lang style title valign width")
_ATTRIBUTES = {
    "*": set(_EVERYWHERE),
    "a": set(names("href")),
    "img": set(names("alt border hspace src vspace")),
    "table": set(names("background border bordercolor cellpadding cellspacing frame rules summary")),
    "tr": set(names("background")),
    "td": set(names("abbr background colspan headers nowrap rowspan scope")),
    "th": set(names("abbr background colspan headers nowrap rowspan scope")),
    "col": set(names("span")),
    "colgroup": set(names("span")),
    "font": set(names("color face size")),
    "hr": set(names("color noshade size")),
    "li": set(names("type value")),
    "ol": set(names("reversed start type")),
    "ul": set(names("type")),
    "details": set(names("open")),
    "time": set(names("datetime")),
}
_STYLES = names(
    "background background-color border border-bottom border-bottom-color border-bottom-style "
    "border-bottom-width border-collapse border-color border-left border-left-color border-left-style "
    "border-left-width border-radius border-right border-right-color border-right-style "
    "border-right-width border-spacing border-style border-top border-top-color border-top-style "
    "border-top-width border-width box-sizing caption-side clear color direction display empty-cells "
    "float font font-family font-size font-style font-variant font-weight height letter-spacing "
    "line-height list-style list-style-position list-style-type margin margin-bottom margin-left "
    "margin-right margin-top max-height max-width min-height min-width opacity overflow overflow-wrap "
    "padding padding-bottom padding-left padding-right padding-top table-layout text-align "
    "text-decoration text-indent text-transform unicode-bidi vertical-align visibility white-space width "
    "word-break word-spacing word-wrap"
)
_STYLE_FUNCTIONS = names("rgb rgba hsl hsla calc")
_STYLE_VALUE = re.compile(r"[\w\s#%.,+\-/'\"!*()]{1,500}")
_STYLE_CALL = re.compile(r"([\w-]*)\s*\(")
_STYLE_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_NOT_IN_URL = re.compile("[\x00-\x20\x7f-\xa0]")
_RASTER = re.compile(r"data:image/(?:png|jpe?g|gif|webp|bmp|avif);base64,[A-Za-z0-9+/=]*", re.IGNORECASE)
_LINKS = names("http https mailto tel")
_SCHEMES = _LINKS | {"cid", "data"}

_QUOTE_CLASSES = names("gmail_quote moz-forward-container protonmail_quote yahoo_quoted")
_QUOTE_STARTS = names("appendonsend divRplyFwdMsg")
"""Ids in front of Outlook's quoted history, which goes on to the end of the element around it."""

_FEW_TAGS = 1000
"""Whatever they are, the parser is done with these in a tenth of a second."""
_MAX_FORMATTING = 500_000
_MAX_NESTING = 20_000_000
"""Most tags times elements open at once: the parser's time and, for formatting elements, its memory."""
_MOST_ESCAPED = 1000
"""Characters in a row, or in an attribute, that are written as ``&amp;`` and ``&nbsp;``: nh3 takes time in
the square of their number, minutes for the largest mail."""
_RUN = re.compile(rf"(?:[&\xa0][^&\xa0]*+){{{_MOST_ESCAPED}}}")
_BREAK = "<!---->"
"""A comment, which goes, and leaves two texts where there was one."""


@dataclass(frozen=True, slots=True)
class SafeHtml:
    """A mail's body, to be shown in the sandboxed frame."""

    html: str
    blocked: int
    """Images and backgrounds that were not loaded, and would be with ``remote_images``."""
    simplified: bool = False
    """The HTML was too entangled to parse; ``html`` is its text alone."""


def safe_html(html: str, *, remote_images: bool, cid: Cid) -> SafeHtml:
    """``html`` without anything that runs, submits, navigates by itself or covers the page.

    Scripts, event handlers, forms, frames, style sheets, SVG and MathML go; inline styles keep properties
    that lay out text, and never load; links open in a new tab and tell nobody where from. Images come
    from the mail itself (``cid``, or raster ``data:``), from the web only with ``remote_images``; without,
    they show their ``alt``. Quoted history is folded, unless the mail consists of nothing else.
    """
    source = _flat(storable(html))
    if _is_entangled(source):
        return SafeHtml(_as_text(html), blocked=0, simplified=True)
    loads = _Loads(remote_images, cid if callable(cid) else cid.get)
    cleaner = nh3.Cleaner(
        tags=set(_TAGS),
        clean_content_tags=set(_REMOVED_WHOLE),
        attributes=_ATTRIBUTES,
        attribute_filter=loads.filter,
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        url_schemes=set(_SCHEMES),
        url_relative="pass_through",
        filter_style_properties=set(_STYLES),
    )
    return SafeHtml(_folded(cleaner.clean(source)), loads.blocked)


@dataclass(slots=True)
class _Loads:
    """Judges every attribute that nh3 would keep; ``blocked`` counts the loads it refused for now."""

    remote_images: bool
    cid: Callable[[str], str | None]
    blocked: int = 0

    def filter(self, tag: str, name: str, value: str) -> str | None:
        if _escaped(value) > _MOST_ESCAPED:
            return None
        if name == "style":
            return _safe_style(value) or None
        if name == "href":
            return value if _scheme(value) in _LINKS else None
        if name in {"src", "background"}:
            # nh3 asks of elements, too, that it is about to drop.
            if name not in _ATTRIBUTES.get(tag, ()):
                return None
            return self._image(_NOT_IN_URL.sub("", value))
        if name == "id":
            return value if value.removeprefix("x_") in _QUOTE_STARTS else None
        if name == "class":
            return value if _quote_class(value) else None
        return value

    def _image(self, url: str) -> str | None:
        url = f"https:{url}" if url.startswith("//") else url
        scheme = _scheme(url)
        if scheme == "cid":
            return self.cid(unquote(url[4:]).strip("<>"))
        if scheme == "data":
            return url if _RASTER.fullmatch(url) else None
        if scheme not in {"http", "https"}:
            return None
        if self.remote_images:
            return url
        self.blocked += 1
        return None


def _scheme(url: str) -> str:
    found = _SCHEME.match(_NOT_IN_URL.sub("", url))
    return found[1].lower() if found else ""


def _safe_style(style: str) -> str:
    """The declarations of a style attribute that lay out text: known properties, no escapes, no url()."""
    declarations = (each.partition(":") for each in _STYLE_COMMENT.sub(" ", style).split(";"))
    return ";".join(
        f"{name.strip().lower()}:{value.strip()}"
        for name, _, value in declarations
        if name.strip().lower() in _STYLES and _is_safe_value(value)
    )


def _is_safe_value(value: str) -> bool:
    calls = {call.lower() for call in _STYLE_CALL.findall(value)}
    return bool(_STYLE_VALUE.fullmatch(value)) and calls <= _STYLE_FUNCTIONS


def _flat(html: str) -> str:
    """``html`` written anew, so that the parser sees exactly the tags that ``_is_entangled`` counts.

    The body becomes a block, for its colours go with the text.
    """
    blocks = {"body": "div", "/body": "/div"}
    written: list[str] = []
    run = 0
    for raw, tag, attributes in tokens(html):
        text = raw.replace("<", "&lt;")
        escaped = _escaped(text)
        run += escaped
        if run > _MOST_ESCAPED:
            # Also where tags lie between, for those that mean nothing part no text.
            text, run = _BREAK + _RUN.sub(rf"\g<0>{_BREAK}", text), min(escaped, _MOST_ESCAPED)
        written.append(text)
        if tag:
            written.append(f"<{blocks.get(tag, tag)}{attributes}>")
    return "".join(written)


def _escaped(text: str) -> int:
    return text.count("&") + text.count("\xa0")


def _is_entangled(html: str) -> bool:
    """Whether parsing may take more than a fraction of a second, or of a gigabyte.

    Counts on the safe side: an element stays open until its own end tag comes in the right place.
    """
    if html.count("<") <= _FEW_TAGS:
        return False
    open_: list[str] = []
    tags = formatting = most = most_formatting = 0
    for _, tag, _ in tokens(html):
        tags += 1
        if tag.startswith("/"):
            formatting -= _close(open_, tag[1:])
        elif tag and tag not in VOID:
            formatting += _open(open_, tag)
            most, most_formatting = max(most, len(open_)), max(most_formatting, formatting)
    return most_formatting * tags > _MAX_FORMATTING or most * tags > _MAX_NESTING


def _open(open_: list[str], name: str) -> bool:
    """Open an element; True if it is a formatting one."""
    while open_ and name in ENDED_BY.get(open_[-1], ()):
        open_.pop()
    open_.append(name)
    return name in FORMATTING


def _close(open_: list[str], name: str) -> bool:
    """Close an element if it is the innermost; True if that is a formatting one."""
    while open_ and open_[-1] != name and open_[-1] in ENDED_BY:
        open_.pop()
    if not open_ or open_[-1] != name:
        return False
    open_.pop()
    return name in FORMATTING


def _as_text(html: str) -> str:
    return f'<div style="white-space:pre-wrap">{escape(html_to_text(html))}</div>'


def _folded(html: str) -> str:
    """Sanitized ``html`` with its outermost quotes in ``<details>``; open where there is no other text."""
    written: list[str] = []
    quote = _Quote()
    own_text = False
    for text, tag, attributes in tokens(html):
        own_text = own_text or (not quote.depth and bool(text.strip()))
        opening, closing = quote.follow(tag, attributes)
        element = f"<{tag}{attributes}>" if tag else ""
        written += (text, "</details>") if closing == "before" else (text,)
        written += ("\0", element) if opening else (element,)
        written += ("</details>",) if closing == "after" else ()
    written += ("</details>",) if quote.depth else ()
    start = f"<details{'' if own_text else ' open'}><summary>{QUOTED}</summary>"
    return "".join(start if piece == "\0" else piece for piece in written)


@dataclass(slots=True)
class _Quote:
    """Follows well-formed HTML through one outermost quote after another."""

    depth: int = 0
    """Elements open inside of the quote, itself included; 0 outside of any."""
    to_the_end: bool = False
    """The quote has no element of its own; it ends with the element around it."""

    def follow(self, tag: str, attributes: str) -> tuple[bool, str]:
        """Whether a quote opens before the tag, and whether one closes "before" or "after" it."""
        if not self.depth:
            return self._opens(tag, attributes), ""
        if tag.startswith("/"):
            self.depth -= 1
            if not self.depth:
                return False, "before" if self.to_the_end else "after"
        elif tag and tag not in VOID:
            self.depth += 1
        return False, ""

    def _opens(self, tag: str, attributes: str) -> bool:
        if not tag or tag.startswith("/") or tag in VOID:
            return False
        values = attribute_values(attributes) if "class" in attributes or "id" in attributes else {}
        self.to_the_end = values.get("id", "").removeprefix("x_") in _QUOTE_STARTS
        if self.to_the_end:
            self.depth = 2
            return True
        self.depth = int(tag == "blockquote" or bool(_quote_class(values.get("class", ""))))
        return bool(self.depth)


def _quote_class(value: str) -> bool:
    return any(each.removeprefix("x_") in _QUOTE_CLASSES for each in value.split())
