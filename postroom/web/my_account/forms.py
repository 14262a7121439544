"""What users set of themselves."""

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from postroom.connector.users import LONGEST_NAME
from postroom.web.people.forms import TimeZoneField


class MyAccountForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=LONGEST_NAME,
        help_text=_("As your colleagues see it."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    time_zone = TimeZoneField()
    language = forms.ChoiceField(
        label=_("Language"),
        required=False,
        choices=[("", _("As the browser asks for")), *settings.LANGUAGES],
        help_text=_("Of these pages and of the mails that Postroom sends you."),
        error_messages={"invalid_choice": _("Choose one of the languages offered.")},
    )
