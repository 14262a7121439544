"""The frame of every page here: who may be on it, the progress of the set-up, and where Save leads to."""

from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from postroom.connector.models import SetUp
from postroom.connector.setting_up import Step, finish_step, open_steps, set_up_of
from postroom.organisations.access import may_configure
from postroom.organisations.models import User
from postroom.web.setup.saving import ChangedMeanwhile
from postroom.web.viewer import viewer


@dataclass(frozen=True, slots=True)
class Mark:
    """A step as the progress shows it."""

    step: Step
    url: str
    is_done: bool
    is_current: bool
    is_reachable: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Somebody who may configure, at a step."""

    user: User
    set_up: SetUp
    step: Step

    @property
    def is_wizard(self) -> bool:
        """Whether this is the set-up, rather than the settings afterwards."""
        return self.set_up.completed_at is None

    @property
    def is_ahead(self) -> bool:
        """Whether a step before this one is still to be saved."""
        missing = open_steps(self.set_up)
        return bool(missing) and _position(self.step) > _position(missing[0])

    def marks(self) -> list[Mark]:
        missing = open_steps(self.set_up)
        reach = _position(missing[0]) if missing else len(Step)
        return [
            Mark(step, step_url(step), step not in missing, step is self.step, _position(step) <= reach)
            for step in Step
            if self.is_wizard or step is not Step.DONE
        ]


def configurer(request: HttpRequest) -> User:
    """The signed-in user, who may configure; refused otherwise (R-012, R-015)."""
    user = viewer(request)
    if not may_configure(user):
        raise PermissionDenied
    return user


def enter(request: HttpRequest, step: Step) -> Place:
    user = configurer(request)
    return Place(user, set_up_of(user.account), step)


def first_open(place: Place) -> HttpResponse:
    """To the step that comes first."""
    missing = open_steps(place.set_up)
    return redirect(step_url(missing[0] if missing else Step.SECURITY))


def leave(request: HttpRequest, place: Place, said: str = "") -> HttpResponse:
    """After saving: to the next step of the set-up, or back to the page with a word that it was saved."""
    finish_step(place.user.account, place.step)
    if said or not place.is_wizard:
        messages.success(request, said or _("Saved. It applies to mail that arrives from now on."))
    if not place.is_wizard:
        return redirect(step_url(place.step))
    following = list(Step)[_position(place.step) + 1]
    return redirect(step_url(following))


def show(
    request: HttpRequest, place: Place, template: str, context: dict[str, object], status: int = 200
) -> HttpResponse:
    marks, changed = place.marks(), context.get("changed")
    shown = {
        **context,
        "is_own_change": isinstance(changed, ChangedMeanwhile) and changed.is_all_by(place.user),
        "place": place,
        "marks": marks,
        "number": _position(place.step) + 1,
        "total": len(Step),
        "previous": step_url(list(Step)[_position(place.step) - 1]) if _position(place.step) else "",
    }
    return render(request, template, shown, status=status)


def step_url(step: Step) -> str:
    return reverse(f"setup_{step.value}")


def _position(step: Step) -> int:
    return list(Step).index(step)
