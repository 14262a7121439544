"""Connect my inbox (R-060 to R-065)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.forms import BoundField
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from postroom.connector import mailboxes
from postroom.connector.forgetting import begin_removal, current_removal
from postroom.connector.jobs import remove_soon
from postroom.connector.mailboxes import get_own_mailbox, own_mailbox
from postroom.connector.models import JournalEntry, Mailbox, MailboxState, Provider
from postroom.connector.policies import (
    SettingsChanged,
    SettingsRefused,
    current_rep_settings,
    current_settings,
    save_rep_settings,
)
from postroom.connector.setting_up import refuse_until_open
from postroom.connector.stops import is_stopped
from postroom.errors import AccountRefused, PostroomError, ProviderError
from postroom.organisations.access import may_connect
from postroom.organisations.models import User
from postroom.policy.settings import Behaviour, DirectionSettings, Settings
from postroom.providers.registry import PROVIDERS
from postroom.sync import connecting
from postroom.web.consent.pending import Pending, Purpose, callback_url, keep
from postroom.web.my_inbox.forms import SIDES, ActivateForm, OwnForm
from postroom.web.sentences import told
from postroom.web.viewer import viewer

RECENT = 8
_MAY_NOT = gettext_lazy(
    "You may not connect a mailbox at present. An administrator of your account decides who may."
)


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    return render(request, "my_inbox/page.html", _context(viewer(request)))


@require_GET
def state(request: HttpRequest) -> HttpResponse:
    """The part of the page that changes by itself, asked for every few seconds."""
    return render(request, "my_inbox/_state.html", _context(viewer(request)))


@require_POST
def connect(request: HttpRequest) -> HttpResponse:
    """Send the rep to the consent page of the provider that was chosen."""
    user = viewer(request)
    if not may_connect(user):
        messages.error(request, _MAY_NOT)
        return redirect("my_inbox")
    provider = _chosen(request)
    try:
        begun = connecting.begin(user, provider, callback_url(provider))
    except PostroomError as error:
        messages.error(request, told(error))
        return redirect("my_inbox")
    keep(request, Pending(provider.value, Purpose.MAILBOX, begun.state, begun.verifier))
    return redirect(begun.url)


def connected(request: HttpRequest, provider: Provider, verifier: str) -> HttpResponse:
    """The rep is back from the provider, with a code or with the reason why there is none."""
    if "code" not in request.GET:
        why, more = request.GET.get("error", ""), request.GET.get("error_description", "")
        messages.error(request, str(PROVIDERS[provider].explain(why, more)))
        return redirect("my_inbox")
    user, code = viewer(request), request.GET["code"]
    try:
        mailbox = connecting.complete(user, provider, code, verifier, callback_url(provider))
    except PostroomError as error:
        messages.error(request, told(error))
        return redirect("my_inbox")
    if mailbox.is_syncing:
        said = _("%(address)s is connected again and goes on where it stopped.")
        messages.success(request, said % {"address": mailbox.address})
    return redirect("my_inbox")


@require_POST
def activate(request: HttpRequest) -> HttpResponse:
    mailbox = get_own_mailbox(viewer(request))
    form = ActivateForm(current_settings(mailbox.account_id).longest_import, request.POST)
    if not form.is_valid():
        return render(request, "my_inbox/page.html", _context(mailbox.user, form), status=422)
    try:
        connecting.activate(mailbox, form.cleaned_data["import_days"])
    except PostroomError as error:
        _note(request, mailbox, error)
    return redirect("my_inbox")


@require_POST
def pause(request: HttpRequest) -> HttpResponse:
    mailbox = get_own_mailbox(viewer(request))
    mailboxes.pause(mailbox)
    messages.success(request, _("Sync is paused. Nothing is written until you resume it."))
    return redirect("my_inbox")


@require_POST
def resume(request: HttpRequest) -> HttpResponse:
    mailbox = get_own_mailbox(viewer(request))
    try:
        connecting.resume(mailbox)
    except PostroomError as error:
        messages.error(request, told(error))
    else:
        messages.success(request, _("Sync goes on from where it stopped."))
    return redirect("my_inbox")


@require_POST
def remove(request: HttpRequest) -> HttpResponse:
    """Forget the mailbox and its tokens; synced activities stay on their leads, unless they shall go."""
    user = viewer(request)
    mailbox = get_own_mailbox(user)
    try:
        left_over = connecting.remove(mailbox)
    except PostroomError as error:
        messages.error(request, told(error))
        return redirect("my_inbox")
    if left_over:
        messages.warning(request, left_over)
    elif mailbox.by_organisation:
        messages.success(request, _("%(address)s was removed.") % {"address": mailbox.address})
    else:
        said = _("%(address)s was removed and its access at %(company)s revoked.")
        company = PROVIDERS[mailbox.provider].company
        messages.success(request, said % {"address": mailbox.address, "company": company})
    if request.POST.get("mail") == "delete":
        _remove_mail(user)
    return redirect("my_inbox")


@require_http_methods(["GET", "POST"])
def own(request: HttpRequest) -> HttpResponse:
    """The rep's own keywords and exclusions, beside the company's (R-064)."""
    user = viewer(request)
    settings, mine = current_settings(user.account_id), current_rep_settings(user.account_id, user.pk)
    form = OwnForm(settings, mine, request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if not form.is_open:
            raise PermissionDenied
        if form.is_valid() and _save_own(user, form):
            messages.success(request, _("Saved. It counts for mail that arrives from now on."))
            return redirect("my_inbox_own")
    context = {"form": form, "sides": list(_sides(settings, form))}
    return render(request, "my_inbox/own.html", context, status=422 if form.is_bound else 200)


def _save_own(user: User, form: OwnForm) -> bool:
    """Whether it could be saved; the form says why not."""
    try:
        save_rep_settings(user, form.own(), user, form.cleaned_data["version"])
    except SettingsRefused as refused:
        form.explain(refused)
    except SettingsChanged as changed:
        form.add_error(None, str(changed))
    return not form.errors


@dataclass(frozen=True, slots=True)
class Side:
    """One direction as the rep sees it: the company's part, and the fields for the own."""

    title: str
    settings: DirectionSettings
    keywords: list[str]
    excluded: list[str]
    fields: list[BoundField]


def _sides(settings: Settings, form: OwnForm) -> Iterator[Side]:
    for side, title in zip(SIDES, (_("Received mail"), _("Sent mail")), strict=True):
        chosen: DirectionSettings = getattr(settings, side)
        fields = [form[name] for name in form.fields if name.startswith(side)]
        uses_keywords = chosen.behaviour is Behaviour.KEYWORDS
        yield Side(
            title,
            chosen,
            sorted(chosen.keywords, key=str.casefold) if uses_keywords else [],
            sorted(chosen.excluded),
            fields,
        )


def _remove_mail(user: User) -> None:
    with transaction.atomic():
        removal = begin_removal(user)
        if removal:
            remove_soon(removal)


def _note(request: HttpRequest, mailbox: Mailbox, error: PostroomError) -> None:
    company = PROVIDERS[mailbox.provider].company
    asked = _("%(company)s could not be asked just now") % {"company": company}
    what = asked if isinstance(error, ProviderError) else _("That did not work")
    stays = _("%(address)s stays connected; try again in a moment.") % {"address": mailbox.address}
    messages.error(request, f"{what}: {error} {stays}")


def _chosen(request: HttpRequest) -> Provider:
    name = request.POST.get("provider", Provider.GMAIL.value)
    if name not in Provider.values:
        raise Http404("There is no such provider.")
    return Provider(name)


def _context(user: User, form: ActivateForm | None = None) -> dict[str, object]:
    mailbox = own_mailbox(user)
    policy = current_settings(user.account_id)
    removal = current_removal(user)
    offers, closed = ([], "") if mailbox else _offers(user)
    asked = [Provider(mailbox.provider)] if mailbox else offers
    return {
        "mailbox": mailbox,
        "offers": offers,
        "company": _(" or ").join(PROVIDERS[provider].company for provider in asked),
        "States": MailboxState,
        "policy": policy,
        "form": form or ActivateForm(policy.longest_import),
        "closed": closed,
        "recent": _recent(mailbox) if mailbox else [],
        "time_left": _time_left(mailbox) if mailbox else "",
        "removal": removal,
        "stopped": is_stopped(user.account_id),
        "may_connect": may_connect(user),
        "poll": bool(removal or (mailbox and mailbox.state != MailboxState.CONNECTED)),
    }


def _offers(user: User) -> tuple[list[Provider], str]:
    """With what a mailbox can be connected, or else why none can, as a sentence (R-021, R-050, R-053)."""
    if not may_connect(user):
        return [], str(_MAY_NOT)
    offered: list[Provider] = []
    refused = ""
    for provider in Provider:
        try:
            refuse_until_open(user, provider)
            offered.append(provider)
        except AccountRefused as refusal:
            refused = refused or told(refusal)
    return offered, "" if offered else refused


def _recent(mailbox: Mailbox) -> list[JournalEntry]:
    rows = JournalEntry.objects.filter(account_id=mailbox.account_id, user_id=mailbox.user_id)
    return list(rows.select_related("lead").order_by("-recorded_at", "-pk")[:RECENT])


def _time_left(mailbox: Mailbox) -> str:
    """How long the import will take, at its pace so far; "" while that cannot be told."""
    total, done = mailbox.import_total or 0, mailbox.import_done
    if mailbox.state != MailboxState.IMPORTING or not mailbox.activated_at or done < 20 or total <= done:
        return ""
    seconds = (datetime.now(UTC) - mailbox.activated_at).total_seconds() / done * (total - done)
    return (
        _("less than a minute")
        if seconds < 60
        else _("about %(minutes)s min") % {"minutes": round(seconds / 60)}
    )
