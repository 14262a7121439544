"""The sandbox's web server: one aiohttp application, in this event loop or in a thread of its own."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from . import control, pages, signin, wire

if TYPE_CHECKING:
    from .sandbox import MicrosoftSandbox

_LARGEST_REQUEST = 128 * 1024 * 1024
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(sandbox: "MicrosoftSandbox") -> web.Application:
    """Every path of the sandbox."""

    @web.middleware
    async def count(request: web.Request, handler: _Handler) -> web.StreamResponse:
        if not request.path.startswith("/sandbox/"):
            sandbox.received += 1
        return await handler(request)

    app = web.Application(client_max_size=_LARGEST_REQUEST, middlewares=[count])
    app.add_routes(control.routes(sandbox))
    app.add_routes(pages.routes(sandbox))
    app.add_routes(wire.routes(sandbox))
    app.add_routes(signin.routes(sandbox))
    return app


@asynccontextmanager
async def serve(sandbox: "MicrosoftSandbox", host: str, port: int) -> AsyncIterator[str]:
    """Serve until the block ends; gives the origin. Port 0 picks a free one."""
    runner = web.AppRunner(application(sandbox), access_log=None)
    await runner.setup()
    await sandbox.notifier.start()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await sandbox.notifier.stop()
        await runner.cleanup()


@contextmanager
def run_in_thread(sandbox: "MicrosoftSandbox", host: str, port: int) -> Iterator[str]:
    """Serve from a daemon thread until the block ends."""
    thread = _ServerThread(sandbox, host, port)
    thread.start()
    thread.ready.wait()
    if thread.failure:
        raise thread.failure
    try:
        yield thread.origin
    finally:
        thread.end()


class _ServerThread(threading.Thread):
    """Runs an event loop with the server in it."""

    def __init__(self, sandbox: "MicrosoftSandbox", host: str, port: int) -> None:
        super().__init__(name="microsoft-sandbox", daemon=True)
        self.ready = threading.Event()
        self.origin = ""
        self.failure: BaseException | None = None
        self._where = (sandbox, host, port)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None

    def run(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError as error:
            self.failure = error
            self.ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        async with serve(*self._where) as self.origin:
            self.ready.set()
            await self._ended.wait()

    def end(self) -> None:
        if self._loop and self._ended:
            self._loop.call_soon_threadsafe(self._ended.set)
        self.join()
