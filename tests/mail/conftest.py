"""Reads mails written in a test the way a provider's bytes are read."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from postroom.mail.message import Message
from postroom.mail.mime import read_mime

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def read() -> Callable[[str | bytes], Message]:
    """A mail with CRLF line ends, from text that has plain ones."""

    def read(source: str | bytes) -> Message:
        raw = source.replace("\n", "\r\n").encode() if isinstance(source, str) else source
        return read_mime(raw, received_at=NOON)

    return read
