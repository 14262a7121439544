"""The list of lead fields."""

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from postroom.api.answers import page
from postroom.api.auth import caller
from postroom.api.operations import operation
from postroom.api.paging import Paged, by_id
from postroom.api.scopes import Scope
from postroom.api.shapes import Shown
from postroom.crm.models import LeadField

router = Router()


class LeadFieldShown(Shown):
    name: str
    """Key in `custom` of a lead."""
    label: str
    type: str
    options: list[str]
    """What can be chosen, of the type `select`."""


class LeadFieldPage(Shown):
    items: list[LeadFieldShown]
    next: str | None


@router.get("/lead-fields", **operation("lead_field_list", Scope.LEADS_READ, LeadFieldPage, problems=[404]))
def lead_field_list(request: HttpRequest, asked: Query[Paged]) -> HttpResponse:
    """The account's own lead fields that are in use; each is a key of a lead's `custom`."""
    fields = LeadField.objects.filter(account=caller(request).user.account, retired_at=None)
    rows = by_id(fields, asked)
    items = [
        LeadFieldShown(name=field.name, label=field.label, type=field.type, options=field.options)
        for field in rows.rows
    ]
    return page(request, LeadFieldPage(items=items, next=rows.next), rows.next)
