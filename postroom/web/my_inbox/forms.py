"""What a rep chooses: how far back to begin, and the own keywords and exclusions."""

from typing import Any, cast

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postroom.connector.policies import SettingsRefused
from postroom.connector.tags import TagKind
from postroom.policy.settings import Behaviour, RepDirection, RepSettings, Settings
from postroom.web.sentences import told
from postroom.web.tags.fields import TagsField

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


SIDES = ("inbound", "outbound")


class OwnForm(forms.Form):
    """The rep's own keywords and exclusions, as far as reps may have any (R-033, R-038)."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    """Of the rep's settings that were shown."""

    def __init__(self, settings: Settings, own: RepSettings, *args: Any, **options: Any) -> None:
        super().__init__(*args, initial={"version": own.version}, **options)
        self._own = own
        for side in SIDES:
            chosen, mine = getattr(settings, side), getattr(own, side)
            if chosen.user_keywords and chosen.behaviour is Behaviour.KEYWORDS:
                self.fields[f"{side}_keywords"] = TagsField(
                    TagKind.KEYWORD,
                    label=_("Your keywords"),
                    help_text=_("Besides the company’s: one hit of either is enough."),
                    initial=mine.keywords,
                )
            if chosen.user_exclusions:
                self.fields[f"{side}_excluded"] = TagsField(
                    TagKind.ENTRY,
                    label=_("Your exclusions"),
                    help_text=_("Addresses or domains whose mail stays out of the CRM, such as example.com."),
                    initial=mine.excluded,
                )

    @property
    def is_open(self) -> bool:
        """Whether there is anything a rep may add."""
        return len(self.fields) > 1

    def own(self) -> RepSettings:
        """What is to be saved; what the rep may not add at present stays as it was."""
        return RepSettings(
            outbound=self._side("outbound", self._own.outbound),
            inbound=self._side("inbound", self._own.inbound),
        )

    def explain(self, refused: SettingsRefused) -> None:
        for problem in refused.problems:
            name = problem.path.replace(".", "_")
            self.add_error(name if name in self.fields else None, told(problem.sentence))

    def _side(self, side: str, mine: RepDirection) -> RepDirection:
        given = self.cleaned_data
        return RepDirection(
            keywords=given.get(f"{side}_keywords", mine.keywords),
            excluded=given.get(f"{side}_excluded", mine.excluded),
        )
