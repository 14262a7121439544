"""Whom to connect, and with which address: choose, look at it, confirm."""

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from postroom.connector.models import Mailbox
from postroom.connector.policies import current_settings
from postroom.organisations.access import connecting_users
from postroom.organisations.finding import users_matching
from postroom.organisations.models import Account, Role, User
from postroom.sync.connecting_many import begin_run
from postroom.web.bulk_connect.forms import PreviewForm
from postroom.web.bulk_connect.frame import get_administrator, get_provider, is_closed
from postroom.web.paging import page_by_name
from postroom.web.parts import render_part

SIZE = 50
MOST = 300
"""Users connected in one go; the rest come with the next."""


@require_GET
def choose(request: HttpRequest, name: str) -> HttpResponse:
    user, provider = get_administrator(request), get_provider(name)
    if is_closed(user.account, provider):
        return redirect("bulk_connect")
    search, role = _filter(request.GET)
    found = _found(connecting_users(user.account), search, role).select_related("mailbox")
    context = {
        "provider": provider,
        "rows": page_by_name(found, "name", request.GET.get("after", ""), SIZE),
        "search": search,
        "role": role,
        "roles": Role.choices,
        "filtered": bool(search or role),
        "most": MOST,
    }
    return render_part(request, "bulk_connect/users.html", "bulk_connect/_users.html", context)


@require_http_methods(["GET", "POST"])
def preview(request: HttpRequest, name: str) -> HttpResponse:
    """Who will be connected with which address; asks once more before it begins."""
    user, provider = get_administrator(request), get_provider(name)
    account = user.account
    if is_closed(account, provider):
        messages.error(request, _("No mailbox can be connected at the moment."))
        return redirect("bulk_connect")
    given = request.GET if request.method == "GET" else request.POST
    total, chosen = _chosen(account, given)
    if not chosen:
        messages.error(request, _("None of these users can be connected: each has a mailbox already."))
        return redirect("bulk_users", name=provider.value)
    policy = current_settings(account.pk)
    form = PreviewForm(provider, chosen, policy.longest_import, given if request.method == "POST" else None)
    is_fine = form.is_bound and form.is_valid() and not form.faults
    if is_fine and request.POST.get("confirmed") == "yes":
        run = begin_run(user, provider, form.chosen(), form.cleaned_data["import_days"])
        return redirect("bulk_run", pk=run.pk)
    context = {
        "provider": provider,
        "form": form,
        "policy": policy,
        "total": total,
        "asks": is_fine,
        "left": total - len(chosen),
    }
    return render(request, "bulk_connect/preview.html", context, status=422 if form.is_bound else 200)


def _chosen(account: Account, given: QueryDict) -> tuple[int, list[User]]:
    """How many were chosen, and the first of them: those ticked, or else all that the search finds.

    Whoever may not connect, or has a mailbox by now, is left out.
    """
    connectable = connecting_users(account).exclude(pk__in=Mailbox.objects.of(account).values("user"))
    ids = [int(pk) for pk in given.getlist("user") if pk.isascii() and pk.isdigit() and len(pk) < 18]
    ticked = Q(pk__in=ids[: SIZE + MOST]) if ids else Q()
    found = _found(connectable.filter(ticked), *(("", "") if ids else _filter(given)))
    return found.count(), list(found.select_related("account").order_by("name", "pk")[:MOST])


def _filter(given: QueryDict) -> tuple[str, str]:
    search = given.get("q", "").replace("\x00", "").strip()[:200]
    role = given.get("role", "")
    return search, role if role in Role.values else ""


def _found(users: QuerySet[User], search: str, role: str) -> QuerySet[User]:
    return users_matching(users.filter(role=role) if role else users, search)
