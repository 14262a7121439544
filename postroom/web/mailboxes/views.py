"""User management: the table of mailboxes, and deactivate, activate, remove, of one or of many."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from postroom.connector import mailboxes
from postroom.connector.mailboxes import (
    DEACTIVATABLE,
    mailboxes_matching,
    managed_mailboxes,
    visible_mailboxes,
)
from postroom.connector.models import Mailbox, MailboxState, Provider
from postroom.errors import PostroomError
from postroom.organisations.models import User
from postroom.sync import connecting
from postroom.web.paging import page_by_name
from postroom.web.parts import render_part
from postroom.web.sentences import told
from postroom.web.viewer import viewer

SIZE = 50
CHUNK = 50
"""Mailboxes changed by one request of a change of many; the page then asks for the next ones."""
MOST_CHOSEN = 200
ACTIONS = ("deactivate", "activate", "remove")
OF_MANY = {
    "deactivate": (DEACTIVATABLE, gettext_lazy("Deactivate sync")),
    "activate": ((MailboxState.DEACTIVATED,), gettext_lazy("Activate sync")),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """Which mailboxes a page is about: those that a search finds, or those that were ticked."""

    search: str
    state: str
    provider: str
    ids: tuple[int, ...] = ()

    @property
    def query(self) -> str:
        """The filter as a query string."""
        given = {"q": self.search, "state": self.state, "provider": self.provider}
        return urlencode({name: value for name, value in given.items() if value})

    @property
    def filtered(self) -> bool:
        return bool(self.query)


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    user = get_team_viewer(request)
    choice = _choice(request.GET)
    # The user's account is named too, so that the index of users by name serves.
    found = _found(user, choice).filter(user__account=user.account)
    rows = page_by_name(found, "user__name", request.GET.get("after", ""), SIZE, tie="user_id")
    context = {
        "rows": rows,
        "choice": choice,
        "states": MailboxState.choices,
        "counts": _counts(user),
        "providers": Provider.choices if len(Provider) > 1 else [],
        "user": user,
    }
    return render_part(request, "mailboxes/index.html", "mailboxes/_rows.html", context)


@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Ask for confirmation, or do it once that is given."""
    user = get_team_viewer(request)
    mailbox = get_mailbox_to_manage(user, pk)
    if action not in ACTIONS:
        raise Http404
    if request.method == "GET":
        context = {"mailbox": mailbox, "action": action, "back": _choice(request.GET).query}
        return render_part(request, "mailboxes/confirm.html", "mailboxes/_confirm.html", context)
    try:
        _CHANGES[action](request, mailbox, user)
    except PostroomError as error:
        messages.error(request, told(error))
    back = _choice(QueryDict(request.POST.get("back", ""))).query
    return redirect(f"{reverse('mailboxes')}{'?' if back else ''}{back}")


@require_http_methods(["GET", "POST"])
def change_many(request: HttpRequest, action: str) -> HttpResponse:
    """Ask with the number; then change a chunk a request, and show how far it has come."""
    user = get_team_viewer(request)
    if action not in OF_MANY:
        raise Http404
    states, title = OF_MANY[action]
    given = request.GET if request.method == "GET" else request.POST
    choice = _choice(given)
    todo = _found(user, choice).filter(pk__in=managed_mailboxes(user), state__in=states)
    context: dict[str, object] = {"action": action, "title": title, "choice": choice}
    if request.method == "GET":
        context["total"] = todo.count()
        return render_part(request, "mailboxes/confirm_many.html", "mailboxes/_confirm_many.html", context)
    after, done, total, refused = (_number(given.get(name, "")) for name in _PROGRESS)
    chunk = list(todo.filter(pk__gt=after).order_by("pk").select_related("user", "account")[:CHUNK])
    for mailbox in chunk:
        try:
            _act(action, mailbox, user)
        except PostroomError:
            refused += 1
    done += len(chunk)
    context |= {
        "after": chunk[-1].pk if chunk else after,
        "done": done,
        "changed": done - refused,
        "total": max(total, done),
        "refused": refused,
        "finished": len(chunk) < CHUNK,
    }
    return render_part(request, "mailboxes/progress.html", "mailboxes/_progress.html", context)


_PROGRESS = ("after", "done", "total", "refused")


def get_team_viewer(request: HttpRequest) -> User:
    """The viewer, who has a team to see; a rep is refused (R-075)."""
    user = viewer(request)
    if not (user.is_administrator or user.is_manager):
        raise PermissionDenied
    return user


def get_mailbox_to_manage(user: User, pk: int) -> Mailbox:
    """A mailbox that the viewer may change, or a 404."""
    found = managed_mailboxes(user).select_related("user", "account")
    return get_object_or_404(found, pk=pk)


def _deactivate(request: HttpRequest, mailbox: Mailbox, by: User) -> None:
    mailboxes.deactivate(mailbox, by)
    said = _("%(address)s no longer syncs. %(user)s sees that you did this, and when.")
    messages.success(request, said % {"address": mailbox.address, "user": mailbox.user})


def _activate(request: HttpRequest, mailbox: Mailbox, by: User) -> None:
    connecting.reactivate(mailbox, by)
    said = _("%(address)s goes on from where it stopped.")
    messages.success(request, said % {"address": mailbox.address})


def _remove(request: HttpRequest, mailbox: Mailbox, by: User) -> None:
    """Mail on leads stays, unless an administrator chose that it goes too (R-063, R-074)."""
    deletes = request.POST.get("mail") == "delete" and by.is_administrator
    left_over = connecting.remove(mailbox, by)
    if deletes:
        connecting.remove_mail(mailbox.user, by)
    if left_over:
        messages.warning(request, left_over)
    elif deletes:
        said = _("%(address)s is removed. Its mail is being deleted from the leads.")
        messages.success(request, said % {"address": mailbox.address})
    else:
        said = _("%(address)s is removed. Its mail on leads stays.")
        messages.success(request, said % {"address": mailbox.address})


_CHANGES = {"deactivate": _deactivate, "activate": _activate, "remove": _remove}


def _act(action: str, mailbox: Mailbox, by: User) -> None:
    if action == "activate":
        connecting.reactivate(mailbox, by)
    else:
        mailboxes.deactivate(mailbox, by)


def _choice(given: QueryDict) -> Choice:
    """What is asked for; a value that is none is left out."""
    state, provider = given.get("state", ""), given.get("provider", "")
    ids = [int(pk) for pk in given.getlist("id") if pk.isascii() and pk.isdigit() and len(pk) < 18]
    return Choice(
        search=given.get("q", "").replace("\x00", "").strip()[:200],
        state=state if state in MailboxState.values else "",
        provider=provider if provider in Provider.values else "",
        ids=tuple(ids[:MOST_CHOSEN]),
    )


def _found(user: User, choice: Choice) -> QuerySet[Mailbox]:
    found = visible_mailboxes(user)
    if choice.ids:
        found = found.filter(pk__in=choice.ids)
    if choice.state:
        found = found.filter(state=choice.state)
    if choice.provider:
        found = found.filter(provider=choice.provider)
    return mailboxes_matching(found, choice.search).select_related("user")


def _counts(user: User) -> list[tuple[str, str, int]]:
    """(state, its label, mailboxes in it), of all that the viewer may see."""
    counted = dict(visible_mailboxes(user).values_list("state").annotate(Count("pk")).order_by())
    return [(state.value, str(state.label), counted.get(state.value, 0)) for state in MailboxState]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0
