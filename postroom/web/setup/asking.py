"""What a dialog asks before something is switched off, and the answer to leave it on."""

from django.contrib import messages
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _


def left_on(request: HttpRequest, name: str, value: str | None) -> QueryDict | None:
    """All that was entered, with the switch ``name`` as it was, if the answer is to leave it on; else None.

    Nothing is saved by that, and nothing of what was entered is lost. ``value`` None: it is not ticked.
    """
    if "keep" not in request.POST.getlist("confirmed"):
        return None
    data = request.POST.copy()
    if value is None:
        data.pop(name, None)
    else:
        data[name] = value
    messages.info(request, _("It stays on. Nothing is saved yet."))
    return data
