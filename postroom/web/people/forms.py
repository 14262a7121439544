"""The forms about people; what is wrong with a value is told by ``connector.users``."""

from typing import cast
from zoneinfo import available_timezones

from django import forms
from django.utils.translation import gettext_lazy as _

from postroom.connector.users import (
    LONGEST_LABEL,
    LONGEST_NAME,
    Profile,
    UserRefused,
    possible_managers,
)
from postroom.organisations.models import Account, Role, User, UserField
from postroom.web.sentences import told


class UserChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: User) -> str:
        return f"{obj.name} ({Role(obj.role).label})"


class TimeZoneField(forms.ChoiceField):
    """A choice of every time zone there is, by continent."""

    def __init__(self) -> None:
        super().__init__(
            label=_("Time zone"),
            choices=time_zones(),
            help_text=_("Times and days are shown in this time zone."),
            error_messages={"invalid_choice": _("Choose one of the time zones offered.")},
        )


def time_zones() -> list[tuple[str, object]]:
    """UTC, then (continent, its zones): names of the IANA time zone database."""
    zones: dict[str, list[tuple[str, str]]] = {}
    for zone in sorted(available_timezones()):
        continent, _slash, place = zone.partition("/")
        if place and continent in _CONTINENTS:
            zones.setdefault(continent, []).append((zone, place.replace("_", " ")))
    return [("UTC", "UTC"), *zones.items()]


_CONTINENTS = {
    *("Africa", "America", "Antarctica", "Arctic", "Asia"),
    *("Atlantic", "Australia", "Europe", "Indian", "Pacific"),
}


class ProfileForm(forms.Form):
    """What an administrator sets of a user."""

    name = forms.CharField(label=_("Name"), max_length=LONGEST_NAME)
    role = forms.ChoiceField(
        label=_("Role"),
        choices=Role.choices,
        help_text=_("Administrators see everything, Sales Managers their team, everyone else themselves."),
    )
    manager = UserChoice(
        label=_("Manager"),
        queryset=User.objects.none(),
        required=False,
        empty_label=_("Nobody"),
        help_text=_("The manager, if a Sales Manager, sees this user's mailbox and log."),
        error_messages={"invalid_choice": _("Choose one of the people offered.")},
    )
    time_zone = TimeZoneField()

    def __init__(self, account: Account, *args: object, user: User | None = None, **options: object) -> None:
        super().__init__(*args, **options)  # pyright: ignore[reportArgumentType]
        self.order_fields(["email", "name", "role", "manager", "time_zone"])
        managers = possible_managers(account).filter(is_active=True)
        if user and user.manager_id:
            managers = managers | User.objects.of(account).filter(pk=user.manager_id)
        if user:
            managers = managers.exclude(pk=user.pk)
        cast("UserChoice", self.fields["manager"]).queryset = managers.order_by("name", "pk")

    def profile(self) -> Profile:
        data = self.cleaned_data
        return Profile(data["name"], Role(data["role"]), data["manager"], data["time_zone"])

    def refuse(self, error: UserRefused) -> None:
        """Put what the account says against it beside the field it concerns."""
        self.add_error(error.field if error.field in self.fields else None, told(error))


class InviteForm(ProfileForm):
    email = forms.CharField(
        label=_("Email"),
        max_length=254,
        widget=forms.EmailInput,
        help_text=_("They sign in with it. The invitation is sent here."),
    )


class FieldForm(forms.Form):
    """A yes-or-no field of users."""

    label = forms.CharField(
        label=_("Label"),
        max_length=LONGEST_LABEL,
        help_text=_("For example “May connect a mailbox”. Everyone starts with No."),
    )


class PasswordForm(forms.Form):
    """The password that an invited person chooses."""

    password = forms.CharField(
        label=_("Password"),
        max_length=4096,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 10 characters. A few words in a row are easy to remember and hard to guess."),
    )
    again = forms.CharField(
        label=_("Password again"),
        max_length=4096,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> None:
        given, again = self.cleaned_data.get("password"), self.cleaned_data.get("again")
        if given and again and given != again:
            self.add_error("again", _("The two passwords differ."))


def yes_names(posted: list[str], fields: list[UserField]) -> set[str]:
    """Names of the fields ticked; what is no field of the account is left out."""
    return set(posted) & {field.name for field in fields}
