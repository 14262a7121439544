"""What a rep chooses when activating."""

from typing import Any, cast

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

IMPORTS = (0, 7, 30, 90, 180, 365)


class ActivateForm(forms.Form):
    """How far back to begin, as far as the administrator allows (R-008)."""

    import_days = forms.TypedChoiceField(
        label=gettext_lazy("Start with"),
        coerce=int,
        initial=0,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": gettext_lazy("Choose one of the periods offered.")},
    )

    def __init__(self, longest: int, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        periods = sorted({days for days in IMPORTS if days <= longest} | {longest})
        offered = cast("forms.TypedChoiceField", self.fields["import_days"])
        offered.choices = [(days, _period(days)) for days in periods]


def _period(days: int) -> str:
    return _("And the last %(days)s days") % {"days": days} if days else _("From now on")
