"""The forms of destinations; what is wrong with the settings of a kind, the kind itself says."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postroom.crm.models import LeadField
from postroom.destinations.base import Event
from postroom.destinations.leadsquared.activities import ActivityField, ActivityType
from postroom.destinations.leadsquared.leads import EMAIL
from postroom.destinations.leadsquared.offers import Offers
from postroom.destinations.leadsquared.settings import CUSTOM, LeadSquaredSettings
from postroom.destinations.leadsquared.settings import problems as leadsquared_problems
from postroom.destinations.managing import DestinationChanged, DestinationRefused, Values
from postroom.destinations.models import Destination
from postroom.destinations.webhooks.settings import WebhookSettings
from postroom.destinations.webhooks.settings import problems as webhook_problems
from postroom.organisations.models import User
from postroom.sync import delivering
from postroom.web.destinations.words import ACTIVITY_VALUES, EVENTS, LEAD_VALUES, PLANS, REGIONS
from postroom.web.sentences import told

HISTORY = ((0, gettext_lazy("None")), (30, gettext_lazy("30 days")), (90, gettext_lazy("90 days")))


def _text(label: Any, help_text: Any = "", **options: Any) -> forms.CharField:
    widget = forms.TextInput({"autocomplete": "off", "spellcheck": "false"})
    return forms.CharField(label=label, help_text=help_text, widget=widget, **options)


def _secret(label: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=200,
        required=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )


def _switch(label: Any, help_text: Any = "") -> forms.BooleanField:
    return forms.BooleanField(label=label, help_text=help_text, required=False)


class DestinationForm(forms.Form):
    """Name and version; the latter tells a second person who edits that somebody else has saved."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=100,
        error_messages={"required": gettext_lazy("Give it a name.")},
    )
    version = forms.IntegerField(min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput)
    changed = False
    """Whether somebody else saved meanwhile; the form is then an edit of what they saved."""

    def save_to(
        self, destination: Destination, by: User, settings: Values, secrets: Values | None = None
    ) -> bool:
        """Save a valid form; where it cannot be, the form says why."""
        try:
            delivering.save(
                destination,
                version=self.cleaned_data["version"],
                by=by,
                name=self.cleaned_data["name"],
                settings=settings,
                secrets=secrets,
            )
        except DestinationChanged:
            self.changed = True
            self._become_edit_of(destination.version)
        except DestinationRefused as error:
            self.add_error("name", told(error))
        else:
            return True
        return False

    @property
    def status(self) -> int:
        """HTTP status of the page that shows the form."""
        return 409 if self.changed else 422 if self.errors else 200

    def _become_edit_of(self, version: int) -> None:
        again = self.data.copy()  # type: ignore[attr-defined]
        again["version"] = str(version)
        self.data = again

    def explain(self, found: Mapping[str, str]) -> None:
        """Put what the kind says against its settings beside the fields."""
        for name, sentence in found.items():
            self.add_error(name if name in self.fields else None, told(sentence))


class WebhookForm(DestinationForm):
    url = _text(
        gettext_lazy("URL"),
        gettext_lazy("It gets a signed POST request for each event, as JSON."),
        max_length=2000,
        error_messages={"required": gettext_lazy("Enter the URL that is called.")},
    )
    events = forms.MultipleChoiceField(
        label=gettext_lazy("Events"),
        choices=[(event.value, words) for event, words in EVENTS.items()],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    body = _switch(gettext_lazy("Send the text of mails"))
    attachments = _switch(gettext_lazy("Name the attachments"))

    @staticmethod
    def initial_of(chosen: WebhookSettings, name: str, version: int) -> dict[str, object]:
        events = [event.value for event in chosen.events]
        found = {"url": chosen.url, "events": events, "body": chosen.body, "attachments": chosen.attachments}
        return {**found, "name": name, "version": version}

    def chosen(self) -> WebhookSettings:
        data = self.cleaned_data
        events = tuple(event for event in Event if event.value in data["events"])
        return WebhookSettings(data["url"], events, data["body"], data["attachments"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if "url" in data and "events" in data:
            self.explain(webhook_problems(self.chosen(), settings.POSTROOM))
        return data


class KeysForm(DestinationForm):
    """Which LeadSquared account it is, and the keys to it."""

    region = forms.ChoiceField(
        label=gettext_lazy("Region"),
        choices=list(REGIONS.items()),
        required=False,
        help_text=gettext_lazy("Where your LeadSquared account is: its address names it, such as “in21”."),
    )
    plan = forms.ChoiceField(
        label=gettext_lazy("Plan"),
        choices=list(PLANS.items()),
        help_text=gettext_lazy("It says how many calls LeadSquared takes. Postroom stays within that."),
    )
    access_key = _secret(gettext_lazy("Access key"))
    secret_key = _secret(gettext_lazy("Secret key"))

    def __init__(self, has_keys: bool, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.has_keys = has_keys
        self.fields["access_key"].help_text = (
            _("Of an administrator, as LeadSquared’s settings show them. Leave both empty to keep them.")
            if has_keys
            else _("Of an administrator, as LeadSquared’s settings show them.")
        )
        self.fields["secret_key"].help_text = _("Stored encrypted and never shown again.")

    def secrets(self) -> dict[str, object] | None:
        """The keys entered; None where those that are there stay."""
        given = {name: self.cleaned_data[name].strip() for name in ("access_key", "secret_key")}
        return given if any(given.values()) else None  # type: ignore[return-value]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        given = [name for name in ("access_key", "secret_key") if data.get(name, "").strip()]
        missing = {"access_key": _("Enter the access key."), "secret_key": _("Enter the secret key.")}
        if len(given) == 1 or (not given and not self.has_keys):
            for name in missing.keys() - set(given):
                self.add_error(name, missing[name])
        return data


class TypesForm(forms.Form):
    """What mail becomes in LeadSquared, and what goes there."""

    sent_code = forms.TypedChoiceField(label=gettext_lazy("Activity type for sent mail"), coerce=int)
    received_code = forms.TypedChoiceField(label=gettext_lazy("Activity type for received mail"), coerce=int)
    create_leads = _switch(
        gettext_lazy("Create leads"),
        gettext_lazy("A person whom LeadSquared does not know becomes a lead there."),
    )
    owner_by_rep = _switch(
        gettext_lazy("Owner by the user’s address"),
        gettext_lazy("An activity belongs to the LeadSquared user who has the address of the mailbox."),
    )
    body = _switch(gettext_lazy("Send the text of mails"))
    attachments = _switch(
        gettext_lazy("Upload attachments"), gettext_lazy("Their links stand in the activity.")
    )
    mirror = _switch(
        gettext_lazy("Read LeadSquared’s leads into Postroom"),
        gettext_lazy("So that mail with them is filed without capturing new leads."),
    )
    on_delete = forms.ChoiceField(
        label=gettext_lazy("What is deleted here"),
        choices=[("leave", gettext_lazy("stays there")), ("delete", gettext_lazy("is deleted there, too"))],
    )

    def __init__(self, types: Sequence[ActivityType], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        offered = [(each.code, f"{each.name} ({each.code})") for each in types]
        for name in ("sent_code", "received_code"):
            field = cast("forms.ChoiceField", self.fields[name])
            held = self.initial.get(name)
            kept = [(held, str(held))] if held and held not in dict(offered) else []
            field.choices = [("", _("Choose one")), *offered, *kept]
            field.error_messages["required"] = _("Choose an activity type.")

    @staticmethod
    def guessed(types: Sequence[ActivityType]) -> dict[str, object]:
        """What a new destination begins with: types of the likely names, and the defaults."""
        fresh = LeadSquaredSettings(sent_code=0, received_code=0).to_json()
        sent = next((each.code for each in types if "sent" in each.name.lower()), "")
        received = next((each.code for each in types if "received" in each.name.lower()), "")
        return fresh | {"sent_code": sent, "received_code": received}

    def values(self) -> dict[str, object]:
        """Of ``Destination.settings`` what this form decides."""
        names = TypesForm.base_fields
        return {name: self.cleaned_data[name] for name in names}


class NewTypesForm(TypesForm):
    history = forms.TypedChoiceField(
        label=gettext_lazy("Earlier mail"),
        choices=HISTORY,
        coerce=int,
        help_text=gettext_lazy(
            "Mail that is on leads already, from so many days back, is delivered as well."
        ),
    )


class LeadSquaredForm(DestinationForm, TypesForm):
    """All of it at a time, with a row for each value that can go into a field."""

    calls = forms.IntegerField(label=gettext_lazy("Calls in 5 seconds"), required=False, min_value=1)
    bulk = forms.IntegerField(label=gettext_lazy("Bulk calls in 5 seconds"), required=False, min_value=1)
    address_field = EMAIL
    """Always gets the lead's address."""
    day = forms.IntegerField(label=gettext_lazy("Calls a day"), required=False, min_value=1)

    def __init__(
        self, held: Mapping[str, object], offers: Offers, own: Sequence[LeadField], *args: Any, **options: Any
    ) -> None:
        super().__init__(offers.types, *args, **options)
        self.held = held
        self.lead_values: dict[str, str] = {name: str(words) for name, words in LEAD_VALUES.items()}
        self.lead_values |= {f"{CUSTOM}{field.name}": field.label for field in own}
        for side in ("sent", "received"):
            code = cast("int", held.get(f"{side}_code"))
            known, chosen = offers.fields.get(code, ()), _by_value(held.get(f"{side}_fields"))
            for value, words in ACTIVITY_VALUES.items():
                self.fields[f"{side}:{value}"] = _field_choice(words, known, chosen.get(value, ""))
        chosen = _by_value(held.get("lead_fields"))
        for value, words in self.lead_values.items():
            self.fields[f"lead:{value}"] = _field_choice(words, offers.lead_fields, chosen.get(value, ""))

    def activity_rows(self) -> list[tuple[object, forms.BoundField, forms.BoundField]]:
        """(our value, their field for sent mail, theirs for received mail)."""
        return [
            (words, self[f"sent:{value}"], self[f"received:{value}"])
            for value, words in ACTIVITY_VALUES.items()
        ]

    def lead_rows(self) -> list[tuple[str, forms.BoundField]]:
        return [(words, self[f"lead:{value}"]) for value, words in self.lead_values.items()]

    def chosen(self) -> dict[str, object]:
        """``Destination.settings`` with what was chosen."""
        data = self.cleaned_data
        mapped = {
            "sent_fields": self._mapping("sent", ACTIVITY_VALUES),
            "received_fields": self._mapping("received", ACTIVITY_VALUES),
            "lead_fields": self._mapping("lead", self.lead_values),
        }
        limits = {name: data[name] for name in ("calls", "bulk", "day")}
        return {**self.held, **self.values(), **limits, **mapped}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.errors:
            for side in ("sent", "received", "lead"):
                self._refuse_doubles(side)
        if not self.errors:
            self.explain(leadsquared_problems(self.chosen()))
        return data

    def _mapping(self, side: str, values: Iterable[str]) -> dict[str, str]:
        chosen = {value: self.cleaned_data.get(f"{side}:{value}", "") for value in values}
        return {field: value for value, field in chosen.items() if field}

    def _refuse_doubles(self, side: str) -> None:
        """Two values in one field: the second would overwrite the first."""
        seen: set[str] = set()
        for name in [name for name in self.fields if name.startswith(f"{side}:")]:
            field = self.cleaned_data.get(name, "")
            if field and field in seen:
                self.add_error(name, _("Another value goes into this field already."))
            seen.add(field)


def _field_choice(label: Any, known: Sequence[ActivityField], held: str) -> forms.ChoiceField:
    offered = [(each.name, f"{each.label} ({each.name})") for each in known if each.name]
    kept = [(held, held)] if held and held not in dict(offered) else []
    return forms.ChoiceField(label=label, required=False, choices=[("", "–"), *offered, *kept], initial=held)


def _by_value(mapping: object) -> dict[str, str]:
    """Their field by our value, from ours by theirs."""
    held = cast("Mapping[str, str]", mapping) if isinstance(mapping, Mapping) else {}
    return {value: field for field, value in held.items()}
