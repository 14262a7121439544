"""The list of lead sources."""

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from postroom.api.answers import page
from postroom.api.auth import caller
from postroom.api.operations import operation
from postroom.api.paging import Paged, by_id
from postroom.api.scopes import Scope
from postroom.api.shapes import Shown
from postroom.crm.models import LeadSource

router = Router()


class LeadSourceShown(Shown):
    id: int
    name: str


class LeadSourcePage(Shown):
    items: list[LeadSourceShown]
    next: str | None


@router.get(
    "/lead-sources", **operation("lead_source_list", Scope.LEADS_READ, LeadSourcePage, problems=[404])
)
def lead_source_list(request: HttpRequest, asked: Query[Paged]) -> HttpResponse:
    """The lead sources; a new one comes into being with the first lead that has it."""
    rows = by_id(LeadSource.objects.filter(account=caller(request).user.account), asked)
    items = [LeadSourceShown(id=source.pk, name=source.name) for source in rows.rows]
    return page(request, LeadSourcePage(items=items, next=rows.next), rows.next)
