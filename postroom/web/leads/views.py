"""The lead list and Lead Details."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Count, Exists, Max, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from postroom.connector.merging import UNDO, lead_after_merges
from postroom.crm.access import may_delete, may_erase, may_manage_leads
from postroom.crm.fields import fields_of
from postroom.crm.models import Activity, Lead, LeadField, LeadMerge, LeadQuerySet, LeadSource
from postroom.destinations.managing import delivered_to
from postroom.organisations.access import may_configure, may_connect
from postroom.organisations.models import User
from postroom.web.leads.timeline import SIZE, older_mails, timeline
from postroom.web.paging import Row, cursor_of, page_of
from postroom.web.parts import render_part
from postroom.web.viewer import viewer

PAGE = 50
MOST_CHOICES = 500
"""Owners, and lead sources, that the list offers to narrow it by."""
MOST = 2000
"""Conversations a page shows at the most."""
NOTHING_NEW = 204
"""htmx leaves the page as it is."""
NONE = "none"
"""Choice of the leads without a source, or without an owner."""


@dataclass(frozen=True, slots=True)
class Search:
    """What the list is narrowed to, as typed in the address bar."""

    words: str
    source: str
    owner: str

    @classmethod
    def of(cls, query: QueryDict) -> "Search":
        words = query.get("q", "").replace("\x00", "").strip()[:200]
        return cls(words, _choice(query.get("source", "")), _choice(query.get("owner", "")))

    @property
    def query(self) -> str:
        """As in the address bar, "" for the whole list."""
        given = {"q": self.words, "source": self.source, "owner": self.owner}
        query = QueryDict(mutable=True)
        query.update({name: value for name, value in given.items() if value})
        return query.urlencode()

    def leads(self, user: User) -> LeadQuerySet:
        leads = Lead.objects.of(user.account)
        for column, chosen in (("source", self.source), ("owner", self.owner)):
            if chosen:
                leads = leads.filter(**{column: None if chosen == NONE else int(chosen)})
        return leads.matching(self.words) if self.words else leads


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """The list, the lead with the newest mail first; a part of it for htmx."""
    user = viewer(request)
    search, after, stamp = Search.of(request.GET), request.GET.get("after", ""), _stamp(user)
    if request.GET.get("stamp") == stamp:
        return HttpResponse(status=NOTHING_NEW)
    rows = page_of(
        search.leads(user).with_touch().select_related("source", "owner"), "touched_at", after, PAGE
    )
    context = {
        "rows": rows,
        "mails": _mails_on(user, rows.rows),
        "search": search,
        "after": after,
        "stamp": stamp,
        "sources": _choices(LeadSource.objects.filter(account=user.account), search.source),
        "owners": _choices(_owners(user), search.owner),
        "most_choices": MOST_CHOICES,
        "manages": may_manage_leads(user),
        "configures": may_configure(user),
        "connects": may_connect(user),
        "erases": may_erase(user),
        "none": NONE,
    }
    return render_part(request, "leads/index.html", "leads/_rows.html", context)


@require_GET
def details(request: HttpRequest, pk: int) -> HttpResponse:
    user = viewer(request)
    try:
        lead = get_lead_for(user, pk)
    except Http404:
        kept = lead_after_merges(user.account_id, pk)
        if kept == pk:
            raise
        return redirect("lead", kept)
    context = _history(request, lead) | {
        "facts": own_facts(lead, fields_of(user.account_id)),
        "merges": _undoable(lead),
        "may_delete": may_delete(user, lead),
        "may_erase": may_erase(user),
    }
    return render(request, "leads/details.html", context)


@require_GET
def history(request: HttpRequest, pk: int) -> HttpResponse:
    """The history alone, asked for every few seconds; 204 where nothing has changed."""
    lead = get_lead_for(viewer(request), pk)
    context = _history(request, lead)
    if request.GET.get("stamp") == context["stamp"]:
        return HttpResponse(status=NOTHING_NEW)
    return render(request, "leads/_history.html", context)


@require_GET
def older(request: HttpRequest, pk: int) -> HttpResponse:
    """More mails of a long conversation, those before the cursor ``after``."""
    lead = get_lead_for(viewer(request), pk)
    key = request.GET.get("conversation", "")[:64].replace("\x00", "")
    page = older_mails(lead, key, request.GET.get("after", ""))
    last = cursor_of(page.rows[-1], "happened_at") if page.rows else ""
    delivered = delivered_to(lead.account, [mail.pk for mail in page.rows])
    context = {"lead": lead, "key": key, "page": page, "last": last, "delivered": delivered}
    return render(request, "leads/_older.html", context)


def get_lead_for(user: User, pk: int) -> Lead:
    """A lead of the user's account, or a 404."""
    leads = Lead.objects.of(user.account).select_related("source", "owner", "account")
    return get_object_or_404(leads, pk=pk)


def own_facts(lead: Lead, fields: Sequence[LeadField]) -> list[tuple[LeadField, object]]:
    """The account's own fields, each with the lead's value as it is shown."""
    return [(field, _said(lead.custom.get(field.name))) for field in fields]


def _said(value: object) -> object:
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    return value


def _owners(user: User) -> QuerySet[User]:
    """The people of the account who own a lead."""
    owned = Lead.objects.of(user.account).filter(owner=OuterRef("pk"))
    return User.objects.of(user.account).filter(Exists(owned))


def _choices(rows: QuerySet[Row], chosen: str) -> list[tuple[int, str]]:
    """(id, name) of the first few by name, and of the chosen one wherever it stands."""
    found = list(rows.order_by("name", "pk").values_list("pk", "name")[:MOST_CHOICES])
    if chosen and chosen != NONE and int(chosen) not in dict(found):
        found += rows.filter(pk=chosen).values_list("pk", "name")
    return found


def _choice(text: str) -> str:
    """An id or ``NONE`` as typed; "" for anything else."""
    is_id = text.isascii() and text.isdigit() and len(text) < 18
    return text if is_id or text == NONE else ""


def _mails_on(user: User, leads: Sequence[Lead]) -> dict[int, int]:
    """The number of mails by lead, of those on the page only."""
    rows = Activity.objects.filter(account=user.account, lead__in=[lead.pk for lead in leads])
    return dict(rows.values("lead").annotate(number=Count("pk")).values_list("lead", "number"))


def _stamp(user: User) -> str:
    """Changes with every new mail and lead of the account; two steps in an index each."""
    leads = Lead.objects.of(user.account)
    top = leads.with_touch().order_by("-touched_at", "-pk").values_list("touched_at", "pk").first()
    newest = leads.aggregate(newest=Max("pk"))["newest"] or 0
    return f"{int(top[0].timestamp() * 1_000_000)}.{top[1]}.{newest}" if top else "0"


def _undoable(lead: Lead) -> list[LeadMerge]:
    since = datetime.now(UTC) - UNDO
    merges = LeadMerge.objects.filter(
        account_id=lead.account_id, kept_id=lead.pk, before__isnull=False, merged_at__gt=since
    )
    return list(merges.order_by("-merged_at")[:20])


def _history(request: HttpRequest, lead: Lead) -> dict[str, object]:
    asked = request.GET.get("size", "")
    size = min(int(asked), MOST) if asked.isascii() and asked.isdigit() and len(asked) < 6 else SIZE
    activities = Activity.objects.filter(account_id=lead.account_id, lead=lead)
    state = activities.aggregate(number=Count("pk"), newest=Max("pk"))
    stamp = str(state["number"] * 10**12 + (state["newest"] or 0))
    opened = _opened(request)
    # Nothing is read for a page that is up to date.
    shown = timeline(lead, max(size, 1), opened) if request.GET.get("stamp") != stamp else None
    mails = [mail for conversation in shown.conversations for mail in conversation.mails] if shown else []
    return {
        "lead": lead,
        "stamp": stamp,
        "timeline": shown,
        "delivered": delivered_to(lead.account, [mail.pk for mail in mails]),
        "size": size,
        "next_size": size + SIZE,
        "opened": opened,
        "mails": state["number"],
    }


def _opened(request: HttpRequest) -> dict[str, str]:
    """Down to which mail, as its cursor, older mails were opened, by conversation."""
    given = [value.replace("\x00", "").partition(" ") for value in request.GET.getlist("open")]
    return {key[:64]: cursor for cursor, _space, key in given}
