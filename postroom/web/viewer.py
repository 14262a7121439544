"""Who looks at a page. By ``sign_in.required`` every page wants a signed-in user, unless it says so."""

from functools import partial

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from postroom.organisations.models import User
from postroom.web.frame import frame_of


def viewer(request: HttpRequest) -> User:
    """The signed-in user."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def shell(request: HttpRequest) -> dict[str, object]:
    """What the frame around every page shows and offers."""
    if not isinstance(request.user, User):
        return {}
    return {"frame": SimpleLazyObject(partial(frame_of, request.user))}
