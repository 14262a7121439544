"""The routes, which need a token instead of a signed-in user."""

from collections.abc import Sequence

from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern, URLResolver, path

from postroom.api.service import make_api


def _without_sign_in(patterns: Sequence[URLPattern | URLResolver]) -> None:
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            login_not_required(pattern.callback)


api = make_api()
_patterns, _app, _namespace = api.urls
_without_sign_in(_patterns)
urlpatterns = [path("", (_patterns, _app, _namespace))]
