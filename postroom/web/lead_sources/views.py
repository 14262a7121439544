"""The list of lead sources; rename, merge, delete."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from postroom.connector import lead_sources
from postroom.connector.policies import current_settings
from postroom.crm.models import LeadSource
from postroom.crm.sources import SourceRefused, sources_of
from postroom.errors import PostroomError
from postroom.organisations.access import may_configure
from postroom.organisations.models import User
from postroom.web.sentences import told
from postroom.web.viewer import viewer


@require_http_methods(["GET", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """The sources with the number of their leads, and the form of a new one."""
    user = _configurer(request)
    name, error = request.POST.get("name", ""), ""
    if request.method == "POST":
        try:
            source = lead_sources.add(user.account, name, user)
        except SourceRefused as refusal:
            error = told(refusal)
        else:
            messages.success(request, _("%(name)s is a lead source now.") % {"name": source.name})
            return redirect("lead_sources")
    settings = current_settings(user.account_id)
    context = {
        "sources": sources_of(user.account),
        "in_settings": {settings.inbound.lead_source, settings.outbound.lead_source} - {""},
        "name": name,
        "error": error,
    }
    return render(request, "lead_sources/index.html", context, status=422 if error else 200)


@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Rename; or, for one that leads have, merge into another."""
    user = _configurer(request)
    source = get_source_for(user, pk)
    name, error = request.POST.get("name") or source.name, ""
    if request.method == "POST":
        try:
            lead_sources.rename(source, name, user)
        except PostroomError as refusal:
            error = told(refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("lead_sources")
    source = get_source_for(user, pk)
    context = {
        "source": source,
        "others": sources_of(user.account).exclude(pk=pk),
        "name": name,
        "error": error,
    }
    return render(request, "lead_sources/change.html", context, status=422 if error else 200)


@require_POST
def merge(request: HttpRequest, pk: int) -> HttpResponse:
    user = _configurer(request)
    source = get_source_for(user, pk)
    into = request.POST.get("into", "")
    if not (into.isascii() and into.isdigit() and len(into) < 18):
        messages.error(request, _("Choose the lead source that stays."))
        return redirect("lead_source", pk)
    stays = get_source_for(user, int(into))
    try:
        number = lead_sources.merge(source, stays, user)
    except PostroomError as refusal:
        messages.error(request, told(refusal))
        return redirect("lead_source", pk)
    said = ngettext(
        "%(number)s lead has the source %(name)s now.",
        "%(number)s leads have the source %(name)s now.",
        number,
    )
    messages.success(request, said % {"number": number, "name": stays.name})
    return redirect("lead_sources")


@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    user = _configurer(request)
    source = get_source_for(user, pk)
    try:
        lead_sources.delete(source, user)
    except SourceRefused as refusal:
        messages.error(request, told(refusal))
    else:
        messages.success(request, _("The lead source %(name)s was deleted.") % {"name": source.name})
    return redirect("lead_sources")


def get_source_for(user: User, pk: int) -> LeadSource:
    """A lead source of the user's account with the number of its ``leads``, or a 404."""
    return get_object_or_404(sources_of(user.account), pk=pk)


def _configurer(request: HttpRequest) -> User:
    user = viewer(request)
    if not may_configure(user):
        raise PermissionDenied
    return user
