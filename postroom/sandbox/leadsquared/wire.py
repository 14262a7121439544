"""The API and the files host over HTTP: requests to inquiries, answers to responses.

Source for files: "Upload a File" (the form's parts; the answer's ``uploadedFile`` is the name by which
leads, activities and attachments refer to the file). The rest of that answer is what integrations expect.
The files host is served from the same origin, ``/File/Upload``; what was uploaded can be had again at the
address that the answer names.
"""

import re
from typing import TYPE_CHECKING

import orjson
from aiohttp import web
from aiohttp.web_request import FileField

from ..server import break_connection
from . import activity_methods, api, errors, lead_methods, user_methods, values
from .api import Answer, Inquiry
from .errors import LsqError

if TYPE_CHECKING:
    from .sandbox import LeadSquaredSandbox

METHODS = api.table(*lead_methods.METHODS, *activity_methods.METHODS, *user_methods.METHODS)
_UNSAFE = re.compile(r"[^\w.\-]+")


def routes(sandbox: "LeadSquaredSandbox") -> list[web.RouteDef]:
    wire = Wire(sandbox)
    return [
        web.route("*", "/v2/{path:.*}", wire.call),
        web.post("/File/Upload", wire.upload),
        web.get("/files/{name}", wire.download),
    ]


class Wire:
    """The handlers, over one sandbox."""

    def __init__(self, sandbox: "LeadSquaredSandbox") -> None:
        self.sandbox = sandbox

    async def call(self, request: web.Request) -> web.StreamResponse:
        inquiry = Inquiry(
            verb=request.method,
            path=request.match_info["path"],
            query={name.lower(): value for name, value in request.query.items()},
            headers={name.lower(): value for name, value in request.headers.items()},
            body=await request.read(),
            origin=_origin(request),
        )
        return await _send(request, await api.respond(self.sandbox, METHODS, inquiry))

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """The keys are parts of the form here."""
        form = await request.post() if request.content_type == "multipart/form-data" else {}
        given = {name.lower(): value for name, value in form.items()}
        counts = self.sandbox.ledger.counts["File/Upload"]
        counts.made += 1
        try:
            api.user_of(self.sandbox, str(given.get("accesskey")), str(given.get("secretkey")))
            file = given.get("uploadfiles")
            if not isinstance(file, FileField):
                raise errors.missing("uploadFiles", "uploading file")
        except LsqError as refused:
            counts.refused += 1
            return web.json_response(refused.body(), status=refused.status)
        with self.sandbox.lock:
            name = f"{values.guid(self.sandbox.random)}-{_UNSAFE.sub('_', file.filename)}"
            self.sandbox.files[name] = (file.filename, file.file.read())
        where = f"{_origin(request)}/files/{name}"
        paths = {"uploadedFile": name, "relativeFilePath": where, "s3FilePath": where}
        answer = {"Status": "Success"} | paths | {"description": None}
        return web.Response(body=orjson.dumps(answer), content_type="application/json")

    async def download(self, request: web.Request) -> web.Response:
        """As a file to save, whatever is in it."""
        found = self.sandbox.files.get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
        return web.Response(body=found[1], content_type="application/octet-stream", headers=headers)


def _origin(request: web.Request) -> str:
    return f"{request.scheme}://{request.host}"


async def _send(request: web.Request, answer: Answer) -> web.StreamResponse:
    if answer.mishap:
        halfway = answer.mishap == "truncate"
        return await break_connection(request, answer.status, answer.headers, answer.body, halfway=halfway)
    return web.Response(status=answer.status, body=answer.body, headers=answer.headers)
