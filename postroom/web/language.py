"""Pages are in the language that the viewer chose."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import translation

from postroom.organisations.models import User


class LanguageMiddleware:
    """Activates the signed-in user's language; without one, Django has activated the browser's.

    It stays active, for a download is still being written after the view has answered; Django's
    own middleware sets it anew with every request.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if isinstance(request.user, User) and request.user.language:
            translation.activate(request.user.language)
        return self._get_response(request)
