"""Outbound and Inbound: the same page for both directions, with a preview on last week's mail."""

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from postroom.connector.models import AuditArea
from postroom.connector.policies import SettingsRefused, current_settings
from postroom.connector.setting_up import Step
from postroom.crm.models import LeadSource
from postroom.mail.message import Direction
from postroom.policy.problems import problems
from postroom.web.parts import render_part
from postroom.web.setup import saving
from postroom.web.setup.asking import left_on
from postroom.web.setup.forms import DirectionForm
from postroom.web.setup.frame import Place, enter, first_open, leave, show
from postroom.web.setup.previewing import Preview, offered_mailboxes, preview_draft
from postroom.web.setup.saving import ChangedMeanwhile, Part, last_change

STEPS = {Direction.SENT: Step.OUTBOUND, Direction.RECEIVED: Step.INBOUND}
MOST_SOURCES = 500


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, direction: Direction) -> HttpResponse:
    place = enter(request, STEPS[direction])
    if place.is_ahead:
        return first_open(place)
    account, now = place.user.account, current_settings(place.user.account_id)
    if request.method == "GET":
        initial = DirectionForm.initial_of(now.of(direction)) | {"seen": last_change(account)}
        return _page(request, place, DirectionForm(direction, initial=initial))
    if kept := left_on(request, "enabled", "on"):
        return _page(request, place, DirectionForm(direction, kept))
    form = DirectionForm(direction, request.POST)
    if not form.is_valid():
        return _page(request, place, form, status=422)
    turns_off = now.of(direction).enabled and not form.cleaned_data["enabled"]
    if turns_off and "off" not in request.POST.getlist("confirmed"):
        return _page(request, place, form, status=422, asks_to_turn_off=True)
    part = Part((AuditArea.SETTINGS,), (form.prefix_path,))
    try:
        with saving.saving(account, part, form.cleaned_data["seen"]):
            saving.save_part(account, place.user, form.applied)
    except ChangedMeanwhile as error:
        data = request.POST.copy()
        data["seen"] = str(last_change(account))
        return _page(request, place, DirectionForm(direction, data), status=409, changed=error)
    except SettingsRefused as refused:
        saving.explain(refused.problems, form, form.prefix_path)
        return _page(request, place, form, status=422)
    return leave(request, place)


@require_POST
def preview(request: HttpRequest, direction: Direction) -> HttpResponse:
    """What the form as it stands would have done to last week's mail; nothing is saved."""
    place = enter(request, STEPS[direction])
    if place.is_ahead:
        return first_open(place)
    form = DirectionForm(direction, request.POST)
    faults = _faults(form, place)
    chosen = request.POST.get("mailbox")
    found = None if faults else preview_draft(place.user, direction, form.applied, chosen)
    if request.headers.get("HX-Request"):
        context = {"preview": found, "faults": faults, "is_sent": direction is Direction.SENT}
        return render_part(request, "setup/_preview.html", "setup/_preview.html", context)
    return _page(request, place, form, preview=found, faults=faults)


def _faults(form: DirectionForm, place: Place) -> Sequence[str]:
    """What keeps the draft from being tried, each as a sentence that names its field."""
    if form.is_valid():
        draft = form.applied(current_settings(place.user.account_id))
        mine = [fault for fault in problems(draft) if fault.path.startswith(form.prefix_path)]
        saving.explain(mine, form, form.prefix_path)
    whole = _("Form")
    return [
        f"{form.fields[name].label if name in form.fields else whole}: {sentence}"
        for name, sentences in form.errors.items()
        for sentence in sentences
    ]


def _page(
    request: HttpRequest,
    place: Place,
    form: DirectionForm,
    status: int = 200,
    changed: ChangedMeanwhile | None = None,
    asks_to_turn_off: bool = False,
    preview: Preview | None = None,
    faults: Sequence[str] = (),
) -> HttpResponse:
    sources = LeadSource.objects.filter(account=place.user.account).order_by("name")
    context: dict[str, object] = {
        "form": form,
        "changed": changed,
        "asks_to_turn_off": asks_to_turn_off,
        "is_sent": form.direction is Direction.SENT,
        "sources": sources[:MOST_SOURCES],
        "mailboxes": offered_mailboxes(place.user),
        "preview": preview,
        "faults": faults,
    }
    return show(request, place, "setup/direction.html", context, status)
