"""Text that its sender wrapped softly: ``format=flowed``, made paragraphs again (RFC 3676).

A line that ends in a space goes on in the next one, if that is quoted as deep; ">" in front tells how
deep, and a space behind it, or in front of the line, only protects what follows.
"""

from collections.abc import Iterator

_SIGNATURE = "-- "
"""The line above a signature, which ends in a space and still goes on nowhere (section 4.3)."""


def unflow(text: str, deletes_space: bool) -> str:
    """The text with each paragraph on one line, ``\\n`` between them, and its quotes as deep as before.

    ``deletes_space`` is the parameter DelSp: the space at the end of a line is no part of the text.
    """
    return "\n".join(_paragraphs(text.replace("\r\n", "\n").split("\n"), deletes_space))


def _paragraphs(lines: list[str], deletes_space: bool) -> Iterator[str]:
    pieces, within = list[str](), 0
    for line in lines:
        depth, content = _unquoted(line)
        if pieces and (depth != within or content == _SIGNATURE):
            # Nothing to go on with, against section 4.5: what was there is a paragraph all the same.
            yield _quoted("".join(pieces).rstrip(" "), within)
            pieces.clear()
        within = depth
        if content.endswith(" ") and content != _SIGNATURE:
            pieces.append(content[:-1] if deletes_space else content)
        else:
            yield _quoted("".join([*pieces, content]), depth)
            pieces.clear()
    if pieces:
        yield _quoted("".join(pieces).rstrip(" "), within)


def _unquoted(line: str) -> tuple[int, str]:
    """How deep a line is quoted, and what it says."""
    content = line.lstrip(">")
    return len(line) - len(content), content.removeprefix(" ")


def _quoted(content: str, depth: int) -> str:
    if depth:
        return f"{'>' * depth} {content}" if content else ">" * depth
    # A ">" that is text must not become a quote.
    return f" {content}" if content.startswith(">") else content
