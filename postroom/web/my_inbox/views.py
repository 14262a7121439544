"""Connect my inbox (R-060 to R-065)."""

import secrets
from datetime import UTC, datetime
from urllib.parse import urljoin

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from postroom.connector import mailboxes
from postroom.connector.mailboxes import get_own_mailbox, own_mailbox
from postroom.connector.models import JournalEntry, Mailbox, MailboxState, Provider
from postroom.connector.policies import current_settings
from postroom.connector.setting_up import refuse_until_open
from postroom.errors import AccountRefused, PostroomError, ProviderError
from postroom.organisations.models import User
from postroom.sync import connecting
from postroom.web.my_inbox.forms import ActivateForm
from postroom.web.viewer import viewer

PENDING = "google_consent"
RECENT = 8


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    return render(request, "my_inbox/page.html", _context(viewer(request)))


@require_GET
def state(request: HttpRequest) -> HttpResponse:
    """The part of the page that changes by itself, asked for every few seconds."""
    return render(request, "my_inbox/_state.html", _context(viewer(request)))


@require_POST
def connect(request: HttpRequest) -> HttpResponse:
    """Send the rep to Google's consent page."""
    user = viewer(request)
    try:
        begun = connecting.begin(user, _callback())
    except PostroomError as error:
        messages.error(request, str(error))
        return redirect("my_inbox")
    request.session[PENDING] = {"state": begun.state, "verifier": begun.verifier}
    return redirect(begun.url)


@require_GET
def google_callback(request: HttpRequest) -> HttpResponse:
    """Where Google sends the rep back to, with a code or with the reason why there is none."""
    user = viewer(request)
    pending = request.session.pop(PENDING, None)
    sent = request.GET.get("state", "")
    if not pending or not secrets.compare_digest(pending["state"].encode(), sent.encode()):
        messages.error(
            request, "This consent was not begun here, or is completed already. Please start again."
        )
        return redirect("my_inbox")
    if "code" not in request.GET:
        messages.error(request, _refusal(request.GET.get("error", "")))
        return redirect("my_inbox")
    try:
        mailbox = connecting.complete(user, request.GET["code"], pending["verifier"], _callback())
    except PostroomError as error:
        messages.error(request, str(error))
        return redirect("my_inbox")
    if mailbox.is_syncing:
        messages.success(request, f"{mailbox.address} is connected again and goes on where it stopped.")
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
    messages.success(request, "Sync is paused. Nothing is written until you resume it.")
    return redirect("my_inbox")


@require_POST
def resume(request: HttpRequest) -> HttpResponse:
    mailbox = get_own_mailbox(viewer(request))
    try:
        connecting.resume(mailbox)
    except PostroomError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Sync goes on from where it stopped.")
    return redirect("my_inbox")


@require_POST
def remove(request: HttpRequest) -> HttpResponse:
    """Forget the mailbox and its tokens; synced activities stay on their leads."""
    mailbox = get_own_mailbox(viewer(request))
    try:
        left_over = connecting.remove(mailbox)
    except PostroomError as error:
        messages.error(request, str(error))
        return redirect("my_inbox")
    if left_over:
        messages.warning(request, left_over)
    else:
        messages.success(request, f"{mailbox.address} was removed and its access at Google revoked.")
    return redirect("my_inbox")


def _note(request: HttpRequest, mailbox: Mailbox, error: PostroomError) -> None:
    what = "Google could not be asked just now" if isinstance(error, ProviderError) else "That did not work"
    messages.error(request, f"{what}: {error} {mailbox.address} stays connected; try again in a moment.")


def _callback() -> str:
    return urljoin(settings.POSTROOM.public_url, reverse("google_callback"))


def _refusal(code: str) -> str:
    """Google's ``error`` on the way back ("Using OAuth 2.0 for Web Server Applications")."""
    if code == "access_denied":
        return "Google says that the consent was declined. Nothing was connected."
    if code in {"admin_policy_enforced", "org_internal"}:
        return "Your Google Workspace administrator must mark Postroom as trusted first. Please ask them."
    return f"Google could not complete the consent ({code[:60] or 'no reason given'}). Please try again."


def _context(user: User, form: ActivateForm | None = None) -> dict[str, object]:
    mailbox = own_mailbox(user)
    policy = current_settings(user.account_id)
    return {
        "mailbox": mailbox,
        "States": MailboxState,
        "policy": policy,
        "form": form or ActivateForm(policy.longest_import),
        "closed": "" if mailbox else _why_closed(user),
        "recent": _recent(mailbox) if mailbox else [],
        "time_left": _time_left(mailbox) if mailbox else "",
        "poll": bool(mailbox and mailbox.state != MailboxState.CONNECTED),
    }


def _why_closed(user: User) -> str:
    """Why no mailbox can be connected yet, as a sentence; "" where one can (R-053)."""
    try:
        refuse_until_open(user, Provider.GMAIL)
    except AccountRefused as refusal:
        return str(refusal)
    return ""


def _recent(mailbox: Mailbox) -> list[JournalEntry]:
    rows = JournalEntry.objects.filter(account_id=mailbox.account_id, user_id=mailbox.user_id)
    return list(rows.select_related("lead").order_by("-recorded_at", "-pk")[:RECENT])


def _time_left(mailbox: Mailbox) -> str:
    """How long the import will take, at its pace so far; "" while that cannot be told."""
    total, done = mailbox.import_total or 0, mailbox.import_done
    if mailbox.state != MailboxState.IMPORTING or not mailbox.activated_at or done < 20 or total <= done:
        return ""
    seconds = (datetime.now(UTC) - mailbox.activated_at).total_seconds() / done * (total - done)
    return "less than a minute" if seconds < 60 else f"about {round(seconds / 60)} min"
