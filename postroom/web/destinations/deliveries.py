"""The delivery log of a destination, and sending again or dropping what was given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from postroom.crm.models import Lead
from postroom.destinations import managing
from postroom.destinations.base import Event
from postroom.destinations.managing import deliveries_of
from postroom.destinations.models import Delivery, DeliveryAttempt, DeliveryState, Destination
from postroom.sync import delivering
from postroom.web.destinations.frame import get_destination
from postroom.web.destinations.words import EVENTS, OUTCOMES
from postroom.web.paging import Rows, page_of
from postroom.web.setup.words import Text
from postroom.web.viewer import viewer

SIZE = 50
MOST_CHOSEN = 1000
TO_DO = "to_do"


@dataclass(frozen=True, slots=True)
class Row:
    """A delivery as the log shows it."""

    delivery: Delivery
    event: Text
    lead: Lead | None
    """None where it is gone by now."""
    tries: Sequence[tuple[DeliveryAttempt, Text]]
    """Newest first, each with its outcome in words."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The part of the log that the address bar asks for; "" for what is not narrowed down."""

    state: str
    event: str
    lead: str
    after: str

    @classmethod
    def of(cls, query: QueryDict) -> "Asked":
        lead = query.get("lead", "").strip()
        return cls(
            state=_among(query.get("state", ""), [TO_DO, *DeliveryState.values]),
            event=_among(query.get("event", ""), list(Event)),
            lead=lead if lead.isascii() and lead.isdigit() and len(lead) < 18 else "",
            after=query.get("after", ""),
        )

    @property
    def query(self) -> str:
        """As in the address bar, without the place on the list."""
        given = {"state": self.state, "event": self.event, "lead": self.lead}
        return urlencode({name: value for name, value in given.items() if value})

    def deliveries(self, destination: Destination) -> Rows[Delivery]:
        """The page of them. Raises ``Http404`` for a place that is none."""
        lead = int(self.lead) if self.lead else None
        found = deliveries_of(destination, state=self.state, event=self.event, lead=lead)
        return page_of(found, "created_at", self.after, SIZE)


def log_of(destination: Destination, asked: Asked, found: Rows[Delivery]) -> dict[str, object]:
    """The part of the log that was found, as the templates want it."""
    tries = _tries(destination, found.rows)
    leads = Lead.objects.of(destination.account).in_bulk({each.lead_id for each in found.rows})
    return {
        "rows": [
            Row(each, EVENTS[Event(each.event)], leads.get(each.lead_id), tries.get(each.pk, []))
            for each in found.rows
        ],
        "next": found.next,
        "asked": asked,
        "states": [(TO_DO, _("Waiting")), *_shown_states()],
        "events": [(each.value, words) for each, words in EVENTS.items()],
        "is_given_up": asked.state == DeliveryState.GIVEN_UP,
    }


@require_POST
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Send what was given up again: the deliveries ticked, or all."""
    destination = get_destination(request, pk)
    sent = delivering.send_again(destination, viewer(request), ids=_chosen(request))
    said = ngettext("%(number)d delivery is sent again.", "%(number)d deliveries are sent again.", sent)
    return _back(request, destination, said % {"number": sent} if sent else "")


@require_POST
def drop(request: HttpRequest, pk: int) -> HttpResponse:
    """Take what was given up off the list: the deliveries ticked, or all."""
    destination = get_destination(request, pk)
    dropped = managing.drop(destination, viewer(request), ids=_chosen(request))
    said = ngettext("%(number)d delivery is dropped.", "%(number)d deliveries are dropped.", dropped)
    return _back(request, destination, said % {"number": dropped} if dropped else "")


def _tries(
    destination: Destination, rows: Sequence[Delivery]
) -> dict[int, list[tuple[DeliveryAttempt, Text]]]:
    """The attempts of each of the deliveries, newest first."""
    attempts = DeliveryAttempt.objects.filter(
        account_id=destination.account_id, delivery__in=[row.pk for row in rows]
    )
    found: dict[int, list[tuple[DeliveryAttempt, Text]]] = {}
    for each in attempts.order_by("-pk"):
        found.setdefault(each.delivery_id, []).append((each, OUTCOMES.get(each.outcome, each.outcome)))
    return found


def _shown_states() -> list[tuple[str, Text]]:
    shown = (DeliveryState.DELIVERED, DeliveryState.GIVEN_UP, DeliveryState.DROPPED)
    return [(state.value, state.label) for state in shown]


def _among(value: str, values: Sequence[str]) -> str:
    return value if value in values else ""


def _chosen(request: HttpRequest) -> list[int] | None:
    """The ids ticked; None where none is, for all."""
    given = request.POST.getlist("id")[:MOST_CHOSEN]
    ids = [int(pk) for pk in given if pk.isascii() and pk.isdigit() and len(pk) < 18]
    return ids if given else None


def _back(request: HttpRequest, destination: Destination, said: str) -> HttpResponse:
    if said:
        messages.success(request, said)
    else:
        messages.warning(request, _("Nothing of that was given up any more."))
    return redirect(f"{reverse('destination', args=[destination.pk])}?state=given_up")
