"""How far a run has come, the result for each user, and what can be done about it."""

from datetime import UTC, datetime, timedelta

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from postroom.connector.models import ConnectItem, ConnectRun, ItemState
from postroom.sync.connecting_many import try_again
from postroom.sync.connecting_many import undo as begin_undo
from postroom.web.bulk_connect.frame import get_administrator, get_run_for
from postroom.web.parts import render_part

SIZE = 100
PATIENCE = timedelta(minutes=10)
"""After which what still waits may be queued again: its job may be gone."""
UNDER_WAY = (ItemState.WAITING, ItemState.REMOVING)


@require_GET
def page(request: HttpRequest, pk: int) -> HttpResponse:
    run = get_run_for(get_administrator(request), pk)
    return render_part(request, "bulk_connect/run.html", "bulk_connect/_run.html", _context(request, run))


@require_POST
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Try those once more who were refused, and those who still wait."""
    run = get_run_for(get_administrator(request), pk)
    number = try_again(run)
    said = ngettext("%(number)d user is tried again.", "%(number)d users are tried again.", number)
    messages.success(request, said % {"number": number})
    return redirect("bulk_run", pk=run.pk)


@require_POST
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove every mailbox that this run connected (R-074)."""
    user = get_administrator(request)
    run = get_run_for(user, pk)
    number = begin_undo(run, user, deletes_mail=request.POST.get("mail") == "delete")
    if number:
        said = ngettext(
            "%(number)d mailbox is being removed.", "%(number)d mailboxes are being removed.", number
        )
        messages.success(request, said % {"number": number})
    else:
        messages.success(request, _("There was no mailbox to remove."))
    return redirect("bulk_run", pk=run.pk)


def _context(request: HttpRequest, run: ConnectRun) -> dict[str, object]:
    items = ConnectItem.objects.filter(account=run.account, run=run)
    counts = items.aggregate(
        total=Count("pk"), **{state.value: Count("pk", filter=Q(state=state)) for state in ItemState}
    )
    state, after = request.GET.get("state", ""), request.GET.get("after", "")
    if after and not (after.isascii() and after.isdigit() and len(after) < 18):
        raise Http404("There is no such page.")
    shown = items.filter(state=state) if state in ItemState.values else items
    found = list(shown.filter(pk__gt=int(after or 0)).select_related("user").order_by("pk")[: SIZE + 1])
    return {
        "run": run,
        "items": found[:SIZE],
        "next": found[SIZE - 1].pk if len(found) > SIZE else "",
        "state": state if state in ItemState.values else "",
        "tallies": [(each, counts[each.value]) for each in ItemState if counts[each.value]],
        "counts": counts,
        "stalled": counts["waiting"] and datetime.now(UTC) - run.begun_at > PATIENCE,
        "under_way": sum(counts[each.value] for each in UNDER_WAY),
        "done": counts["total"] - sum(counts[each.value] for each in UNDER_WAY),
    }
