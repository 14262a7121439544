"""The text a reader sees of a mail: for keywords, search and previews (R-035).

What counts as seen: text and the ``alt`` of images, for mail programs hold images back and show it.
What does not: scripts, styles, comments, titles, ``<noscript>``, ``<template>``, and elements hidden by
the ``hidden`` attribute or their own style (``display: none``, ``visibility: hidden``, ``opacity: 0``, no
height with ``overflow: hidden``), as preheaders are. ``font-size: 0`` hides the text it applies to, yet not
that of an element inside with a size of its own, for layouts set it on whole tables. Rules in a
``<style>`` are not applied: what they hide counts as seen.
"""

import re
from html import unescape

from postroom.mail.charsets import storable
from postroom.mail.markup import BLOCKS, ENDED_BY, FORMATTING, VOID, attribute_values, names, tokens
from postroom.mail.message import Message

_PARAGRAPHS = names("p h1 h2 h3 h4 h5 h6 blockquote pre ul ol dl table hr figure xmp listing")
_PREFORMATTED = names("pre xmp listing textarea")
_NEVER_SHOWN = names("noscript template datalist")

_LINE, _EMPTY_LINE, _PARAGRAPH, _CELL = "line", "empty line", "paragraph", "cell"
_BREAKS = {
    f"{slash}{name}": kind
    for slash in ("", "/")
    for kind, elements in (
        (_LINE, BLOCKS - _PARAGRAPHS),
        (_PARAGRAPH, _PARAGRAPHS),
        (_CELL, names("td th")),
        (_EMPTY_LINE, names("br")),
    )
    for name in elements
}
"""What a tag does to the line."""
_MARKED = {"img"} | _PREFORMATTED | {f"/{name}" for name in _PREFORMATTED}

_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0]"
)
_JOINER = re.compile("[\u200c\u200d](?![\u0300-\U0010ffff])|(?<![\u0300-\U0010ffff])[\u200c\u200d]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x7f]")
_HIDING_WORDS = ("hidden", "none", "font-size", "opacity", "collapse")
_ZERO = re.compile(r"(?=\.?0)0*+(?:\.0*+)?+\s*+(?:[a-z]{2,4}|%)?+\s*+(?:!.*+)?+", re.DOTALL)
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)

_SHOWN, _TINY, _HIDDEN = 0, 1, 2
_INHERIT = -1


def readable_text(message: Message) -> str:
    """What a reader sees of the body; "" where there is nothing to read.

    Of a mail in HTML and in plain text that is the HTML, for mail programs show it; the other form may say
    anything. To take words from both would sync mail for a keyword that nobody sees, and what the policy
    leaves out must never be stored. Only HTML without any text (R-035 has nothing to match there) gives
    way to the plain text.
    """
    return (html_to_text(message.html) if message.html else "") or plain_text(message.text)


def html_to_text(html: str) -> str:
    """The text a reader sees of ``html``.

    Blocks begin lines, paragraphs are set apart by an empty line, cells of a row by a tab; within a line
    white space of any kind is one space, and tags do not split words. ``<pre>`` keeps its lines and spaces.
    Soft hyphens, zero-width and direction characters vanish; joiners stay in scripts and emoji that need
    them. Takes any string, in time linear in its length.
    """
    lines, sight = _Lines(), _Sight()
    for text, tag, attributes in tokens(html):
        if text and not sight.state:
            lines.write(unescape(text) if "&" in text else text)
        if attributes or sight.regions or tag in _NEVER_SHOWN:
            sight.follow(tag, attributes)
        if tag in _BREAKS and sight.state != _HIDDEN:
            lines.end(_BREAKS[tag])
        if tag in _MARKED and not sight.state:
            lines.mark(tag, attributes)
    return storable(visible(lines.text()))


def plain_text(text: str) -> str:
    """Plain text without the characters that nobody sees, with ``\\n`` for every line break."""
    text = storable(text).replace("\r\n", "\n").replace("\r", "\n")
    return visible(text).strip("\n")


def visible(text: str) -> str:
    """``text`` without soft hyphens, zero-width, direction and control characters.

    White space stays. A joiner (U+200C, U+200D) stays where it stands between characters beyond Latin,
    for there it can change letters or make one emoji of two.
    """
    if text.isascii():
        return _CONTROL.sub("", text)
    text = _INVISIBLE.sub("", text)
    return _JOINER.sub("", text) if "\u200c" in text or "\u200d" in text else text


class _Lines:
    """The text so far, as lines of cells."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._cells: list[str] = []
        self._pieces: list[str] = []
        self._preformatted = 0

    def write(self, text: str) -> None:
        if not self._preformatted:
            if self._pieces or not text.isspace():
                self._pieces.append(text)
            return
        first, *others = text.replace("\r\n", "\n").split("\n")
        self._pieces.append(first)
        for line in others:
            self.end(_EMPTY_LINE)
            self._pieces.append(line)

    def mark(self, tag: str, attributes: str) -> None:
        """An element that says something by itself."""
        if tag == "img":
            alt = attribute_values(attributes).get("alt") if "alt" in attributes.lower() else ""
            self._pieces.append(f" {alt} " if alt else "")
        elif tag.startswith("/"):
            self._preformatted = max(0, self._preformatted - 1)
        else:
            self._preformatted += 1

    def end(self, kind: str) -> None:
        """End the cell or line, if there is one; empty lines never follow one another."""
        if self._pieces:
            self._end_cell()
        if kind is _CELL:
            return
        if self._cells:
            self._lines.append("\t".join(self._cells))
            self._cells.clear()
            if kind is _EMPTY_LINE:
                return
        if kind is not _LINE and self._lines and self._lines[-1]:
            self._lines.append("")

    def text(self) -> str:
        self.end(_LINE)
        return "\n".join(self._lines).strip("\n")

    def _end_cell(self) -> None:
        text = "".join(self._pieces)
        self._pieces.clear()
        text = text if text.isascii() else visible(text)
        text = text.rstrip() if self._preformatted else " ".join(text.split())
        if text:
            self._cells.append(text)


class _Sight:
    """Whether text at this place is seen. Elements are followed only inside of one that changes it."""

    def __init__(self) -> None:
        self.state = _SHOWN
        self.regions: list[tuple[str, int]] = []
        """Name of each element open since one changed the state, and the state outside of it."""
        self._counts: dict[str, int] = {}
        self._effects: dict[str, int] = {}

    def follow(self, tag: str, attributes: str) -> None:
        if tag.startswith("/"):
            self._leave(tag[1:])
            return
        while self.regions and tag in ENDED_BY.get(self.regions[-1][0], ()):
            self._pop()
        if tag in VOID:
            return
        state = self.state if self.state == _HIDDEN else self._state(tag, attributes)
        if self.regions or state != self.state:
            self.regions.append((tag, self.state))
            self._counts[tag] = self._counts.get(tag, 0) + 1
            self.state = state

    def _state(self, tag: str, attributes: str) -> int:
        """The state inside of an element."""
        if tag in _NEVER_SHOWN:
            return _HIDDEN
        effect = self._effects.get(attributes)
        if effect is None:
            # Most elements of a mail repeat the attributes of others.
            effect = self._effects[attributes] = _effect(attributes)
        return self.state if effect == _INHERIT else effect

    def _leave(self, name: str) -> None:
        if self._counts.get(name):
            while self._pop() != name:
                pass
        elif name not in FORMATTING and name not in {"p", "br"}:
            # It ends an element around all of these.
            self.regions.clear()
            self._counts.clear()
            self.state = _SHOWN

    def _pop(self) -> str:
        name, self.state = self.regions.pop()
        self._counts[name] -= 1
        return name


def _effect(attributes: str) -> int:
    """What the attributes of an element do to the text in it."""
    written = attributes.lower()
    if not any(word in written for word in _HIDING_WORDS):
        return _INHERIT
    values = attribute_values(attributes)
    if "hidden" in values:
        return _HIDDEN
    style = _declarations(values.get("style", ""))
    if (
        style.get("display", "").startswith("none")
        or style.get("visibility", "").startswith(("hidden", "collapse"))
        or _is_zero(style, "opacity")
        or (style.get("overflow", "").startswith("hidden") and _is_zero(style, "height", "max-height"))
    ):
        return _HIDDEN
    if "font-size" not in style:
        return _INHERIT
    return _TINY if _is_zero(style, "font-size") else _SHOWN


def _declarations(style: str) -> dict[str, str]:
    """The properties of a style attribute in lower case; the last of one name counts."""
    each = (declaration.partition(":") for declaration in _COMMENT.sub("", style).lower().split(";"))
    return {name.strip(): value.strip() for name, _, value in each}


def _is_zero(style: dict[str, str], *properties: str) -> bool:
    return any(_ZERO.fullmatch(style.get(name, "")) for name in properties)
