"""What a new token is to be."""

from datetime import timedelta

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from postroom.api.scopes import Scope
from postroom.api.tokens import LONGEST_NAME

NEVER = "never"


class TokenForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=LONGEST_NAME,
        help_text=_("What will use it, such as “Reporting”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": _("Give it a name.")},
    )
    scopes = forms.MultipleChoiceField(
        label=_("It may"),
        choices=[(scope.value, format_lazy("{} ({})", scope.label, scope.value)) for scope in Scope],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Never more than you may yourself. Choose only what is needed."),
        error_messages={
            "required": _("Choose at least one."),
            "invalid_choice": _("Choose among what is offered."),
        },
    )
    lasts = forms.ChoiceField(
        label=_("It can be used for"),
        choices=[
            ("30", _("30 days")),
            ("90", _("90 days")),
            ("365", _("One year")),
            (NEVER, _("Until it is revoked")),
        ],
        initial="90",
        error_messages={"invalid_choice": _("Choose one of the periods offered.")},
    )

    def lifetime(self) -> timedelta | None:
        """None: without end."""
        lasts = self.cleaned_data["lasts"]
        return None if lasts == NEVER else timedelta(days=int(lasts))
