"""Requests that are larger than anything Postroom takes are refused before a byte is read.

Django reads a form, files included, to find its CSRF token: before it knows who asks.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class BodySizeMiddleware:
    """413 for a body that says it is larger than ``LARGEST_BODY``; one that says nothing is not read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        said = request.META.get("CONTENT_LENGTH") or "0"
        if not (said.isascii() and said.isdigit()):
            return HttpResponse("The length of the request is no number.\n", "text/plain", status=400)
        if len(said) > 18 or int(said) > settings.LARGEST_BODY:
            return HttpResponse("The request is too large.\n", "text/plain", status=413)
        return self._get_response(request)
