"""What a dashboard is asked for."""

from datetime import date

from django import forms
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from postroom.connector.journal import FURTHEST_DAYS
from postroom.connector.models import Outcome
from postroom.web.dashboard.periods import Period, furthest, named_period

DEFAULT = "7"
PERIODS = [
    ("today", _("Today")),
    ("yesterday", _("Yesterday")),
    ("7", _("Last 7 days")),
    ("30", _("Last 30 days")),
    ("custom", _("Custom")),
]


class DashboardForm(forms.Form):
    """Whose days, which mail; every part has a default, so a bare address shows the last seven days."""

    q = forms.CharField(label=_("Search lead id, lead name or subject"), max_length=200, required=False)
    period = forms.ChoiceField(label=_("Days"), choices=PERIODS, required=False)
    first = forms.DateField(
        label=_("From"), required=False, error_messages={"invalid": _("Type a date, such as 2026-01-31.")}
    )
    last = forms.DateField(
        label=pgettext_lazy("end of a period", "To"),
        required=False,
        error_messages={"invalid": _("Type a date, such as 2026-01-31.")},
    )
    outcome = forms.ChoiceField(
        label=_("Outcome"), choices=[("", _("All outcomes")), *Outcome.choices], required=False
    )

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # pyright: ignore[reportArgumentType]
        self.today = timezone.localdate()
        bounds = {"type": "date", "min": furthest(self.today).isoformat(), "max": self.today.isoformat()}
        for name in ("first", "last"):
            self.fields[name].widget = forms.DateInput(format="%Y-%m-%d", attrs=dict(bounds))
        self.fields["q"].widget = forms.TextInput(
            attrs={"type": "search", "placeholder": self.fields["q"].label}
        )

    def clean(self) -> None:
        if self.cleaned_data.get("period") != "custom":
            return
        first, last = self._day("first"), self._day("last")
        if first and last and first > last:
            self.add_error("last", _("This is before the first day."))

    def _day(self, name: str) -> date | None:
        """The day given, and where none was, as far as a dashboard reaches."""
        if name in self.errors:
            return None
        earliest = furthest(self.today)
        day = self.cleaned_data.get(name) or (earliest if name == "first" else self.today)
        if day > self.today:
            self.add_error(name, _("This day has not come yet."))
        elif day < earliest:
            said = gettext("At most %(days)d days back: from %(day)s on.")
            self.add_error(name, said % {"days": FURTHEST_DAYS, "day": earliest.isoformat()})
        return day

    def asked_period(self) -> Period:
        """The days asked for; the default where the form has errors."""
        zone, name = timezone.get_current_timezone(), self.cleaned_data.get("period") or DEFAULT
        if name != "custom":
            return named_period(name, self.today, zone)
        if {"first", "last"} & set(self.errors):
            return named_period(DEFAULT, self.today, zone)
        first, last = self.cleaned_data["first"], self.cleaned_data["last"]
        return Period(first or furthest(self.today), last or self.today, zone)
