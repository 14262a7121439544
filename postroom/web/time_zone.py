"""Times are shown in the viewer's own time zone."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from postroom.organisations.models import User


class TimeZoneMiddleware:
    """Activates the signed-in user's time zone for the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        zone = ZoneInfo(request.user.time_zone if isinstance(request.user, User) else "UTC")
        with timezone.override(zone):
            return self._get_response(request)
