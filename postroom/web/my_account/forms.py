"""What users set of themselves."""

from django import forms
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
