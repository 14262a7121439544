"""A running sandbox, and Rita's mailbox in it."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from postroom.providers.http import open_session
from postroom.sandbox.google import GoogleSandbox
from tests.providers.gmail.room import GmailRoom, prepare


@pytest.fixture(scope="package")
def _served() -> Iterator[tuple[GoogleSandbox, str]]:
    sandbox = GoogleSandbox()
    with sandbox.run() as origin:
        yield sandbox, origin


@pytest.fixture
def google(_served: tuple[GoogleSandbox, str]) -> GoogleSandbox:
    """Empty but for Rita and the client; served for all these tests, because its signing keys cost most."""
    sandbox, _ = _served
    sandbox.reset()
    sandbox.settings = type(sandbox.settings)()
    sandbox.tokens.settings = sandbox.settings
    prepare(sandbox)
    return sandbox


@pytest_asyncio.fixture
async def room(google: GoogleSandbox, _served: tuple[GoogleSandbox, str]) -> AsyncIterator[GmailRoom]:
    async with open_session() as session:
        yield GmailRoom(google, _served[1], session)
