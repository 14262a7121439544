"""A LeadSquared destination: keys first, then what mail becomes there, then which field takes what."""

from collections.abc import Collection, Mapping

from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from postroom.crm.fields import fields_of
from postroom.destinations.leadsquared import catalogue
from postroom.destinations.leadsquared.offers import Offers, look_up
from postroom.destinations.managing import (
    DestinationRefused,
    create_destination,
    secrets_of,
)
from postroom.destinations.models import Destination
from postroom.errors import PostroomError
from postroom.web.destinations.forms import KeysForm, LeadSquaredForm, NewTypesForm, TypesForm
from postroom.web.destinations.frame import get_destination, show, stash, stashed, take
from postroom.web.sentences import told
from postroom.web.setup.frame import configurer
from postroom.web.viewer import viewer

PENDING = "leadsquared_new"
GET_OR_POST = require_http_methods(["GET", "POST"])


@GET_OR_POST
def new(request: HttpRequest) -> HttpResponse:
    """The first step: an account and keys that open it."""
    configurer(request)
    form = KeysForm(False, request.POST or None, initial={"name": "LeadSquared", "plan": "pro", "version": 0})
    if request.method == "POST" and form.is_valid():
        secrets = form.secrets() or {}
        if _opens(form, secrets):
            kept = {name: form.cleaned_data[name] for name in ("name", "region", "plan")}
            stash(request, PENDING, {**kept, "secrets": secrets})
            return redirect("destination_new_leadsquared_types")
    context = {"form": form, "is_new": True}
    return show(request, "destinations/leadsquared_keys.html", context, 422 if form.errors else 200)


@GET_OR_POST
def new_types(request: HttpRequest) -> HttpResponse:
    """The second step: what mail becomes there. With it the destination is made."""
    user = configurer(request)
    pending = stashed(request, PENDING)
    if not pending:
        return redirect("destination_new_leadsquared")
    offers, fault = _offers(str(pending["region"]), _mapping(pending["secrets"]))
    form = NewTypesForm(offers.types, request.POST or None, initial=TypesForm.guessed(offers.types))
    if request.method == "POST" and form.is_valid():
        kept = {"region": pending["region"], "plan": pending["plan"]}
        try:
            made = create_destination(
                user.account,
                "leadsquared",
                str(pending["name"]),
                {**form.initial, **form.values(), **kept},
                _mapping(pending["secrets"]),
                user,
                history_days=form.cleaned_data["history"],
            )
        except DestinationRefused as error:
            form.add_error(None, told(error))
        else:
            take(request, PENDING)
            said = _("%(name)s is added. Mail that syncs from now on is delivered there.")
            messages.success(request, said % {"name": made.name})
            return redirect("destination", made.pk)
    context = {"form": form, "fault": fault, "name": pending["name"]}
    return show(request, "destinations/leadsquared_types.html", context, 422 if form.errors else 200)


def edit(request: HttpRequest, destination: Destination) -> HttpResponse:
    """Called by ``views.edit``, which fetched the destination together with the right to it."""
    held = destination.settings
    codes = [code for side in ("sent", "received") if isinstance(code := held.get(f"{side}_code"), int)]
    offers, fault = _offers(str(held.get("region", "")), secrets_of(destination), codes)
    own = fields_of(destination.account_id)
    initial = {**TypesForm.guessed(()), **held, "name": destination.name, "version": destination.version}
    form = LeadSquaredForm(held, offers, own, request.POST or None, initial=initial)
    if (
        request.method == "POST"
        and form.is_valid()
        and form.save_to(destination, viewer(request), form.chosen())
    ):
        catalogue.forget()
        messages.success(request, _("Saved. What waits is delivered by these settings."))
        return redirect("destination", destination.pk)
    context = {"form": form, "destination": destination, "fault": fault}
    return show(request, "destinations/leadsquared.html", context, form.status)


@GET_OR_POST
def keys(request: HttpRequest, pk: int) -> HttpResponse:
    """Other keys, or another account: tried before they are kept."""
    destination = get_destination(request, pk, kind="leadsquared")
    held = destination.settings
    initial = {
        "name": destination.name,
        "version": destination.version,
        "region": held.get("region", ""),
        "plan": held.get("plan", "pro"),
    }
    form = KeysForm(True, request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        secrets = form.secrets() or secrets_of(destination)
        chosen = {name: form.cleaned_data[name] for name in ("region", "plan")}
        if _opens(form, secrets) and form.save_to(destination, viewer(request), {**held, **chosen}, secrets):
            catalogue.forget()
            messages.success(request, _("LeadSquared answers to these keys. They are saved."))
            return redirect("destination", pk)
    context = {"form": form, "destination": destination}
    return show(request, "destinations/leadsquared_keys.html", context, form.status)


def _opens(form: KeysForm, secrets: Mapping[str, object]) -> bool:
    """Whether LeadSquared answers to the keys; where not, the form says why."""
    _found, fault = _offers(form.cleaned_data["region"], secrets)
    if fault:
        form.add_error("access_key", fault)
    return not fault


def _offers(region: str, secrets: Mapping[str, object], codes: Collection[int] = ()) -> tuple[Offers, str]:
    """What can be chosen there; or nothing, and why."""
    try:
        return async_to_sync(look_up)(settings.POSTROOM, region, secrets, codes), ""
    except PostroomError as error:
        return Offers(), told(error)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
