"""The audit trail: who changed what and when, field by field (R-046)."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from postroom.connector.models import AuditArea, AuditEntry
from postroom.connector.setting_up import Step, set_up_of
from postroom.web.paging import page_of
from postroom.web.parts import render_part
from postroom.web.setup.frame import Place, configurer
from postroom.web.setup.words import Line, changes

SIZE = 40


@dataclass(frozen=True, slots=True)
class Row:
    """An entry with what it changed."""

    entry: AuditEntry
    lines: Sequence[Line]


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    user = configurer(request)
    place = Place(user, set_up_of(user.account), Step.DONE)
    area = request.GET.get("area", "")
    entries = AuditEntry.objects.filter(account=user.account).select_related("about")
    if area in AuditArea.values:
        entries = entries.filter(area=area)
    else:
        area = ""
    found = page_of(entries, "at", request.GET.get("after", ""), SIZE)
    context = {
        "place": place,
        "marks": [] if place.is_wizard else place.marks(),
        "rows": [Row(entry, list(changes(entry))) for entry in found.rows],
        "next": found.next,
        "area": area,
        "areas": AuditArea.choices,
    }
    return render_part(request, "setup/audit.html", "setup/_audit_rows.html", context)
