"""The line by which a mail is recognised before it is opened: the beginning of what its writer wrote."""

from postroom.mail.quotes import split_quotes
from postroom.mail.readable import html_to_text, plain_text

LENGTH = 240
_LOOKED_AT = 20_000
"""Characters that a preview is made of."""


def preview(text: str, html: str) -> str:
    """The first words of a body in one line, at most ``LENGTH`` characters; "" where there are none.

    As in ``mail.readable``, of a mail in HTML and in plain text the HTML counts. Quoted history is shown only
    where there is nothing else.
    """
    readable = (html_to_text(html)[:_LOOKED_AT] if html else "") or plain_text(text[:_LOOKED_AT])
    own, quoted = split_quotes(readable)
    line = " ".join((own.strip() or quoted).split())
    return line if len(line) <= LENGTH else line[: LENGTH - 1].rstrip() + "…"
