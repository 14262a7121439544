"""A running sandbox, Rita's mailbox in it, and somewhere for notifications to go."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from aiohttp import web

from postroom.providers.http import open_session
from postroom.sandbox.microsoft import MicrosoftSandbox
from tests.providers.outlook.room import Intake, OutlookRoom, prepare


@pytest.fixture(scope="package")
def _served() -> Iterator[tuple[MicrosoftSandbox, str]]:
    sandbox = MicrosoftSandbox()
    with sandbox.run() as origin:
        yield sandbox, origin


@pytest.fixture
def microsoft(_served: tuple[MicrosoftSandbox, str]) -> MicrosoftSandbox:
    """Empty but for Rita and the app; served for all these tests, because its signing keys cost most."""
    sandbox, _ = _served
    sandbox.reset()
    sandbox.settings = type(sandbox.settings)()
    prepare(sandbox)
    return sandbox


@pytest.fixture
def intake() -> Intake:
    return Intake()


@pytest_asyncio.fixture
async def room(
    microsoft: MicrosoftSandbox, intake: Intake, _served: tuple[MicrosoftSandbox, str]
) -> AsyncIterator[OutlookRoom]:
    app = web.Application()
    app.router.add_route("POST", "/push", intake.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with open_session() as session:
        yield OutlookRoom(microsoft, _served[1], session, f"http://127.0.0.1:{runner.addresses[0][1]}/push")
    await runner.cleanup()
