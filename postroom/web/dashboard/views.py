"""The journal of all whom the viewer may see, and the dashboard of one user: the same page twice."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from postroom.connector.journal import MOST_LEADS, SHORTEST, between, matching, per_day, visible_entries
from postroom.connector.mailboxes import own_mailbox
from postroom.connector.models import JournalEntry, Outcome
from postroom.organisations.access import team_ids, visible_users
from postroom.organisations.models import User
from postroom.web.dashboard.chart import chart_of
from postroom.web.dashboard.download import lines
from postroom.web.dashboard.forms import DEFAULT, DashboardForm
from postroom.web.dashboard.periods import Period
from postroom.web.paging import page_of
from postroom.web.parts import render_part
from postroom.web.viewer import viewer

SIZE = 50
ACTIVITY, LEADS = "activity", "leads"


@dataclass(frozen=True, slots=True)
class Asked:
    """A log, and what of it is asked for."""

    viewer: User
    person: User | None
    """Whose; None for all whom the viewer may see."""
    form: DashboardForm
    tab: str

    @property
    def period(self) -> Period:
        return self.form.asked_period()

    @property
    def search(self) -> str:
        return str(self.form.cleaned_data.get("q", "")).strip()

    @property
    def outcome(self) -> str:
        return str(self.form.cleaned_data.get("outcome", "")) if self.tab == ACTIVITY else ""

    def url(self, **changes: str) -> str:
        """The address of this page, with other values."""
        name = "dashboard" if self.person else "journal"
        return self._address(name, changes)

    def csv_url(self) -> str:
        return self._address("dashboard_csv" if self.person else "journal_csv", {})

    def _address(self, name: str, changes: dict[str, str]) -> str:
        data = self.form.data
        held = {key: str(data.get(key, "")) for key in ("q", "period", "first", "last", "outcome")}
        if held["period"] != "custom":
            held["first"] = held["last"] = ""
        values = {**held, "tab": self.tab if self.tab != ACTIVITY else "", **changes}
        query = urlencode({key: value for key, value in values.items() if value})
        path = reverse(name, args=[self.person.pk] if self.person else [])
        return f"{path}?{query}" if query else path

    def everything(self) -> QuerySet[JournalEntry]:
        """Of the right people, whatever the day and the search."""
        entries = visible_entries(self.viewer)
        if self.person:
            entries = JournalEntry.objects.filter(account=self.viewer.account, user=self.person)
        return entries

    @property
    def whose(self) -> str:
        """What ``everything`` holds, as a key."""
        if self.person:
            return f"user:{self.person.pk}"
        if self.viewer.is_administrator:
            return f"account:{self.viewer.account_id}"
        # The team may change, so that it is part of the key.
        team = sorted(team_ids(self.viewer)) if self.viewer.is_manager else [self.viewer.pk]
        return "team:" + sha256(repr(team).encode()).hexdigest()

    def entries(self) -> QuerySet[JournalEntry]:
        starts = self.period.starts()
        entries = between(self.everything(), starts[0], starts[-1])
        if self.tab == LEADS:
            entries = entries.filter(captured=True)
        if self.outcome:
            entries = entries.filter(outcome=self.outcome)
        if self.search:
            entries = matching(entries, self.viewer, self.search)
        return entries.select_related("lead__source" if self.tab == LEADS else "lead", "user")


@require_GET
def everyone(request: HttpRequest) -> HttpResponse:
    return _page(request, _asked(request, None))


@require_GET
def one_user(request: HttpRequest, pk: int) -> HttpResponse:
    person = get_person_for(viewer(request), pk)
    return _page(request, _asked(request, person))


@require_GET
def everyone_csv(request: HttpRequest) -> StreamingHttpResponse:
    return _download(_asked(request, None))


@require_GET
def one_user_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    person = get_person_for(viewer(request), pk)
    return _download(_asked(request, person))


def get_person_for(user: User, pk: int) -> User:
    """Somebody whose log the viewer may see (R-075), or a 404."""
    return get_object_or_404(visible_users(user).select_related("account"), pk=pk)


def _asked(request: HttpRequest, person: User | None) -> Asked:
    form = DashboardForm(request.GET)
    form.is_valid()
    tab = LEADS if request.GET.get("tab") == LEADS else ACTIVITY
    return Asked(viewer(request), person, form, tab)


def _page(request: HttpRequest, asked: Asked) -> HttpResponse:
    after = request.GET.get("after", "")
    rows = page_of(asked.entries(), "recorded_at", after, SIZE)
    context: dict[str, object] = {
        "asked": asked,
        "person": asked.person,
        "form": asked.form,
        "rows": rows,
        "next_url": asked.url(after=rows.next) if rows.next else "",
        "first_url": asked.url(),
        "after": after,
        "shows_users": asked.person is None and (asked.viewer.is_administrator or asked.viewer.is_manager),
        "is_filtered": bool(asked.search or asked.outcome or asked.form.errors),
        "is_short": bool(asked.search) and len(asked.search) < SHORTEST,
        "most_leads": MOST_LEADS,
        "tabs": [
            (asked.url(tab=""), "activity", asked.tab == ACTIVITY),
            (asked.url(tab=LEADS), "leads", asked.tab == LEADS),
        ],
        "is_custom": (asked.form.data.get("period") or DEFAULT) == "custom",
        "widest": asked.url(period="30", q="", outcome="", first="", last=""),
    }
    if not after:
        context |= _summary(asked)
    if asked.person:
        context["mailbox"] = own_mailbox(asked.person)
    status = 422 if asked.form.errors else 200
    response = render_part(request, "dashboard/page.html", "dashboard/_log.html", context)
    # htmx puts only what was answered with 200 on the page.
    response.status_code = 200 if request.headers.get("HX-Request") else status
    return response


def _summary(asked: Asked) -> dict[str, object]:
    """The numbers and the chart of the days, whatever is searched for."""
    period, entries = asked.period, asked.everything()
    starts = period.starts()
    captured = between(entries, starts[0], starts[-1]).filter(captured=True)
    return {
        "chart": chart_of(period.days, per_day(entries, starts, asked.whose)),
        "captured": captured.count(),
        "period": period,
        "Outcome": Outcome,
    }


def _download(asked: Asked) -> StreamingHttpResponse:
    """The rows that the page would show, all of them."""
    zone = timezone.get_current_timezone()

    def told() -> Iterator[str]:
        # The middleware's time zone has ended by the time that the server reads this.
        with timezone.override(zone):
            yield from lines(asked.entries())

    response = StreamingHttpResponse(told(), content_type="text/csv; charset=utf-8")
    period = asked.period
    name = f"postroom-{asked.tab}-{period.first}-to-{period.last}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response
