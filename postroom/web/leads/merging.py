"""Merging two leads: choose the other, choose field by field, and undo (R-083)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from postroom.connector.merging import STANDARD, can_undo, merge, undo
from postroom.crm.fields import fields_of
from postroom.crm.models import Activity, Lead, LeadMerge, LeadQuerySet
from postroom.errors import PostroomError
from postroom.web.leads.views import get_lead_for, own_facts
from postroom.web.sentences import told
from postroom.web.viewer import viewer

OFFERED = 20
"""Leads to choose from."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One field of two leads."""

    name: str
    label: str
    kept: object
    gone: object

    @property
    def differs(self) -> bool:
        return bool(self.gone) and self.kept != self.gone

    @property
    def takes_gone(self) -> bool:
        """What is offered first: the value there is, else that of the lead that stays."""
        return not self.kept


@require_GET
def choose(request: HttpRequest, pk: int) -> HttpResponse:
    """Leads that may be the same person, or those that were searched for."""
    user = viewer(request)
    lead = get_lead_for(user, pk)
    search = request.GET.get("q", "").replace("\x00", "").strip()[:200]
    others = Lead.objects.of(user.account).exclude(pk=lead.pk)
    found = others.matching(search) if search else _alike(others, lead)
    rows = found.with_touch().select_related("source", "owner").order_by("-touched_at", "-pk")[:OFFERED]
    context = {"lead": lead, "rows": rows, "search": search, "offered": OFFERED}
    return render(request, "leads/merge_choose.html", context)


@require_http_methods(["GET", "POST"])
def decide(request: HttpRequest, pk: int, other: int) -> HttpResponse:
    """Which values stay; ``other`` becomes a part of ``pk``."""
    user = viewer(request)
    kept, gone = get_lead_for(user, pk), get_lead_for(user, other)
    if request.method == "POST":
        taken = [name for name in request.POST if request.POST[name] == "gone"]
        try:
            merge(kept, gone, taken, user)
        except PostroomError as error:
            messages.error(request, told(error))
            return redirect("leads")
        messages.success(request, _("%(gone)s is part of this lead now.") % {"gone": gone.name})
        return redirect("lead", kept.pk)
    context = {
        "kept": kept,
        "gone": gone,
        "choices": list(_choices(kept, gone)),
        "mails": Activity.objects.filter(account=user.account, lead=gone).count(),
    }
    return render(request, "leads/merge_decide.html", context)


@require_POST
def take_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Undo a merge."""
    user = viewer(request)
    done = get_object_or_404(LeadMerge, account=user.account, pk=pk)
    if not can_undo(done, datetime.now(UTC)):
        messages.error(request, _("This merge cannot be undone any more."))
        return redirect("lead", done.kept_id)
    try:
        back = undo(done, user)
    except PostroomError as error:
        messages.error(request, told(error))
        return redirect("lead", done.kept_id)
    messages.success(request, _("%(name)s is a lead of its own again.") % {"name": back.name})
    return redirect("lead", back.pk)


def _alike(leads: LeadQuerySet, lead: Lead) -> LeadQuerySet:
    """Those of the same name, or of the same company."""
    alike = Q(pk__in=[])
    if lead.last_name:
        alike |= Q(search__icontains=f"{lead.first_name[:1]}".lower(), last_name__iexact=lead.last_name)
    if lead.first_name and not lead.last_name:
        alike |= Q(first_name__iexact=lead.first_name)
    if lead.phone:
        alike |= Q(phone=lead.phone)
    return leads.filter(alike)


def _choices(kept: Lead, gone: Lead) -> Iterator[Choice]:
    labels = {
        "first_name": _("First name"),
        "last_name": _("Last name"),
        "email": _("Email"),
        "company": _("Company"),
        "phone": _("Phone"),
        "source": _("Lead source"),
        "owner": _("Owner"),
    }
    for name in STANDARD:
        yield Choice(name, labels[name], getattr(kept, name), getattr(gone, name))
    fields = fields_of(kept.account_id)
    for (field, ours), (_field, theirs) in zip(own_facts(kept, fields), own_facts(gone, fields), strict=True):
        yield Choice(field.name, field.label, ours, theirs)
