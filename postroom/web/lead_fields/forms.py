"""The form of a lead field; what is wrong with it is told by ``crm.fields``."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from postroom.crm.models import FieldType


class FieldForm(forms.Form):
    label = forms.CharField(label=_("Label"), max_length=100)
    type = forms.ChoiceField(label=_("Type"), choices=FieldType.choices)
    options = forms.CharField(
        label=_("Choices"),
        required=False,
        widget=forms.Textarea({"rows": 4}),
        help_text=_("One a line. For fields of the type Choice only."),
    )

    def choices(self) -> list[str]:
        return str(self.cleaned_data["options"]).replace("\x00", "").splitlines()


class ChangeForm(FieldForm):
    """The type stays: leads hold values of it."""

    def __init__(self, type: str, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        del self.fields["type"]
        if type != FieldType.SELECT:
            del self.fields["options"]

    def choices(self) -> list[str]:
        return super().choices() if "options" in self.fields else []
