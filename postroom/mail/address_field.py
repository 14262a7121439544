"""The syntax of an address field: which words are a display name and which an address.

Follows RFC 5322 sections 3.4 and 4.4 as far as the sender did, and then goes on. It reads the value
once, left to right; ``addresses`` judges what it finds.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from postroom.mail.headers import ENCODED_WORD, decode_words

_TOKEN = re.compile(
    rf"(?P<word>{ENCODED_WORD})"
    r'|(?P<quoted>"(?:[^"\\]++|\\.)*+")'
    r"|(?P<literal>\[[^\[\]]*+\])"
    r'|(?P<plain>[^\s"(),:;<>\[\]\\=]++)'
    r"|(?P<white>\s++)"
    r"|(?P<mark>.)",
    re.DOTALL,
)
_UNQUOTED_TOKEN = re.compile(r"(?P<plain>[^\s\"(),:;<>\\]++)|(?P<white>\s++)|(?P<mark>.)", re.DOTALL)
_PARENTHESIS = re.compile(r"\\.|[()]", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(slots=True)
class _Mailbox:
    """What has been read of one mailbox so far."""

    pieces: list[str] = field(default_factory=list[str])
    """Outside of angle brackets; " " for white space."""
    inside: list[str] = field(default_factory=list[str])
    """Inside of angle brackets."""
    name: str = ""
    comment: str = ""
    open: bool = False
    closed: bool = False

    def close(self) -> None:
        """The angle bracket ends: what stood before it was the display name."""
        self.name, self.pieces = phrase(self.pieces), []
        self.open, self.closed = False, True


def mailboxes(value: str) -> Iterator[tuple[str, str]]:
    """Display name and address spelling of each mailbox in an unfolded field, in order.

    The spelling may be nonsense, the name "". Encoded words are decoded only here, after the structure
    is known, so that a comma or bracket inside of one cannot forge an address.
    """
    current, fragment = _Mailbox(), ""
    for token in _tokens(value):
        if current.open:
            if _inside(current, token):
                continue
            current.close()
            if token == ">":
                continue
        if token in {",", ";", "<", ":"}:
            yield from _finished(current, fragment, before_bracket=token == "<")
            fragment = _fragment(current, fragment, token)
            current = _next(current, token)
        elif token.startswith("("):
            current.comment = current.comment or token[1:-1]
        elif token not in {">", ")", "\\", '"'}:
            current.pieces.append(token)
    if current.open:
        current.close()
    yield from _finished(current, fragment, before_bracket=False)


def phrase(pieces: Iterable[str]) -> str:
    """Words as a person reads them: unquoted, decoded, single-spaced."""
    text = "".join(_unquoted(piece) for piece in pieces)
    return " ".join(decode_words(text).split())


def _tokens(value: str) -> Iterator[str]:
    """Cut ``value``; a comment comes whole, white space as " ".

    A quote or parenthesis that never closes is taken as a character, and from then on so is every
    other: that saves what follows it, and keeps the time linear.
    """
    pattern, comments, position = _TOKEN, True, 0
    while match := pattern.match(value, position):
        token, position = match[0], match.end()
        if token == "(" and comments:
            end = _comment_end(value, position)
            comments = end > 0
            if comments:
                token, position = value[position - 1 : end], end
        elif token == '"':
            pattern = _UNQUOTED_TOKEN
        yield " " if match.lastgroup == "white" else token


def _comment_end(value: str, start: int) -> int:
    """Where the comment that opened before ``start`` ends, -1 for never; comments nest."""
    depth = 1
    for match in _PARENTHESIS.finditer(value, start):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if not depth:
            return match.end()
    return -1


def _inside(current: _Mailbox, token: str) -> bool:
    """Take a token inside of angle brackets; False where it ends them."""
    routed = bool(current.inside) and current.inside[0].startswith("@")
    if token in {">", ";"} or (token == "," and not routed):
        return False
    if token in {":", "<"}:
        # A source route, or "mailto:", or a doubled bracket: the address is what follows.
        current.inside.clear()
    elif not token.startswith("("):
        current.inside.append(token)
    return True


def _fragment(current: _Mailbox, fragment: str, token: str) -> str:
    """Words that a comma cut off: most likely the last name in an unquoted "Smith, John <j@x.y>"."""
    if token == "<" and not current.closed:
        return fragment
    words = phrase(current.pieces) if token == "," and not current.closed else ""
    return "" if "@" in words else words


def _next(current: _Mailbox, token: str) -> _Mailbox:
    """What follows a mailbox; before a bracket the words since then are its display name."""
    if token == "<":
        return _Mailbox(pieces=current.pieces, comment=current.comment, open=True)
    return _Mailbox()


def _finished(current: _Mailbox, fragment: str, *, before_bracket: bool) -> Iterator[tuple[str, str]]:
    """The mailboxes that a stretch of the field holds: one in brackets, or any number of bare ones."""
    if current.closed:
        trailing = "" if before_bracket else phrase(current.pieces)
        name = ", ".join(filter(None, [fragment, current.name]))
        yield name or decode_words(current.comment) or trailing, "".join(current.inside)
    elif not before_bracket:
        yield from _bare(current)


def _bare(current: _Mailbox) -> Iterator[tuple[str, str]]:
    """Addresses without brackets; the words around a single one are its name."""
    words = _words(current.pieces)
    spellings = [word for word in words if "@" in word]
    rest = phrase(" ".join(word for word in words if "@" not in word)) if len(spellings) == 1 else ""
    for spelling in spellings:
        yield rest or decode_words(current.comment), spelling


def _words(pieces: Iterable[str]) -> list[str]:
    """Words between white space; around "@", and before a dot after it, there may be some (section 4.4)."""
    words: list[list[str]] = [[]]
    for piece in pieces:
        last = words[-1]
        if piece == " ":
            words.append([])
        elif not last and len(words) > 1 and _continues(words[-2], piece):
            words.pop()
            words[-1].append(piece)
        else:
            last.append(piece)
    return ["".join(word) for word in words if word]


def _continues(word: list[str], piece: str) -> bool:
    """Whether ``piece`` belongs to the word before the white space."""
    if not word:
        return False
    if piece.startswith("@") or word[-1].endswith("@"):
        return True
    return word[-1] == "." or (piece.startswith(".") and any("@" in each for each in word))


def _unquoted(piece: str) -> str:
    if len(piece) > 1 and piece[0] == piece[-1] == '"':
        return _ESCAPED.sub(r"\1", piece[1:-1])
    return piece
