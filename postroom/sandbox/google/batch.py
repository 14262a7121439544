"""Several Gmail calls in one request: ``/batch/gmail/v1``.

Source: "Batching requests" of the Gmail API guides. Each part is an HTTP request; each part of the
answer carries ``Content-ID: <response-...>``. At most 100 calls; each is charged like a call of its own.
"""

import secrets
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from aiohttp import web

from .errors import invalid_argument
from .gmail import Answer, Inquiry, respond

if TYPE_CHECKING:
    from .sandbox import GoogleSandbox

_LARGEST_BATCH = 100


def routes(sandbox: "GoogleSandbox") -> list[web.RouteDef]:
    async def handle(request: web.Request) -> web.Response:
        parts = _parts(request.headers.get("Content-Type", ""), await request.read())
        if len(parts) > _LARGEST_BATCH:
            message = f"The number of batch requests exceeds the limit of {_LARGEST_BATCH}."
            return web.Response(
                status=400, body=invalid_argument(message).body(), content_type="application/json"
            )
        outer = request.headers.get("Authorization", "")
        answers = [(part, await respond(sandbox, _inquiry(part, outer))) for part in parts]
        boundary = f"batch_{secrets.token_urlsafe(16)}"
        body = b"".join(_piece(boundary, part, answer) for part, answer in answers)
        kind = f"multipart/mixed; boundary={boundary}"
        return web.Response(body=body + f"--{boundary}--\r\n".encode(), headers={"Content-Type": kind})

    return [web.post("/batch/gmail/v1", handle), web.post("/batch", handle)]


def _parts(content_type: str, body: bytes) -> list[Message]:
    whole = BytesParser(policy=compat32).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    return list(_children(whole))


def _children(whole: Message) -> Iterator[Message]:
    payload = whole.get_payload()
    if isinstance(payload, list):
        yield from (part for part in payload if isinstance(part, Message))


def _inquiry(part: Message, outer: str) -> Inquiry:
    content = part.get_payload(decode=True)
    text = content if isinstance(content, bytes) else b""
    line, _, rest = text.lstrip().partition(b"\n")
    verb, target, *_ = [*line.decode("ascii", "replace").split(), "", ""]
    inner = BytesParser(policy=compat32).parsebytes(rest)
    body = inner.get_payload(decode=True)
    url = urlsplit(target)
    authorization = str(inner.get("Authorization", "") or outer)
    return Inquiry(
        verb, unquote(url.path), url.query, authorization, body if isinstance(body, bytes) else b""
    )


def _piece(boundary: str, part: Message, answer: Answer) -> bytes:
    content_id = str(part.get("Content-ID", "")).strip().removeprefix("<")
    reason = HTTPStatus(answer.status).phrase
    headers = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
    head = (
        f"--{boundary}\r\nContent-Type: application/http\r\nContent-ID: <response-{content_id}\r\n\r\n"
        f"HTTP/1.1 {answer.status} {reason}\r\n{headers}Content-Length: {len(answer.body)}\r\n\r\n"
    )
    return head.encode() + answer.body + b"\r\n"
