"""What the control APIs under ``/sandbox/`` share: answers and mistakes as JSON, faults, settings, the clock.

Answers are JSON; a mistake in the request is 400 with ``{"error": ...}``, an unknown thing 404.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from dataclasses import fields as dataclass_fields
from typing import Any, Generic, TypeVar

import orjson
from aiohttp import web

from .server import StandIn

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[Any]]
Table = list[tuple[str, str, Handler]]
"""Verb, path, handler."""
S = TypeVar("S", bound=StandIn)


class CommonControl(Generic[S]):
    """The handlers that every stand-in has, over one of them."""

    def __init__(self, sandbox: S) -> None:
        self.sandbox = sandbox

    def table(self) -> Table:
        return [
            ("POST", "/sandbox/reset", self.reset),
            ("GET", "/sandbox/faults", self.faults),
            ("POST", "/sandbox/faults", self.add_fault),
            ("DELETE", "/sandbox/faults", self.clear_faults),
            ("DELETE", "/sandbox/faults/{id}", self.remove_fault),
            ("GET", "/sandbox/settings", self.settings),
            ("PATCH", "/sandbox/settings", self.change_settings),
            ("POST", "/sandbox/clock", self.advance),
        ]

    async def reset(self, request: web.Request) -> Json:
        self.sandbox.reset()
        return {}

    async def faults(self, request: web.Request) -> Json:
        return {"faults": [asdict(fault) for fault in self.sandbox.faults.waiting]}

    async def add_fault(self, request: web.Request) -> Json:
        """``kind`` and the other fields of ``Fault``."""
        return asdict(self.sandbox.fault(**await read_body(request)))

    async def clear_faults(self, request: web.Request) -> Json:
        self.sandbox.faults.clear()
        return {}

    async def remove_fault(self, request: web.Request) -> Json:
        self.sandbox.faults.remove(int(request.match_info["id"]))
        return {}

    async def settings(self, request: web.Request) -> Json:
        return asdict(self.sandbox.settings) | self.limits()

    async def change_settings(self, request: web.Request) -> Json:
        """Any fields of ``Settings``."""
        known = {field.name for field in dataclass_fields(self.sandbox.settings)}
        for name, value in (await read_body(request)).items():
            if name not in known:
                raise ValueError(f"no such setting: {name}")
            setattr(self.sandbox.settings, name, value)
        return await self.settings(request)

    def limits(self) -> Json:
        """What is shown beside the settings."""
        return {}

    async def advance(self, request: web.Request) -> Json:
        """``seconds``: let that much time pass at once."""
        self.sandbox.clock.advance(float((await read_body(request))["seconds"]))
        return {"now": self.sandbox.clock.now()}


def to_routes(
    table: Table, mistakes: tuple[type[Exception], ...] = (TypeError, ValueError)
) -> list[web.RouteDef]:
    """``mistakes``: what a handler raises of a request that is wrong."""
    return [web.route(verb, path, _answering(handler, mistakes)) for verb, path, handler in table]


async def read_body(request: web.Request) -> Json:
    """Raises ``ValueError`` for anything but an object; {} where there is none."""
    content = await request.read()
    value = orjson.loads(content) if content else {}
    if not isinstance(value, dict):
        raise ValueError("the body must be a JSON object")
    return value


def _answering(
    handler: Handler, mistakes: tuple[type[Exception], ...]
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Answers what the handler gives, and its mistakes as JSON too."""

    async def handle(request: web.Request) -> web.Response:
        status = 200
        try:
            answer = await handler(request)
        except KeyError as error:
            status, answer = 404, {"error": f"not found or missing: {error.args[0]}"}
        except mistakes as error:
            status, answer = 400, {"error": str(error)}
        return web.Response(body=orjson.dumps(answer), status=status, content_type="application/json")

    return handle
