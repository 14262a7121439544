"""Several Graph requests in one: ``/$batch``.

Source: "Combine multiple HTTP requests using JSON batching": at most 20; ids unique; each is charged and
answered by itself, 429 included; ``dependsOn`` orders them and fails with 424 behind a failure. What is not
JSON comes as base64.
"""

import asyncio
from base64 import b64encode
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson

from . import errors
from .errors import GraphError
from .graph import Answer, Inquiry, Method, respond

if TYPE_CHECKING:
    from .sandbox import MicrosoftSandbox

Json = dict[str, Any]
LARGEST = 20


async def respond_all(sandbox: "MicrosoftSandbox", methods: tuple[Method, ...], outer: Inquiry) -> Answer:
    try:
        requests = _read(outer.body)
        answers: dict[str, asyncio.Future[Answer]] = {}
        loop = asyncio.get_running_loop()
        for request in requests:
            answers[request["id"]] = loop.create_future()
        await asyncio.gather(*(_one(sandbox, methods, outer, each, answers) for each in requests))
    except GraphError as refused:
        return _refused(refused, sandbox)
    told = [_told(request["id"], answers[request["id"]].result()) for request in requests]
    return Answer(200, orjson.dumps({"responses": told}), {"Content-Type": "application/json"})


async def _one(
    sandbox: "MicrosoftSandbox",
    methods: tuple[Method, ...],
    outer: Inquiry,
    request: Json,
    answers: "dict[str, asyncio.Future[Answer]]",
) -> None:
    before = [await answers[each] for each in request.get("dependsOn", ())]
    if any(answer.status >= 400 for answer in before):
        answer = _refused(GraphError(424, message="Failed Dependency"), sandbox)
    else:
        answer = await respond(sandbox, methods, _inquiry(outer, request))
    answers[request["id"]].set_result(answer)


def _read(body: bytes) -> list[Json]:
    try:
        requests = orjson.loads(body)["requests"]
        ids = [str(request["id"]).lower() for request in requests]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise errors.bad_request("Unable to read JSON request payload.") from None
    if len(requests) > LARGEST:
        raise errors.bad_request(f"Number of batch request steps exceeds the maximum value of {LARGEST}.")
    if len(set(ids)) != len(ids):
        raise errors.bad_request("Each request's id must be unique in the batch.")
    known: set[str] = set()
    for request in requests:
        if not set(request.get("dependsOn", ())) <= known:
            raise errors.bad_request("A request can only depend on requests before it.")
        known.add(request["id"])
    return requests


def _inquiry(outer: Inquiry, request: Json) -> Inquiry:
    path, _, query = str(request.get("url", "")).partition("?")
    headers = {"authorization": outer.headers.get("authorization", "")}
    headers |= {str(name).lower(): str(value) for name, value in request.get("headers", {}).items()}
    body = orjson.dumps(request["body"]) if "body" in request else b""
    verb = str(request.get("method", "GET")).upper()
    return Inquiry(verb, "/" + path.lstrip("/"), query.replace(" ", "%20"), headers, body, outer.origin)


def _told(id: str, answer: Answer) -> Json:
    is_json = "json" in answer.headers.get("Content-Type", "")
    body = orjson.loads(answer.body) if is_json and answer.body else b64encode(answer.body).decode() or None
    return {"id": id, "status": answer.status, "headers": answer.headers, "body": body}


def _refused(error: GraphError, sandbox: "MicrosoftSandbox") -> Answer:
    number = str(uuid4())
    body = orjson.dumps(error.body(number, number, sandbox.clock.now()))
    return Answer(error.status, body, {"Content-Type": "application/json"})
