"""How a line of the log is written: without the links that let whoever holds them in.

Django writes the path of every request that it refuses, and the link of an invitation, or to a new password,
is one: whoever reads the log could use it first.
"""

import logging
import re

_LINK = re.compile(r"(/(?:invitation|password/reset)/)[^/\s?]{20,}")


class Line(logging.Formatter):
    """As ``logging.Formatter``, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        return _LINK.sub(r"\1…", super().format(record))
