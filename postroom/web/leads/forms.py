"""The form of a lead: the standard fields, then the account's own, each by its type (R-081)."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from postroom.crm.editing import TEXTS, problems_of
from postroom.crm.models import FieldType, Lead, LeadField
from postroom.organisations.models import User
from postroom.web.sentences import told

YES, NO = "yes", "no"


class LeadForm(forms.Form):
    """Cleans to what was typed, by field name; what a value must be like is told by ``crm.editing``."""

    first_name = forms.CharField(label=_("First name"), required=False)
    last_name = forms.CharField(label=_("Last name"), required=False)
    email = forms.CharField(
        label=_("Email"), required=False, help_text=_("Mail from and to this address is filed here.")
    )
    company = forms.CharField(label=_("Company"), required=False)
    phone = forms.CharField(label=_("Phone"), required=False)
    source = forms.CharField(
        label=_("Lead source"), required=False, help_text=_("Choose one, or type a new one.")
    )
    owner = forms.ChoiceField(label=_("Owner"), required=False)

    def __init__(self, *args: Any, lead: Lead, fields: Sequence[LeadField], **options: Any) -> None:
        initial = {name: getattr(lead, name) for name in ("email", *TEXTS)}
        initial |= {"source": lead.source.name if lead.source else "", "owner": str(lead.owner_id or "")}
        initial |= {field.name: _shown(lead.custom.get(field.name)) for field in fields}
        super().__init__(*args, initial=initial, **options)
        self._lead = lead
        self.own = [field.name for field in fields]
        self.fields["owner"].choices = _owners(lead)  # type: ignore[attr-defined]
        self.fields["email"].widget.input_type = "email"
        self.fields["email"].widget.attrs["autocomplete"] = "off"
        self.fields["phone"].widget.input_type = "tel"
        self.fields["source"].widget.attrs |= {"list": "sources", "autocomplete": "off"}
        for field in fields:
            self.fields[field.name] = _made(field, initial[field.name])

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        for name, sentence in problems_of(self._lead, self.changed()).items():
            self.add_error(name, told(sentence))
        return values

    def changed(self) -> dict[str, str]:
        """The values that differ from what the lead has."""
        return {name: self.cleaned_data[name] for name in self.changed_data if name in self.cleaned_data}


def _owners(lead: Lead) -> list[tuple[str, object]]:
    users = User.objects.filter(account_id=lead.account_id)
    return [
        ("", _("Nobody")),
        *((str(user.pk), user.name) for user in users.order_by("name") if _offered(user, lead)),
    ]


def _offered(user: User, lead: Lead) -> bool:
    return user.is_active or user.pk == lead.owner_id


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return YES if value else NO
    return "" if value is None else str(value)


def _made(field: LeadField, now: str) -> forms.Field:
    if field.type == FieldType.BOOLEAN:
        choices: list[tuple[str, object]] = [("", "–"), (YES, _("Yes")), (NO, _("No"))]
        return forms.ChoiceField(label=field.label, required=False, choices=choices)
    if field.type == FieldType.SELECT:
        options = [*field.options, *([now] if now and now not in field.options else [])]
        choices = [("", "–"), *((option, option) for option in options)]
        return forms.ChoiceField(label=field.label, required=False, choices=choices)
    made = forms.CharField(label=field.label, required=False)
    made.widget.input_type = _INPUTS.get(field.type, "text")
    if field.type == FieldType.NUMBER:
        made.widget.attrs["inputmode"] = "decimal"
    return made


_INPUTS = {FieldType.EMAIL: "email", FieldType.PHONE: "tel", FieldType.DATE: "date"}
