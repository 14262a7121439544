"""The journal page."""

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from postroom.connector.models import JournalEntry, Outcome
from postroom.organisations.access import visible_users
from postroom.organisations.models import User
from postroom.web.paging import page_of
from postroom.web.parts import render_part
from postroom.web.viewer import viewer

SIZE = 50


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    user = viewer(request)
    outcome, search = request.GET.get("outcome", ""), request.GET.get("q", "").strip()
    outcome = outcome if outcome in Outcome.values else ""
    rows = page_of(_found(user, outcome, search), "recorded_at", request.GET.get("after", ""), SIZE)
    context = {
        "rows": rows,
        "outcome": outcome,
        "outcomes": Outcome.choices,
        "search": search,
        "filtered": bool(outcome or search),
        "shows_reps": user.is_administrator or user.is_manager,
    }
    return render_part(request, "journal/page.html", "journal/_rows.html", context)


def _found(user: User, outcome: str, search: str) -> QuerySet[JournalEntry]:
    rows = JournalEntry.objects.filter(account=user.account, user__in=visible_users(user))
    if outcome:
        rows = rows.filter(outcome=outcome)
    if search:
        rows = rows.filter(
            Q(subject__icontains=search)
            | Q(counterpart__icontains=search)
            | Q(lead__search__icontains=search)
        )
    return rows.select_related("lead", "user")
