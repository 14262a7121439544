"""The line by which a mail is recognised before it is opened: the beginning of what its writer wrote."""

from collections.abc import Iterator

from postroom.mail.quotes import split_quotes
from postroom.mail.readable import html_to_text, plain_text

LENGTH = 240
_LOOKED_AT = 4_000
"""Characters that a preview is made of."""
_FIRST_LOOK = 1_200
"""Characters of plain text that are mostly enough."""
_HTML_LOOKS = (4_000, 16_000)
"""Characters of HTML that are mostly enough, but for those that begin with long styles."""
_ENOUGH = 2 * LENGTH
"""Characters of the writer's own in one line, after which no more is looked at: so many that where the
beginning was cut, which may be through a quoted header, does not show."""


def preview(text: str, html: str) -> str:
    """The first words of a body in one line, at most ``LENGTH`` characters; "" where there are none.

    As in ``mail.readable``, of a mail in HTML and in plain text the HTML counts. Quoted history is shown only
    where there is nothing else.
    """
    own = quoted = ""
    for beginning in _beginnings(text, html):
        own, quoted = (_in_one_line(half) for half in split_quotes(beginning))
        if len(own) > _ENOUGH:
            break
    line = own or quoted
    return line if len(line) <= LENGTH else line[: LENGTH - 1].rstrip() + "…"


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


def _beginnings(text: str, html: str) -> Iterator[str]:
    """What a reader sees first: more of it each time, at most ``_LOOKED_AT`` characters."""
    if html:
        for looked_at in _HTML_LOOKS:
            if len(html) > looked_at:
                # Not through a tag, or the rest of it would be text.
                readable = html_to_text(html[:looked_at].rpartition("<")[0])
                yield readable[:_LOOKED_AT]
                if len(readable) >= _LOOKED_AT:
                    return
        if readable := html_to_text(html):
            yield readable[:_LOOKED_AT]
            return
    if len(text) > _FIRST_LOOK:
        yield plain_text(text[:_FIRST_LOOK])
    yield plain_text(text[:_LOOKED_AT])
