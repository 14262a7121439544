"""The lead list and Lead Details."""

from django.db.models import Count, QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from postroom.crm.models import Activity, Lead
from postroom.organisations.models import User
from postroom.web.leads.timeline import LONGEST, SIZE, timeline
from postroom.web.paging import page_of
from postroom.web.parts import render_part
from postroom.web.viewer import viewer

PAGE = 50
MOST = 2000
"""Conversations a page shows at the most."""
NOTHING_NEW = 204
"""htmx leaves the page as it is."""


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """The list, the lead with the newest mail first; a part of it for htmx."""
    user = viewer(request)
    search, after = request.GET.get("q", "").strip(), request.GET.get("after", "")
    rows = page_of(_found(user, search), "touched_at", after, PAGE)
    stamp = _stamp(user)
    if request.GET.get("stamp") == stamp:
        return HttpResponse(status=NOTHING_NEW)
    context = {"rows": rows, "search": search, "after": after, "stamp": stamp}
    return render_part(request, "leads/index.html", "leads/_rows.html", context)


@require_GET
def details(request: HttpRequest, pk: int) -> HttpResponse:
    lead = get_lead_for(viewer(request), pk)
    return render(request, "leads/details.html", _history(request, lead))


@require_GET
def history(request: HttpRequest, pk: int) -> HttpResponse:
    """The history alone, asked for every few seconds; 204 where nothing has changed."""
    lead = get_lead_for(viewer(request), pk)
    if request.GET.get("stamp") == _lead_stamp(lead):
        return HttpResponse(status=NOTHING_NEW)
    return render(request, "leads/_history.html", _history(request, lead))


def get_lead_for(user: User, pk: int) -> Lead:
    """A lead of the user's account, or a 404."""
    leads = Lead.objects.of(user.account).select_related("source", "owner")
    return get_object_or_404(leads, pk=pk)


def _found(user: User, search: str) -> QuerySet[Lead]:
    leads = Lead.objects.of(user.account).annotate(touched_at=Coalesce("last_activity_at", "created_at"))
    leads = leads.matching(search) if search else leads
    return leads.annotate(mails=Count("activities")).select_related("source", "owner")


def _stamp(user: User) -> str:
    """Changes with every new activity and lead of the account."""
    mails, leads = Activity.objects.filter(account=user.account), Lead.objects.of(user.account)
    return f"{_newest(mails)}.{_newest(leads)}"


def _lead_stamp(lead: Lead) -> str:
    return str(_newest(Activity.objects.filter(account_id=lead.account_id, lead=lead)))


def _newest(rows: QuerySet[Lead] | QuerySet[Activity]) -> int:
    return rows.order_by("-pk").values_list("pk", flat=True).first() or 0


def _history(request: HttpRequest, lead: Lead) -> dict[str, object]:
    asked = request.GET.get("size", "")
    size = min(int(asked), MOST) if asked.isascii() and asked.isdigit() and len(asked) < 6 else SIZE
    return {
        "lead": lead,
        "stamp": _lead_stamp(lead),
        "timeline": timeline(lead, max(size, 1)),
        "size": size,
        "next_size": size + SIZE,
        "longest": LONGEST,
        "mails": Activity.objects.filter(account_id=lead.account_id, lead=lead).count(),
    }
