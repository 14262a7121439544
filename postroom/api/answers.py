"""Answers of the API: JSON with an ETag, or nothing."""

from hashlib import sha256
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from pydantic import BaseModel


def answer(
    request: HttpRequest, shown: BaseModel, status: int = 200, headers: dict[str, str] | None = None
) -> HttpResponse:
    """The value as JSON; 304 where whoever asks has it already (If-None-Match)."""
    content = shown.model_dump_json(by_alias=True).encode()
    response = HttpResponse(content, status=status, content_type="application/json", headers=headers)
    if status >= 300:
        return response
    response["ETag"] = etag_of(content)
    if request.method != "GET":
        return response
    found = get_conditional_response(request, etag=response["ETag"], response=response)
    return found if isinstance(found, HttpResponse) else response


def page(request: HttpRequest, shown: BaseModel, next: str | None) -> HttpResponse:
    """One page of a list; the header Link names the next one."""
    headers: dict[str, str] = {}
    if next:
        query = [(name, value) for name, values in request.GET.lists() for value in values if name != "after"]
        address = request.build_absolute_uri(f"{request.path}?{urlencode([*query, ('after', next)])}")
        headers["Link"] = f'<{address}>; rel="next"'
    return answer(request, shown, headers=headers)


def nothing() -> HttpResponse:
    """That it was done, and that there is no more to say."""
    return HttpResponse(status=204)


def etag_of(content: bytes) -> str:
    return f'"{sha256(content).hexdigest()[:32]}"'


def etag_of_shown(shown: BaseModel) -> str:
    """The ETag with which ``answer`` shows the value."""
    return etag_of(shown.model_dump_json(by_alias=True).encode())
