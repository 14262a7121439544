"""What a rep chooses when activating."""

from django import forms

IMPORTS = ((0, "From now on"), (7, "And the last 7 days"), (30, "And the last 30 days"))


class ActivateForm(forms.Form):
    """How far back to begin (R-008)."""

    import_days = forms.TypedChoiceField(
        label="Start with",
        choices=IMPORTS,
        coerce=int,
        initial=0,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": "Choose one of the periods offered."},
    )
