"""The line by which a mail is recognised before it is opened: the beginning of what its writer wrote."""

from postroom.mail.quotes import split_quotes
from postroom.mail.readable import html_to_text, plain_text

LENGTH = 240
_LOOKED_AT = 4_000
"""Characters that a preview is made of."""
_HTML_LOOKED_AT = 16_000
"""Characters of HTML that make more text than a preview holds, but for those that begin with long styles."""


def preview(text: str, html: str) -> str:
    """The first words of a body in one line, at most ``LENGTH`` characters; "" where there are none.

    As in ``mail.readable``, of a mail in HTML and in plain text the HTML counts. Quoted history is shown only
    where there is nothing else.
    """
    readable = _beginning(html) or plain_text(text[:_LOOKED_AT])
    own, quoted = split_quotes(readable)
    line = " ".join((own.strip() or quoted).split())
    return line if len(line) <= LENGTH else line[: LENGTH - 1].rstrip() + "…"


def _beginning(html: str) -> str:
    """The first ``_LOOKED_AT`` characters of the text, or fewer where that is enough for a preview."""
    if len(html) > _HTML_LOOKED_AT:
        # Not through a tag, or the rest of it would be text.
        text = html_to_text(html[:_HTML_LOOKED_AT].rpartition("<")[0])
        if len(text) >= _LOOKED_AT:
            return text[:_LOOKED_AT]
    return html_to_text(html)[:_LOOKED_AT] if html else ""
