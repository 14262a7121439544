"""The forms of the set-up and the settings."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postroom.connector.models import Provider
from postroom.connector.stops import Missed
from postroom.connector.tags import TagKind
from postroom.crm.fields import search_fields
from postroom.mail.automatic import AutomaticKind
from postroom.mail.message import Direction
from postroom.organisations.models import AccessMode, AccessRule, Account, Purpose, Role, UserField
from postroom.policy.settings import (
    EMAIL_FIELD,
    FIELDS,
    AttachmentKind,
    Behaviour,
    Detail,
    DirectionSettings,
    Field,
    KeywordField,
    Settings,
)
from postroom.providers.registry import PROVIDERS
from postroom.web.my_inbox.forms import IMPORTS
from postroom.web.setup import words
from postroom.web.tags.fields import TagsField

MOST_SEARCH_FIELDS = 5


def _several(label: Any, choices: Mapping[Any, words.Text], help_text: Any = "") -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label,
        choices=[(value.value, text) for value, text in choices.items()],
        help_text=help_text,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": gettext_lazy("Choose among what is offered.")},
    )


def _offer(form: forms.Form, name: str, choices: Sequence[tuple[str, Any]]) -> None:
    cast("forms.ChoiceField", form.fields[name]).choices = choices


def _switch(label: Any, help_text: Any = "") -> forms.BooleanField:
    return forms.BooleanField(label=label, help_text=help_text, required=False)


class SeenForm(forms.Form):
    """Carries what was known of others' changes when the form was shown; see ``saving``."""

    seen = forms.IntegerField(min_value=0, max_value=2**62, required=False, widget=forms.HiddenInput)

    def clean_seen(self) -> int:
        return self.cleaned_data["seen"] or 0


class DirectionForm(SeenForm):
    """One direction (R-030 to R-045); the same form for both."""

    enabled = _switch("")
    behaviour = forms.ChoiceField(
        label=gettext_lazy("Which emails"),
        choices=[(value.value, text) for value, text in words.BEHAVIOURS.items()],
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose one of the two.")},
    )
    keywords = TagsField(
        TagKind.KEYWORD,
        label=gettext_lazy("Keywords"),
        help_text=gettext_lazy(
            "One hit is enough. Upper and lower case do not matter; a phrase hits only as it stands here."
            " Users see these keywords and cannot change them."
        ),
    )
    keywords_in = _several(gettext_lazy("Look for them in"), words.KEYWORD_FIELDS)
    user_keywords = _switch(
        gettext_lazy("Users may add keywords of their own"),
        gettext_lazy("Theirs count for their own mailbox only, besides the ones above."),
    )
    excluded = TagsField(
        TagKind.ENTRY,
        label=gettext_lazy("Domains and addresses to exclude"),
        help_text=gettext_lazy(
            "An address such as jane@example.com, or a domain such as example.com with all its subdomains."
            " A mail that is excluded never syncs, whatever keywords it holds."
        ),
    )
    excluded_in = _several(
        gettext_lazy("Applies to"),
        {},
        gettext_lazy("One hit in a field chosen here excludes the whole mail."),
    )
    user_exclusions = _switch(
        gettext_lazy("Users may add exclusions of their own"),
        gettext_lazy("Theirs count for their own mailbox only, besides the ones above."),
    )
    skip_automatic = _several(
        gettext_lazy("Automatic mail to leave out"),
        words.AUTOMATIC,
        gettext_lazy("Choose nothing to sync automatic mail like any other."),
    )
    details = _several(
        gettext_lazy("Details to capture"),
        words.DETAILS,
        gettext_lazy(
            "From, To and the time are always kept. What is not chosen is neither stored nor shown;"
            " it is still read to find keywords, exclusions and leads."
        ),
    )
    attachment_kinds = _several(
        gettext_lazy("Kinds of attachments"),
        words.ATTACHMENT_KINDS,
        gettext_lazy("Told by what is in them, not only by their names. Others are listed by name only."),
    )
    capture = _switch(
        gettext_lazy("Capture new leads"),
        gettext_lazy(
            "Whoever is no lead yet becomes one, with the name from the mail. Never colleagues, internal"
            " domains or excluded addresses. When off, only leads that exist get mail."
        ),
    )
    capture_from = _several(gettext_lazy("Capture them from"), {})
    lead_source = forms.CharField(
        label=gettext_lazy("Lead source"),
        help_text=gettext_lazy(
            "Set on leads that this direction creates. Choose one or type a new one; a new one comes into"
            " being with its first lead. May stay empty."
        ),
        required=False,
        max_length=200,
        widget=forms.TextInput({"list": "lead-sources", "autocomplete": "off"}),
    )

    def __init__(self, direction: Direction, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.direction = direction
        sent = direction is Direction.SENT
        self.fields["enabled"].label = _("Sync sent mail") if sent else _("Sync received mail")
        self.fields["enabled"].help_text = (
            _("Each mail that a user sends to a lead becomes an activity “Email Sent” on it.")
            if sent
            else _("Each mail that a user gets from a lead becomes an activity “Email Received” on it.")
        )
        offered = [(place.value, words.FIELDS[place]) for place in FIELDS[direction]]
        for name in ("excluded_in", "capture_from"):
            _offer(self, name, offered)

    @property
    def prefix_path(self) -> str:
        """What the paths of this direction's settings begin with."""
        return "outbound." if self.direction is Direction.SENT else "inbound."

    @staticmethod
    def initial_of(chosen: DirectionSettings) -> dict[str, object]:
        return {
            "enabled": chosen.enabled,
            "behaviour": chosen.behaviour.value,
            "keywords": chosen.keywords,
            "keywords_in": list(chosen.keywords_in),
            "user_keywords": chosen.user_keywords,
            "excluded": chosen.excluded,
            "excluded_in": list(chosen.excluded_in),
            "user_exclusions": chosen.user_exclusions,
            "skip_automatic": list(chosen.skip_automatic),
            "details": list(chosen.details),
            "attachment_kinds": list(chosen.attachment_kinds),
            "capture": chosen.capture,
            "capture_from": list(chosen.capture_from),
            "lead_source": chosen.lead_source,
        }

    def chosen(self) -> DirectionSettings:
        """The direction as entered; only of a form that is valid."""
        data = self.cleaned_data
        return DirectionSettings(
            enabled=data["enabled"],
            behaviour=Behaviour(data["behaviour"]),
            keywords=data["keywords"],
            user_keywords=data["user_keywords"],
            keywords_in=frozenset(map(KeywordField, data["keywords_in"])),
            excluded=data["excluded"],
            excluded_in=frozenset(map(Field, data["excluded_in"])),
            user_exclusions=data["user_exclusions"],
            details=frozenset(map(Detail, data["details"])),
            attachment_kinds=frozenset(map(AttachmentKind, data["attachment_kinds"])),
            capture=data["capture"],
            capture_from=frozenset(map(Field, data["capture_from"])),
            lead_source=" ".join(data["lead_source"].split()),
            skip_automatic=frozenset(AutomaticKind(kind).value for kind in data["skip_automatic"]),
        )

    def applied(self, settings: Settings) -> Settings:
        """The settings with this direction put in."""
        if self.direction is Direction.SENT:
            return replace(settings, outbound=self.chosen())
        return replace(settings, inbound=self.chosen())


class RuleForm(SeenForm):
    """Who has access, by role or by a boolean user field (R-012, R-050)."""

    mode = forms.ChoiceField(
        label=gettext_lazy("Who has access"),
        choices=AccessMode.choices,
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose one of the two.")},
    )
    roles = forms.MultipleChoiceField(
        label=gettext_lazy("Roles"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": gettext_lazy("Choose among the roles offered.")},
    )
    field = forms.ModelChoiceField(
        label=gettext_lazy("User field"),
        help_text=gettext_lazy("Users whose field is Yes have access."),
        queryset=UserField.objects.none(),
        required=False,
        empty_label=gettext_lazy("Choose a field"),
        error_messages={"invalid_choice": gettext_lazy("Choose one of the fields offered.")},
    )

    def __init__(self, account: Account, purpose: Purpose, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.account, self.purpose = account, purpose
        configure = purpose is Purpose.CONFIGURE
        roles = [role for role in Role.choices if not configure or role[0] != Role.ADMINISTRATOR]
        _offer(self, "roles", roles)
        fields = cast("forms.ModelChoiceField[UserField]", self.fields["field"])
        fields.queryset = UserField.objects.filter(account=account)

    @staticmethod
    def initial_of(rule: AccessRule) -> dict[str, object]:
        return {"mode": rule.mode, "roles": rule.roles, "field": rule.field_id}

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if data.get("mode") == AccessMode.FIELD and not data.get("field") and "field" not in self.errors:
            self.add_error("field", _("Choose a user field, or give access by role."))
        by_role = data.get("mode") == AccessMode.ROLE and "roles" not in self.errors
        if by_role and self.purpose is Purpose.CONNECT and not data.get("roles"):
            self.add_error("roles", _("Choose at least one role; to stop everyone, disable the sync below."))
        return data


class AdvancedForm(RuleForm):
    """Connect My Inbox, leads, history, internal mail and the switch for all (R-044, R-050 to R-052)."""

    search_all = forms.TypedChoiceField(
        label=gettext_lazy("If several leads match"),
        choices=[
            ("no", gettext_lazy("First match: the first field that knows the address decides")),
            ("yes", gettext_lazy("All matches: leads found by any of the fields get the mail")),
        ],
        coerce=lambda value: value == "yes",
        widget=forms.RadioSelect,
    )
    longest_import = forms.TypedChoiceField(
        label=gettext_lazy("Earlier mail a user may import at most"),
        help_text=gettext_lazy("What users can choose on activating their mailbox; none unless they do."),
        coerce=int,
    )
    skip_internal = _switch(
        gettext_lazy("Disable sync for internal emails"),
        gettext_lazy("Mail whose sender and recipients are all internal is not synced."),
    )
    internal_domains = TagsField(
        TagKind.DOMAIN,
        label=gettext_lazy("Internal domains"),
        help_text=gettext_lazy("Such as yourcompany.com; subdomains are included."),
    )
    sync_disabled = _switch(
        gettext_lazy("Disable sync for all users"),
        gettext_lazy("At once no mailbox syncs, and none can be connected."),
    )
    missed = forms.ChoiceField(
        label=gettext_lazy("When it is switched on again, mail that came meanwhile is"),
        choices=[
            (Missed.CATCH_UP.value, gettext_lazy("Caught up on")),
            (Missed.SKIP.value, gettext_lazy("Skipped for good")),
        ],
        initial=Missed.CATCH_UP.value,
        required=False,
        widget=forms.RadioSelect,
    )

    def __init__(self, account: Account, now: Settings, *args: Any, **options: Any) -> None:
        super().__init__(account, Purpose.CONNECT, *args, **options)
        self.fields["mode"].label = _("Who may connect a mailbox")
        self.fields["field"].help_text = _("Users whose field is Yes may connect.")
        periods = sorted({*IMPORTS, now.longest_import})
        _offer(self, "longest_import", [(str(days), _days(days)) for days in periods])
        known = [(EMAIL_FIELD, _("Email")), *((f.name, f.label) for f in search_fields(account.pk))]
        self.search_names = [f"search_{place}" for place in range(1, min(len(known), MOST_SEARCH_FIELDS) + 1)]
        for place, name in enumerate(self.search_names, 1):
            self.fields[name] = forms.ChoiceField(
                label=_("First by") if place == 1 else _("Then by"),
                choices=known if place == 1 else [("", _("nothing more")), *known],
                required=place == 1,
            )

    def search_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.search_names]

    @staticmethod
    def initial_for(rule: AccessRule, now: Settings) -> dict[str, object]:
        return {
            **RuleForm.initial_of(rule),
            **{f"search_{place}": name for place, name in enumerate(now.search_fields, 1)},
            "search_all": "yes" if now.search_all else "no",
            "longest_import": now.longest_import,
            "skip_internal": now.skip_internal,
            "internal_domains": now.internal_domains,
            "sync_disabled": now.sync_disabled,
            "missed": Missed.CATCH_UP.value,
        }

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        chosen = [data.get(name, "") for name in self.search_names]
        for place, name in enumerate(self.search_names):
            if chosen[place] and chosen[place] in chosen[:place]:
                self.add_error(name, _("This field comes earlier already."))
        return data

    def applied(self, settings: Settings) -> Settings:
        data = self.cleaned_data
        chosen = (data.get(name, "") for name in self.search_names)
        return replace(
            settings,
            search_fields=tuple(name for name in chosen if name),
            search_all=data["search_all"],
            longest_import=data["longest_import"],
            skip_internal=data["skip_internal"],
            internal_domains=data["internal_domains"],
            sync_disabled=data["sync_disabled"],
        )


class ProvidersForm(SeenForm):
    """With which providers mailboxes are connected (R-020, R-021)."""

    providers = forms.MultipleChoiceField(
        label=gettext_lazy("Providers"),
        choices=Provider.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": gettext_lazy("Choose at least one provider."),
            "invalid_choice": gettext_lazy("Choose among the providers offered."),
        },
    )


class ClientForm(SeenForm):
    """The OAuth client at one provider; a secret is written, never read."""

    client_id = forms.CharField(
        label=gettext_lazy("Client id"),
        max_length=255,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": gettext_lazy("Enter the client id.")},
    )
    client_secret = forms.CharField(
        label=gettext_lazy("Client secret"),
        max_length=1000,
        required=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )
    tenant = forms.RegexField(
        r"^[A-Za-z0-9][A-Za-z0-9.-]*$",
        label=gettext_lazy("Directory (tenant) id"),
        help_text=gettext_lazy(
            "If the app is registered for your organisation only. Leave it empty for a multitenant app."
        ),
        max_length=255,
        required=False,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"invalid": gettext_lazy("Enter the id, such as 8f1c…, or a domain of the tenant.")},
    )
    """Of Outlook only."""

    def __init__(self, provider: Provider, known_id: str, *args: Any, **options: Any) -> None:
        super().__init__(*args, auto_id=f"id_{provider.value}_%s", **options)
        self.provider = provider
        self.known_id = known_id
        if not PROVIDERS[provider].has_tenants:
            del self.fields["tenant"]
        self.fields["client_secret"].help_text = (
            _("Stored encrypted and never shown again. Leave it empty to keep the present one.")
            if known_id
            else _("Stored encrypted and never shown again.")
        )

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if not data.get("client_secret") and data.get("client_id") != self.known_id:
            self.add_error("client_secret", _("Enter the secret of this client."))
        return data


def _days(days: int) -> str:
    return _("The last %(days)s days") % {"days": days} if days else _("None")
