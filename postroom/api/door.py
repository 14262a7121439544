"""The door of the API, before and behind everything else that a request passes.

Whatever a browser sends along counts for nothing here: neither cookies, so that no session ever
authenticates a request, nor the language, so that the API speaks English. And whatever comes back that is an
error, also of Django's own making, leaves as a problem.
"""

from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from postroom.api.auth import limits_of
from postroom.api.problems import CONTENT_TYPE, Kinds, Problem, problem_of

BASE = "/api/v1/"
LARGEST_BODY = 1_000_000
"""Bytes."""
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class ApiDoor:
    """Middleware; does nothing to requests of other addresses."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(BASE):
            return self._get_response(request)
        for name in ("HTTP_COOKIE", "HTTP_ACCEPT_LANGUAGE"):
            request.META.pop(name, None)
        if request.method != "HEAD":
            return self._answer(request)
        # As GET, but without the content (RFC 9110, section 9.3.2).
        request.method = "GET"
        return _without_content(self._answer(request))

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        try:
            _refuse(request)
        except Problem as problem:
            return _finished(request, problem.response)
        return _finished(request, self._get_response(request))


def _refuse(request: HttpRequest) -> None:
    """Raise ``Problem`` for what no operation could take."""
    if "HTTP_TRANSFER_ENCODING" in request.META and request.method in WITH_BODY:
        raise Problem(Kinds.LENGTH)
    said = request.META.get("CONTENT_LENGTH") or "0"
    if not (said.isascii() and said.isdigit()) or len(said) > 18:
        raise Problem(Kinds.MALFORMED, "Content-Length is no number of bytes.")
    if int(said) > LARGEST_BODY:
        raise Problem(Kinds.TOO_LARGE)
    if int(said) and request.method in WITH_BODY and request.content_type != "application/json":
        raise Problem(Kinds.MEDIA_TYPE)
    _refuse_text(request.META.get("QUERY_STRING", ""))


def _refuse_text(query: str) -> None:
    try:
        text = unquote_to_bytes(query.replace("+", " ")).decode()
    except UnicodeDecodeError as error:
        raise Problem(Kinds.INVALID, "The query is not encoded in UTF-8.") from error
    if "\x00" in text:
        raise Problem(Kinds.INVALID, "The query holds a null character, which nothing here does.")


def _without_content(response: HttpResponseBase) -> HttpResponseBase:
    headers = {name: value for name, value in response.items() if name != "Content-Length"}
    return HttpResponse(status=response.status_code, headers=headers)


def _finished(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    is_problem = response.headers.get("Content-Type") == CONTENT_TYPE
    if response.status_code >= 400 and not is_problem and isinstance(response, HttpResponse):
        response = problem_of(response)
    for name, value in limits_of(request).items():
        response[name] = value
    if "Cache-Control" not in response:
        response["Cache-Control"] = "private, no-cache"
    return response
