"""The reference page: every operation, what it takes and answers, and every type of problem."""

from functools import cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from postroom.api.door import BASE
from postroom.api.problems import Kinds
from postroom.api.tokens import LIMIT
from postroom.api.urls import api
from postroom.web.api_reference.reading import Operation, sections
from postroom.web.viewer import viewer


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    viewer(request)
    context = {
        "sections": _sections(),
        "problems": [kind.value for kind in Kinds],
        "sample": f'curl -H "Authorization: Bearer prm_…" {settings.POSTROOM.public_url}{BASE}leads',
        "document": "openapi.json",
        "limit": LIMIT,
    }
    return render(request, "api_reference/page.html", context)


@cache
def _sections() -> dict[str, list[Operation]]:
    return sections(api.get_openapi_schema())
