"""Pages of which htmx may ask for a part."""

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers


def render_part(request: HttpRequest, page: str, part: str, context: Mapping[str, object]) -> HttpResponse:
    """The template ``part`` for htmx, the whole ``page`` for a browser that goes there or back to it."""
    asked = request.headers.get("HX-Request") and not request.headers.get("HX-History-Restore-Request")
    response = render(request, part if asked else page, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def searched(request: HttpRequest) -> str:
    """What was typed into the search field ``q``; PostgreSQL's text holds no null character."""
    return request.GET.get("q", "").replace("\x00", "").strip()[:200]
