"""The API as a whole: its operations, its errors, and the document that describes it (OpenAPI 3.1)."""

from functools import cache
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema

from postroom.api.activities.views import router as activities
from postroom.api.description import finished
from postroom.api.destinations.views import router as destinations
from postroom.api.door import BASE
from postroom.api.journal.views import router as journal
from postroom.api.lead_fields.views import router as lead_fields
from postroom.api.lead_sources.views import router as lead_sources
from postroom.api.leads.views import router as leads
from postroom.api.mailboxes.views import router as mailboxes
from postroom.api.me.views import router as me
from postroom.api.paging import known_query
from postroom.api.problems import Kinds, Problem
from postroom.api.reading import JsonParser
from postroom.api.settings.views import router as settings
from postroom.api.users.views import router as users
from postroom.crm.deleting import LeadGone
from postroom.errors import AccountRefused

VERSION = "1.0"
DESCRIPTION = (
    "Leads, mail on leads, journal, mailboxes and settings of one account. Times are UTC (RFC 3339), ids are"
    " JSON numbers below 2^53, errors are problems (RFC 9457)."
)


class Api(NinjaAPI):
    """Ninja's, whose description says what Ninja cannot know."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        return _described(self)

    def on_exception(self, request: HttpRequest, exc: Any) -> HttpResponse:
        """An error as a problem; what is none of ours is Django's to log and to answer."""
        problem = _problem(exc)
        if problem is None:
            raise exc
        return problem.response


@cache
def _described(api: Api) -> OpenAPISchema:
    """Made once: it is the same for everyone."""
    return finished(NinjaAPI.get_openapi_schema(api, path_prefix=BASE))


def make_api() -> Api:
    made = Api(
        title="Postroom",
        version=VERSION,
        description=DESCRIPTION,
        urls_namespace="api",
        docs_url=None,
        parser=JsonParser(),
    )
    made.add_decorator(known_query)
    for router in (
        *(me, leads, lead_fields, lead_sources, activities, journal),
        *(mailboxes, users, settings, destinations),
    ):
        made.add_router("", router)
    return made


def _problem(error: Exception) -> Problem | None:
    match error:
        case Problem():
            return error
        case ValidationError():
            return Problem(Kinds.INVALID, "Some values cannot be used.", _by_field(error))
        case HttpError() if isinstance(error.__cause__, Problem):
            return error.__cause__
        case HttpError():
            return Problem(Kinds.MALFORMED, str(error))
        case LeadGone():
            return Problem(Kinds.NOT_FOUND, str(error))
        case Http404():
            return Problem(Kinds.NOT_FOUND)
        case PermissionDenied():
            return Problem(Kinds.FORBIDDEN)
        case AccountRefused():
            return Problem(Kinds.CONFLICT, str(error))
        case _:
            return None


def _by_field(error: ValidationError) -> dict[str, list[str]]:
    """Sentences by the path of the value, such as ``outbound.keywords.3``; "" for the body as a whole."""
    found: dict[str, list[str]] = {}
    for fault in error.errors:
        where, *path = fault["loc"]
        names = [str(part) for part in (path[1:] if where in {"body", "query"} else path)]
        said = str(fault["msg"]).removeprefix("Value error, ")
        found.setdefault(".".join(names), []).append(f"{said}.")
    return found
