"""Adding, renaming and retiring lead fields."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from postroom.connector.audit import record
from postroom.connector.models import AuditArea
from postroom.connector.policies import current_settings
from postroom.crm.fields import FieldRefused, change_field, define_field, restore_field, retire_field
from postroom.crm.models import FieldType, LeadField
from postroom.organisations.access import may_configure
from postroom.organisations.models import User
from postroom.web.lead_fields.forms import ChangeForm, FieldForm
from postroom.web.sentences import told
from postroom.web.viewer import viewer


@require_http_methods(["GET", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """The fields there are, and the form of a new one."""
    user = _configurer(request)
    form = FieldForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            field = define_field(
                user.account, given["label"], FieldType(given["type"]), options=form.choices()
            )
        except FieldRefused as refusal:
            form.add_error("label" if "choices" not in str(refusal) else "options", told(refusal))
        else:
            record(user.account, user, AuditArea.LEADS, f"Added the lead field {field.label}.")
            messages.success(request, _("%(label)s is a field of every lead now.") % {"label": field.label})
            return redirect("lead_fields")
    fields = list(LeadField.objects.filter(account=user.account))
    context = {
        "form": form,
        "fields": [field for field in fields if not field.retired_at],
        "retired": [field for field in fields if field.retired_at],
        "searched": current_settings(user.account_id).search_fields,
    }
    return render(request, "lead_fields/index.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, pk: int) -> HttpResponse:
    user = _configurer(request)
    field = get_field_for(user, pk)
    initial = {"label": field.label, "options": "\n".join(field.options)}
    form = ChangeForm(field.type, request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            change_field(field, form.cleaned_data["label"], form.choices())
        except FieldRefused as refusal:
            form.add_error("label" if "choice" not in str(refusal).lower() else "options", told(refusal))
        else:
            record(user.account, user, AuditArea.LEADS, f"Changed the lead field {field.label}.")
            messages.success(request, _("Saved."))
            return redirect("lead_fields")
    context = {"form": form, "field": field}
    return render(request, "lead_fields/change.html", context, status=422 if form.is_bound else 200)


@require_POST
def retire(request: HttpRequest, pk: int) -> HttpResponse:
    user = _configurer(request)
    field = get_field_for(user, pk)
    if field.name in current_settings(user.account_id).search_fields:
        said = _("Leads are found by %(label)s. Take it out of the lead search in the settings first.")
        messages.error(request, said % {"label": field.label})
        return redirect("lead_fields")
    retire_field(field)
    record(user.account, user, AuditArea.LEADS, f"Retired the lead field {field.label}.")
    messages.success(
        request, _("%(label)s is no longer shown; its values are kept.") % {"label": field.label}
    )
    return redirect("lead_fields")


@require_POST
def restore(request: HttpRequest, pk: int) -> HttpResponse:
    user = _configurer(request)
    field = get_field_for(user, pk)
    restore_field(field)
    record(user.account, user, AuditArea.LEADS, f"Restored the lead field {field.label}.")
    messages.success(request, _("%(label)s is shown again.") % {"label": field.label})
    return redirect("lead_fields")


def get_field_for(user: User, pk: int) -> LeadField:
    """A lead field of the user's account, or a 404."""
    return get_object_or_404(LeadField, account=user.account, pk=pk)


def _configurer(request: HttpRequest) -> User:
    user = viewer(request)
    if not may_configure(user):
        raise PermissionDenied
    return user
