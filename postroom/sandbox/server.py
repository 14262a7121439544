"""What every stand-in shares: its web server, in this event loop or in a thread of its own, and the ways
in which a connection can break.
"""

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from typing import Any, ClassVar

from aiohttp import web
from aiohttp.typedefs import Handler

from .clock import Clock
from .faults import Fault, Faults

_LARGEST_REQUEST = 128 * 1024 * 1024
"""Bytes."""


class StandIn(ABC):
    """A service of one's own, to serve: its routes, and what runs beside its server."""

    name: ClassVar[str]
    settings: Any
    """A dataclass of what can be turned while it runs."""
    lock: threading.RLock
    clock: Clock
    faults: Faults
    received = 0
    """Requests that reached the server, those to the control API aside."""

    @abstractmethod
    def reset(self) -> None:
        """Forget everything but settings."""

    def fault(self, kind: str, **options: object) -> Fault:
        """Let something go wrong; see ``Fault`` for the kinds and options."""
        with self.lock:
            return self.faults.add(Fault(kind, **options))  # type: ignore[arg-type]

    @abstractmethod
    def routes(self) -> list[web.RouteDef]: ...

    def beside(self) -> AbstractAsyncContextManager[object]:
        """What runs while the server does, in its event loop."""
        return nullcontext()

    @asynccontextmanager
    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Serve in this event loop until the block ends; gives the origin. Port 0 picks a free one."""
        runner = web.AppRunner(application(self), access_log=None)
        await runner.setup()
        try:
            async with self.beside():
                await web.TCPSite(runner, host, port).start()
                yield f"http://{host}:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    @contextmanager
    def run(self, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
        """Serve in a thread of its own, for programs without an event loop; gives the origin."""
        thread = _ServerThread(self, host, port)
        thread.start()
        thread.ready.wait()
        if thread.failure:
            raise thread.failure
        try:
            yield thread.origin
        finally:
            thread.end()


def application(stand_in: StandIn) -> web.Application:
    """Every path of the stand-in."""

    @web.middleware
    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith("/sandbox/"):
            stand_in.received += 1
        return await handler(request)

    app = web.Application(client_max_size=_LARGEST_REQUEST, middlewares=[count])
    app.add_routes(stand_in.routes())
    return app


async def break_connection(
    request: web.Request, status: int, headers: Mapping[str, str], body: bytes, *, halfway: bool
) -> web.StreamResponse:
    """Close the connection before the answer, or in the middle of it."""
    broken = web.StreamResponse(status=status, headers=headers)
    broken.content_length = len(body) or 10
    if halfway:
        await broken.prepare(request)
        await broken.write(body[: len(body) // 2])
    if request.transport:
        request.transport.close()
    return broken


class _ServerThread(threading.Thread):
    """Runs an event loop with the server in it."""

    def __init__(self, stand_in: StandIn, host: str, port: int) -> None:
        super().__init__(name=f"{stand_in.name}-sandbox", daemon=True)
        self.ready = threading.Event()
        self.origin = ""
        self.failure: BaseException | None = None
        self._stand_in = stand_in
        self._where = (host, port)
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
        async with self._stand_in.serve(*self._where) as self.origin:
            self.ready.set()
            await self._ended.wait()

    def end(self) -> None:
        if self._loop and self._ended:
            self._loop.call_soon_threadsafe(self._ended.set)
        self.join()
