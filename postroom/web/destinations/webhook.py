"""A webhook: where it goes and what it tells; its secret is shown once."""

from datetime import UTC, datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from postroom.destinations.managing import (
    DestinationChanged,
    DestinationRefused,
    create_destination,
    secrets_of,
)
from postroom.destinations.models import Destination
from postroom.destinations.webhooks.settings import from_data, to_data
from postroom.destinations.webhooks.signing import new_secrets, rotated
from postroom.sync import delivering
from postroom.web.destinations.forms import WebhookForm
from postroom.web.destinations.frame import get_destination, show, stash
from postroom.web.sentences import told
from postroom.web.setup.frame import configurer
from postroom.web.viewer import viewer

SECRET = "webhook_secret"


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    user = configurer(request)
    form = WebhookForm(request.POST or None, initial=WebhookForm.initial_of(from_data({}), "", 0))
    if request.method == "POST" and form.is_valid():
        secrets, name = new_secrets(), form.cleaned_data["name"]
        try:
            made = create_destination(user.account, "webhook", name, to_data(form.chosen()), secrets, user)
        except DestinationRefused as error:
            form.add_error("name", told(error))
        else:
            stash(request, SECRET, {str(made.pk): secrets["secret"]})
            messages.success(request, _("%(name)s is added. Send a test to it now.") % {"name": made.name})
            return redirect("destination", made.pk)
    return show(request, "destinations/webhook.html", {"form": form}, 422 if form.errors else 200)


def edit(request: HttpRequest, destination: Destination) -> HttpResponse:
    """Called by ``views.edit``, which fetched the destination together with the right to it."""
    chosen = from_data(destination.settings)
    initial = WebhookForm.initial_of(chosen, destination.name, destination.version)
    form = WebhookForm(request.POST or None, initial=initial)
    if (
        request.method == "POST"
        and form.is_valid()
        and form.save_to(destination, viewer(request), to_data(form.chosen()))
    ):
        messages.success(request, _("Saved."))
        return redirect("destination", destination.pk)
    context = {"form": form, "destination": destination}
    return show(request, "destinations/webhook.html", context, form.status)


@require_POST
def rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """A new secret, shown once; the one before signs as well for a day."""
    destination = get_destination(request, pk, kind="webhook")
    secrets = rotated(secrets_of(destination), datetime.now(UTC))
    try:
        delivering.save(destination, version=destination.version, by=viewer(request), secrets=secrets)
    except (DestinationChanged, DestinationRefused) as error:
        messages.error(request, told(error))
    else:
        stash(request, SECRET, {str(pk): secrets["secret"]})
        messages.success(request, _("There is a new secret. The one before signs as well for 24 hours."))
    return redirect("destination", pk)
