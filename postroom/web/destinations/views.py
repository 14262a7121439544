"""The list of destinations, one destination, and what is done to it."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from postroom.destinations import checking, managing
from postroom.destinations.managing import DestinationRefused, destinations_of, is_failing, kind_of
from postroom.destinations.models import Destination
from postroom.errors import PostroomError
from postroom.sync import delivering
from postroom.web.destinations import leadsquared, webhook
from postroom.web.destinations.deliveries import Asked, log_of
from postroom.web.destinations.frame import framed, get_destination, show, take
from postroom.web.destinations.standing import stamp_of, standing_of
from postroom.web.parts import render_part
from postroom.web.sentences import told
from postroom.web.setup.frame import configurer
from postroom.web.viewer import viewer

Editor = Callable[[HttpRequest, Destination], HttpResponse]
NOTHING_NEW = 204
"""htmx leaves the page as it is."""
EDITORS: Mapping[str, Editor] = {"leadsquared": leadsquared.edit, "webhook": webhook.edit}


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    user, now = configurer(request), datetime.now(UTC)
    found = [(each, kind_of(each).label, is_failing(each, now)) for each in destinations_of(user.account)]
    return show(request, "destinations/index.html", {"destinations": found})


@require_GET
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """One destination with its delivery log; for htmx what of it may be other than before.

    With the ``stamp`` of what the page shows it is a 204 where that still holds.
    """
    destination, now = get_destination(request, pk), datetime.now(UTC)
    asked = Asked.of(request.GET)
    found = asked.deliveries(destination)
    stamp, seen = stamp_of(destination, found.rows, now), request.GET.get("stamp", "")
    if seen == str(stamp):
        return HttpResponse(status=NOTHING_NEW)
    context: dict[str, object] = {
        "destination": destination,
        **standing_of(destination, now),
        **log_of(destination, asked, found),
        "stamp": stamp,
        "is_renewal": bool(seen),
        "is_news": seen.partition(".")[0] != stamp.told,
    }
    if not request.headers.get("HX-Request"):
        context |= {
            "kind": kind_of(destination).label,
            "secret": take(request, webhook.SECRET).get(str(pk), ""),
        }
    shown = framed(viewer(request), context)
    return render_part(request, "destinations/page.html", "destinations/_renewed.html", shown)


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    destination = get_destination(request, pk)
    return EDITORS[destination.kind](request, destination)


@require_POST
def check(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask the destination whether it can be reached, and say what answered."""
    destination = get_destination(request, pk)
    try:
        said, is_good = told(checking.check(destination)), True
    except PostroomError as error:
        said, is_good = told(error), False
    if request.headers.get("HX-Request"):
        return render(request, "destinations/_checked.html", {"said": said, "is_good": is_good})
    (messages.success if is_good else messages.error)(request, said)
    return redirect("destination", pk)


@require_POST
def pause(request: HttpRequest, pk: int) -> HttpResponse:
    destination = get_destination(request, pk)
    said = _("%(name)s is paused. What happens meanwhile is delivered when you resume it.")
    return _done(request, destination, managing.pause, said)


@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    destination = get_destination(request, pk)
    return _done(request, destination, delivering.resume, _("%(name)s goes on."))


@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    destination = get_destination(request, pk)
    managing.remove(destination, viewer(request))
    messages.success(request, _("%(name)s is removed.") % {"name": destination.name})
    return redirect("destinations")


def _done(
    request: HttpRequest, destination: Destination, change: Callable[..., None], said: str
) -> HttpResponse:
    try:
        change(destination, viewer(request))
    except DestinationRefused as error:
        messages.error(request, told(error))
        return redirect("destinations")
    messages.success(request, said % {"name": destination.name})
    return redirect("destination", destination.pk)
