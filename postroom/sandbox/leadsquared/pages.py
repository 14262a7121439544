"""The sandbox's own page: leads with their activities, the calls so far, and forms to play the CRM's
people.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from aiohttp import web

from ..faults import Fault
from ..html import Markup, Templates
from .activities import Activity
from .errors import LsqError
from .leads import Lead
from .limits import PLANS

if TYPE_CHECKING:
    from .sandbox import LeadSquaredSandbox

_templates = Templates(__file__)
render, render_each = _templates.render, _templates.render_each
_LEADS_SHOWN = 30
_ACTIVITIES_SHOWN = 8
_OPEN = 1
"""How many of a lead's activities are unfolded."""
_LONGEST = 280
_MISHAPS = {
    "refuse": ("error", {"status": 500}, "Refuse the next call"),
    "lose": ("lose_answer", {"method": "ProspectActivity.svc/*"}, "Lose the answer to the next activity"),
    "half": ("error", {"status": 503, "probability": 0.5, "times": None}, "Refuse every other call"),
    "outage": ("html", {"status": 503, "times": None}, "Be out of service"),
}
"""Name to kind, options, words."""


def routes(sandbox: "LeadSquaredSandbox") -> list[web.RouteDef]:
    pages = Pages(sandbox)
    return [
        web.get("/", pages.home),
        web.post("/sandbox/pages/lead", pages.add_lead),
        web.post("/sandbox/pages/mishap", pages.mishap),
        web.post("/sandbox/pages/limit", pages.limit),
    ]


class Pages:
    """The page's handlers, over one sandbox."""

    def __init__(self, sandbox: "LeadSquaredSandbox") -> None:
        self.sandbox = sandbox

    async def home(self, request: web.Request) -> web.Response:
        with self.sandbox.lock:
            leads = sorted(self.sandbox.leads, key=lambda lead: (-lead.touched, -lead.number))
            counts = self.sandbox.ledger.total()
            page = render(
                "home",
                note=request.query.get("note", ""),
                lead_count=str(len(leads)),
                activity_count=str(len(self.sandbox.activities)),
                doubles=str(len(self.sandbox.doubles())),
                made=str(counts.made),
                refused=str(counts.refused),
                wasted=str(counts.wasted),
                mishaps=render_each(
                    "home_mishap", ({"name": n, "words": w} for n, (_, _, w) in _MISHAPS.items())
                ),
                waiting=render_each("home_waiting", map(_waiting, self.sandbox.faults.waiting))
                or render("home_quiet", words="Nothing goes wrong just now."),
                plans=Markup("".join(self._plan(name) for name in PLANS)),
                leads=Markup("".join(self._lead(lead) for lead in leads[:_LEADS_SHOWN]))
                or Markup("<p>No leads yet. They come with the first activity, or by the form above.</p>"),
            )
        return web.Response(text=page, content_type="text/html")

    async def add_lead(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        given = {
            schema: _text(form.get(name))
            for name, schema in (("first", "FirstName"), ("last", "LastName"), ("company", "Company"))
        }
        try:
            lead = self.sandbox.add_lead(_text(form.get("email")), **{k: v for k, v in given.items() if v})
        except LsqError as refused:
            return _back(refused.message)
        return _back(f"{lead.name} is a lead now.")

    async def mishap(self, request: web.Request) -> web.StreamResponse:
        name = _text((await request.post()).get("name"))
        if name == "none":
            self.sandbox.faults.clear()
            return _back("Nothing goes wrong any more.")
        if name not in _MISHAPS:
            raise web.HTTPBadRequest(text="No such mishap.")
        kind, options, words = _MISHAPS[name]
        self.sandbox.fault(kind, **options)
        return _back(f"{words}: set.")

    async def limit(self, request: web.Request) -> web.StreamResponse:
        plan = _text((await request.post()).get("plan"))
        if plan not in PLANS:
            raise web.HTTPBadRequest(text="No such plan.")
        self.sandbox.limit(plan)
        return _back(f"The limits are those of {plan.title()} now." if plan else "There are no limits now.")

    def _plan(self, name: str) -> Markup:
        is_on = self.sandbox.ledger.limits.plan == name
        return render(
            "home_plan",
            name=name,
            words=name.title() or "No limits",
            selected=Markup("selected" if is_on else ""),
        )

    def _lead(self, lead: Lead) -> Markup:
        every = self.sandbox.activities.of(lead.id)
        shown = [
            _activity(each, is_open=place < _OPEN) for place, each in enumerate(every[:_ACTIVITIES_SHOWN])
        ]
        if not every:
            shown.append(render("home_quiet", words="No activities yet."))
        if len(every) > _ACTIVITIES_SHOWN:
            shown.append(render("home_quiet", words=f"and {len(every) - _ACTIVITIES_SHOWN} older"))
        facts = (lead.values.get("Company"), lead.values.get("Source"), f"owner {lead.owner.name}")
        return render(
            "home_lead",
            name=lead.name,
            address=lead.email or "no address",
            facts=", ".join(filter(None, facts)),
            count=_count(len(every), "activity", "activities"),
            activities=Markup("".join(shown)),
        )


def _activity(activity: Activity, *, is_open: bool) -> Markup:
    moment = datetime.fromtimestamp(activity.moment, UTC)
    fields = {field.schema: field.display for field in activity.type.fields}
    rows = ({"name": fields.get(n, n), "value": _short(value)} for n, value in activity.values.items())
    return render(
        "home_activity",
        open=Markup("open" if is_open else ""),
        type=activity.type.name,
        code=str(activity.type.code),
        note=_short(activity.note) or "(no note)",
        when=moment.strftime("%d %b %Y, %H:%M UTC"),
        machine_time=moment.isoformat(timespec="seconds"),
        owner=activity.owner.name,
        fields=render_each("home_field", rows),
    )


def _waiting(fault: Fault) -> dict[str, str]:
    times = "until cleared" if fault.times is None else _count(fault.times - fault.hits, "time", "times")
    chance = f", {fault.probability:.0%} of calls" if fault.probability < 1 else ""
    return {"words": f"{fault.kind.replace('_', ' ')} on {fault.method}, {times}{chance}"}


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _text(value: object) -> str:
    """A form's value without white space around it; "" where it is missing or a file."""
    return value.strip() if isinstance(value, str) else ""


def _back(note: str) -> web.Response:
    return web.Response(status=303, headers={"Location": "/?" + urlencode({"note": note})})
