"""What the pages of destinations share: who may be here, the frame, and secrets kept between two pages."""

import base64
from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from postroom.connector.secrets import sealer
from postroom.connector.setting_up import Step, set_up_of
from postroom.destinations.managing import get_destination_for
from postroom.destinations.models import Destination
from postroom.organisations.models import User
from postroom.web.setup.frame import Place, configurer
from postroom.web.viewer import viewer


def get_destination(request: HttpRequest, pk: int, kind: str = "") -> Destination:
    """The destination, for whoever may configure; a 404 where it is none, or of another kind."""
    found = get_destination_for(viewer(request), pk)
    if kind:
        return get_object_or_404(Destination.objects.of(found.account), pk=pk, kind=kind)
    return found


def show(
    request: HttpRequest, template: str, context: Mapping[str, object], status: int = 200
) -> HttpResponse:
    return render(request, template, framed(configurer(request), context), status=status)


def framed(user: User, context: Mapping[str, object]) -> dict[str, object]:
    """With what the frame of the settings wants to know."""
    place = Place(user, set_up_of(user.account), Step.DONE)
    return {**context, "place": place, "marks": [] if place.is_wizard else place.marks()}


def stash(request: HttpRequest, name: str, values: Mapping[str, object]) -> None:
    """Keep secrets for a page to come, sealed in the session."""
    request.session[name] = base64.b64encode(sealer().seal(values)).decode()


def stashed(request: HttpRequest, name: str) -> dict[str, object]:
    """What was kept; empty where nothing is."""
    held = request.session.get(name)
    return sealer().unseal(base64.b64decode(held)) if isinstance(held, str) else {}


def take(request: HttpRequest, name: str) -> dict[str, object]:
    """What was kept, which is gone afterwards."""
    found = stashed(request, name)
    request.session.pop(name, None)
    return found
