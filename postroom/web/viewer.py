"""Who looks at a page. By LoginRequiredMiddleware every page wants a signed-in user, unless it says so."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from postroom.connector.mailboxes import own_mailbox
from postroom.connector.models import Mailbox
from postroom.organisations.models import User


def viewer(request: HttpRequest) -> User:
    """The signed-in user."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def shell(request: HttpRequest) -> dict[str, object]:
    """What the frame around every page shows: the viewer's own mailbox, for its warnings."""
    if not isinstance(request.user, User):
        return {}
    return {"shell_mailbox": _mailbox_of(request.user)}


def _mailbox_of(user: User) -> Mailbox | None:
    return own_mailbox(user)
