"""The way back from a provider's consent page."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from postroom.connector.models import Provider
from postroom.web.consent.pending import Purpose, take
from postroom.web.my_inbox.views import connected
from postroom.web.setup.provider import approved


@require_GET
def callback(request: HttpRequest, provider: Provider) -> HttpResponse:
    """Where the provider sends people back to, with a code or with the reason why there is none."""
    pending = take(request, provider)
    if pending is None:
        said = _("This consent was not begun here, or is completed already. Please start again.")
        messages.error(request, said)
        return redirect("my_inbox")
    if pending.purpose == Purpose.ORGANISATION:
        return approved(request, provider)
    return connected(request, provider, pending.verifier)
