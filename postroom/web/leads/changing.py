"""Making, editing and deleting a lead, and the list as a file."""

from datetime import UTC, datetime

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from postroom.crm.access import may_delete, may_manage_leads
from postroom.crm.deleting import LeadGone, delete_lead
from postroom.crm.editing import ValuesRefused, create_lead, save_lead, taken
from postroom.crm.exporting import export_lines
from postroom.crm.fields import fields_of
from postroom.crm.models import Lead, LeadSource
from postroom.web.leads.forms import LeadForm
from postroom.web.leads.views import Search, get_lead_for
from postroom.web.sentences import told
from postroom.web.viewer import viewer


@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    user = viewer(request)
    lead = Lead(account=user.account, owner=user)
    form = LeadForm(
        request.POST if request.method == "POST" else None, lead=lead, fields=fields_of(user.account_id)
    )
    if request.method == "POST" and form.is_valid():
        try:
            lead = create_lead(user.account, form.cleaned_data)
        except ValuesRefused as refused:
            _add_errors(form, refused)
        else:
            messages.success(request, _("%(name)s is a lead now.") % {"name": lead.name})
            return redirect("lead", lead.pk)
    return _form(request, form, lead)


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    lead = get_lead_for(viewer(request), pk)
    form = LeadForm(
        request.POST if request.method == "POST" else None, lead=lead, fields=fields_of(lead.account_id)
    )
    if request.method == "POST" and form.is_valid():
        try:
            save_lead(lead, form.changed())
        except ValuesRefused as refused:
            _add_errors(form, refused)
        except LeadGone as gone:
            messages.error(request, str(gone))
            return redirect("leads")
        else:
            messages.success(request, _("Saved."))
            return redirect("lead", lead.pk)
    return _form(request, form, lead)


@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    user = viewer(request)
    lead = get_lead_for(user, pk)
    if not may_delete(user, lead):
        raise PermissionDenied
    try:
        gone = delete_lead(lead)
    except LeadGone as error:
        messages.error(request, told(error))
        return redirect("leads")
    mails = ngettext("%(mails)s stored mail", "%(mails)s stored mails", gone.mails) % {"mails": gone.mails}
    said = _("%(name)s was deleted, and with it %(mails)s that no other lead has.")
    messages.success(request, said % {"name": lead.name, "mails": mails})
    return redirect("leads")


@require_GET
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The leads that the list shows, all of its pages, as CSV."""
    user = viewer(request)
    if not may_manage_leads(user):
        raise PermissionDenied
    leads = Search.of(request.GET).leads(user).with_touch().order_by("-touched_at", "-pk")
    response = StreamingHttpResponse(
        (line.encode() for line in export_lines(user.account_id, leads)),
        content_type="text/csv; charset=utf-8",
    )
    name = f"leads-{datetime.now(UTC):%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


def _add_errors(form: LeadForm, refused: ValuesRefused) -> None:
    for name, sentence in refused.problems.items():
        form.add_error(name, told(sentence))


def _form(request: HttpRequest, form: LeadForm, lead: Lead) -> HttpResponse:
    refused = form.is_bound and "email" in form.errors
    context = {
        "form": form,
        "lead": lead,
        "own": [form[name] for name in form.own],
        "sources": LeadSource.objects.filter(account=lead.account).order_by("name"),
        "other": taken(lead, form.data.get("email", "")) if refused else None,
    }
    return render(request, "leads/form.html", context, status=422 if form.is_bound else 200)
