"""Security & Compliance, Connector Access, Advanced, and Save & Complete."""

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from postroom.config import THIS_SERVER
from postroom.connector.access import save_access_rule
from postroom.connector.models import AuditArea
from postroom.connector.policies import SettingsRefused, current_settings
from postroom.connector.setting_up import SetUpUnfinished, Step, complete, connected_mailboxes, open_steps
from postroom.connector.stops import Missed, is_stopped
from postroom.organisations.access import access_rule
from postroom.organisations.models import AccessMode, Purpose, User
from postroom.policy.settings import Settings
from postroom.web.sentences import told
from postroom.web.setup import saving
from postroom.web.setup.asking import left_on
from postroom.web.setup.forms import AdvancedForm, RuleForm
from postroom.web.setup.frame import Place, enter, first_open, leave, show
from postroom.web.setup.saving import ChangedMeanwhile, Part, last_change
from postroom.web.setup.words import rule_in_words

ACCESS = Part((AuditArea.ACCESS,))
ADVANCED = Part(
    (AuditArea.SETTINGS, AuditArea.ACCESS),
    ("search_", "sync_disabled", "skip_internal", "internal_domains", "longest_import"),
)


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Where set-up goes on, or the first of the settings."""
    return first_open(enter(request, Step.SECURITY))


@require_http_methods(["GET", "POST"])
def security(request: HttpRequest) -> HttpResponse:
    """Region and retention, to read (R-011)."""
    place = enter(request, Step.SECURITY)
    if request.method == "POST":
        return leave(request, place) if place.is_wizard else redirect("setup_security")
    account, region = place.user.account, settings.POSTROOM.region
    context: dict[str, object] = {
        "region": _("this server") if region == THIS_SERVER else region,
        "retention_days": account.retention_days,
        "domains": account.domains,
    }
    return show(request, place, "setup/security.html", context)


@require_http_methods(["GET", "POST"])
def access(request: HttpRequest) -> HttpResponse:
    """Who may configure besides administrators (R-012); only those decide it."""
    place = enter(request, Step.ACCESS)
    if place.is_ahead:
        return first_open(place)
    user = place.user
    if request.method == "GET":
        return _access_page(request, place, _access_form(user))
    if not user.is_administrator:
        raise PermissionDenied
    form = RuleForm(user.account, Purpose.CONFIGURE, request.POST)
    if not form.is_valid():
        return _access_page(request, place, form, status=422)
    data = form.cleaned_data
    try:
        with saving.saving(user.account, ACCESS, data["seen"]):
            _save_rule(user, Purpose.CONFIGURE, data)
    except ChangedMeanwhile as error:
        return _access_page(request, place, _again(request, form, user), status=409, changed=error)
    return leave(request, place, "" if place.is_wizard else _("Saved. It takes effect at once."))


@require_http_methods(["GET", "POST"])
def advanced(request: HttpRequest) -> HttpResponse:
    """Connect My Inbox, leads, history, internal mail and the switch for all (R-044, R-050 to R-052)."""
    place = enter(request, Step.ADVANCED)
    if place.is_ahead:
        return first_open(place)
    user, now = place.user, current_settings(place.user.account_id)
    if request.method == "GET":
        return _advanced_page(request, place, _advanced_form(place, now))
    if kept := left_on(request, "sync_disabled", None):
        return _advanced_page(request, place, AdvancedForm(user.account, now, kept))
    form = AdvancedForm(user.account, now, request.POST)
    if not form.is_valid():
        return _advanced_page(request, place, form, status=422)
    data = form.cleaned_data
    if data["sync_disabled"] and not now.sync_disabled and "disable" not in request.POST.getlist("confirmed"):
        return _advanced_page(request, place, form, status=422, asks_to_disable=True)
    try:
        with saving.saving(user.account, ADVANCED, data["seen"]):
            paused = _save_rule(user, Purpose.CONNECT, data)
            missed = Missed(data["missed"] or Missed.CATCH_UP)
            saving.save_part(user.account, user, form.applied, missed)
    except ChangedMeanwhile as error:
        again = _again(request, form, user)
        return _advanced_page(request, place, again, status=409, changed=error)
    except SettingsRefused as refused:
        saving.explain(refused.problems, form)
        return _advanced_page(request, place, form, status=422)
    if paused:
        messages.warning(request, _paused(paused))
    return leave(request, place)


@require_http_methods(["GET", "POST"])
def done(request: HttpRequest) -> HttpResponse:
    """Save & Complete (R-053); afterwards there is nothing here any more."""
    place = enter(request, Step.DONE)
    if not place.is_wizard:
        return redirect("setup")
    if place.is_ahead:
        return first_open(place)
    if request.method == "POST":
        return _completed(request, place)
    account = place.user.account
    context: dict[str, object] = {
        "settings": current_settings(account.pk),
        "configure": rule_in_words(access_rule(account, Purpose.CONFIGURE), _("nobody else")),
        "connect": rule_in_words(access_rule(account, Purpose.CONNECT), _("nobody")),
        "providers": place.set_up.providers,
        "missing": open_steps(place.set_up)[:-1],
    }
    return show(request, place, "setup/done.html", context)


def _completed(request: HttpRequest, place: Place) -> HttpResponse:
    try:
        complete(place.user.account, place.user)
    except SetUpUnfinished as error:
        messages.error(request, told(error))
        return redirect("setup")
    messages.success(request, _("Postroom is set up. Users can connect their mailboxes from now on."))
    return redirect("home")


def _save_rule(user: User, purpose: Purpose, data: dict[str, object]) -> int:
    mode = AccessMode(str(data["mode"]))
    return save_access_rule(
        user.account,
        purpose,
        mode,
        roles=data["roles"] if mode is AccessMode.ROLE else (),  # pyright: ignore[reportArgumentType]
        field=data["field"] if mode is AccessMode.FIELD else None,  # pyright: ignore[reportArgumentType]
        by=user,
    )


def _access_form(user: User) -> RuleForm:
    rule = access_rule(user.account, Purpose.CONFIGURE)
    initial = RuleForm.initial_of(rule) | {"seen": last_change(user.account)}
    return RuleForm(user.account, Purpose.CONFIGURE, initial=initial)


def _advanced_form(place: Place, now: Settings) -> AdvancedForm:
    user = place.user
    rule = access_rule(user.account, Purpose.CONNECT)
    initial = AdvancedForm.initial_for(rule, now) | {"seen": last_change(user.account)}
    if Step.ADVANCED not in place.set_up.steps and not now.internal_domains:
        initial["internal_domains"] = frozenset(user.account.domains)
    return AdvancedForm(user.account, now, initial=initial)


def _again(request: HttpRequest, form: RuleForm, user: User) -> RuleForm:
    """The same entries, now in the knowledge of what others changed."""
    data = request.POST.copy()
    data["seen"] = str(last_change(user.account))
    if isinstance(form, AdvancedForm):
        return AdvancedForm(user.account, current_settings(user.account_id), data)
    return RuleForm(user.account, form.purpose, data)


def _access_page(
    request: HttpRequest,
    place: Place,
    form: RuleForm,
    status: int = 200,
    changed: ChangedMeanwhile | None = None,
) -> HttpResponse:
    rule = rule_in_words(access_rule(place.user.account, Purpose.CONFIGURE), _("nobody else"))
    context: dict[str, object] = {"form": form, "changed": changed, "rule": rule}
    return show(request, place, "setup/access.html", context, status)


def _advanced_page(
    request: HttpRequest,
    place: Place,
    form: RuleForm,
    status: int = 200,
    changed: ChangedMeanwhile | None = None,
    asks_to_disable: bool = False,
) -> HttpResponse:
    account = place.user.account
    context: dict[str, object] = {
        "form": form,
        "changed": changed,
        "is_stopped": is_stopped(account.pk),
        "asks_to_disable": asks_to_disable,
        "mailboxes": sum(connected_mailboxes(account).values()),
    }
    return show(request, place, "setup/advanced.html", context, status)


def _paused(number: int) -> str:
    return ngettext(
        "%(number)s mailbox was paused, for its user may not connect one any more.",
        "%(number)s mailboxes were paused, for their users may not connect one any more.",
        number,
    ) % {"number": number}
