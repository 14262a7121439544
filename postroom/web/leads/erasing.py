"""Erasing a person from the whole account, and the record of it (R-083). For administrators only."""

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from postroom.connector.erasing import begin_erasure, erasures_of, mails_of, person_of
from postroom.connector.jobs import erase_soon
from postroom.crm.access import may_erase
from postroom.crm.models import Erasure, Lead
from postroom.organisations.models import User
from postroom.web.leads.views import get_lead_for
from postroom.web.paging import page_of
from postroom.web.viewer import viewer

SIZE = 50


@require_http_methods(["GET", "POST"])
def erase(request: HttpRequest, pk: int) -> HttpResponse:
    """What would go, and the word that must be typed."""
    user = _eraser(request)
    lead = get_lead_for(user, pk)
    word, typed = lead.email or lead.name, request.POST.get("word", "").strip()
    if request.method == "POST" and typed.casefold() == word.casefold():
        with transaction.atomic():
            erasure = begin_erasure(lead, user)
            erase_soon(erasure)
        return redirect("erasure", erasure.pk)
    person = person_of(lead)
    context = {
        "lead": lead,
        "word": word,
        "typed": typed,
        "leads": Lead.objects.of(user.account).filter(pk__in=person.leads).order_by("pk"),
        "addresses": person.keys,
        "mails": mails_of(user.account_id, person).count(),
        "error": _("Type “%(word)s” exactly, to be sure.") % {"word": word}
        if request.method == "POST"
        else "",
    }
    return render(request, "leads/erase.html", context, status=422 if context["error"] else 200)


@require_GET
def erasure(request: HttpRequest, pk: int) -> HttpResponse:
    """How far an erasure has come; asked for every second until it is done."""
    user = _eraser(request)
    found = get_object_or_404(Erasure, account=user.account, pk=pk)
    page = "leads/_erasure.html" if request.headers.get("HX-Request") else "leads/erasure.html"
    return render(request, page, {"erasure": found})


@require_GET
def erasures(request: HttpRequest) -> HttpResponse:
    """The record: who erased when, and whether an address was."""
    user = _eraser(request)
    address = request.GET.get("address", "").replace("\x00", "").strip()[:320]
    all_of_them = Erasure.objects.filter(account=user.account)
    context = {
        "rows": page_of(all_of_them, "asked_at", request.GET.get("after", ""), SIZE),
        "address": address,
        "found": list(erasures_of(user.account, address)[:5]) if address else [],
    }
    return render(request, "leads/erasures.html", context)


def _eraser(request: HttpRequest) -> User:
    user = viewer(request)
    if not may_erase(user):
        raise PermissionDenied
    return user
