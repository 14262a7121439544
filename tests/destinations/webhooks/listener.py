"""An endpoint of a customer's on a real socket, which checks signatures by the reference library."""

import asyncio
import random
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, ClassVar

from aiohttp import web
from standardwebhooks import Webhook

from postroom.sandbox.server import StandIn


@dataclass(slots=True)
class Seen:
    """A request that took effect."""

    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Listener(StandIn):
    name: ClassVar[str] = "listener"
    secret: str = ""
    seen: list[Seen] = field(default_factory=list)
    refused: str = ""
    """Subject of what it never takes."""
    lost: int = 0
    """Requests whose answer it never gives."""
    statuses: list[int] = field(default_factory=list)
    """What the next requests are answered, 0 for what is usual."""
    always: int = 0
    answer_headers: dict[str, str] = field(default_factory=dict)
    answer: bytes = b""
    requests: int = 0
    arrived: threading.Condition = field(default_factory=threading.Condition)
    origin: str = ""
    _running: ExitStack = field(default_factory=ExitStack)

    @property
    def ids(self) -> set[str]:
        """Of everything that took effect; what is repeated counts once."""
        return {seen.headers["webhook-id"] for seen in self.seen}

    def reset(self) -> None:
        self.seen.clear()

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/hook", self._hook)]

    def start(self, port: int = 0) -> None:
        self.origin = self._running.enter_context(self.run(port=port))

    def stop(self) -> None:
        self._running.close()

    def start_again(self) -> None:
        self.start(int(self.origin.rpartition(":")[2]))

    async def _hook(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        sent = await request.read()
        status = self.always or (self.statuses.pop(0) if self.statuses else 0)
        if status:
            return web.Response(status=status, headers=self.answer_headers, body=self.answer)
        body = Webhook(self.secret).verify(sent, dict(request.headers))
        if self.refused and body["data"].get("activity", {}).get("subject") == self.refused:
            return web.Response(status=422, text="No such thing here.")
        self.seen.append(Seen(dict(request.headers), body))
        with self.arrived:
            self.arrived.notify_all()
        if self.lost and body["type"].startswith("activity."):
            self.lost -= 1
            assert request.transport is not None
            request.transport.abort()
            await asyncio.sleep(0)
        return web.Response(status=200, text="ok")

    def dice(self, share: float, times: int) -> None:
        rolled = random.Random(1)
        self.statuses = [500 if rolled.random() < share else 0 for _ in range(times)]
