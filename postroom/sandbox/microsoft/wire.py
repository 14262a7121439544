"""Graph over HTTP: requests to inquiries, answers to responses, and what a fault does to them on the wire."""

from typing import TYPE_CHECKING

from aiohttp import web

from ..server import break_connection
from . import batch
from .graph import Answer, Inquiry, respond
from .methods import METHODS

if TYPE_CHECKING:
    from .sandbox import MicrosoftSandbox

_WORTH_PACKING = 1024
"""Bytes."""


def routes(sandbox: "MicrosoftSandbox") -> list[web.RouteDef]:
    async def handle(request: web.Request) -> web.StreamResponse:
        inquiry = Inquiry(
            verb=request.method,
            path=request.raw_path.partition("?")[0].removeprefix("/v1.0"),
            query=request.raw_path.partition("?")[2],
            headers={name.lower(): value for name, value in request.headers.items()},
            body=await request.read(),
            origin=f"{request.scheme}://{request.host}",
        )
        if inquiry.path == "/$batch" and inquiry.verb == "POST":
            answer = await batch.respond_all(sandbox, METHODS, inquiry)
        else:
            answer = await respond(sandbox, METHODS, inquiry)
        return await _send(request, answer, gzip=sandbox.settings.gzip)

    return [web.route("*", "/v1.0/{path:.*}", handle)]


async def _send(request: web.Request, answer: Answer, *, gzip: bool) -> web.StreamResponse:
    if answer.mishap:
        halfway = answer.mishap == "truncate"
        return await break_connection(request, answer.status, answer.headers, answer.body, halfway=halfway)
    response = web.Response(status=answer.status, body=answer.body, headers=answer.headers)
    if gzip and len(answer.body) > _WORTH_PACKING and "json" in answer.headers.get("Content-Type", ""):
        response.enable_compression()
    return response
