"""Leads, with the rights that the pages give (R-082, R-083)."""

from collections.abc import Collection

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from postroom.api.answers import answer, etag_of_shown, nothing, page
from postroom.api.auth import caller
from postroom.api.idempotency import once
from postroom.api.leads.schemas import LeadGiven, LeadPage, LeadsAsked, LeadShown, MergeGiven, shown, typed
from postroom.api.operations import operation
from postroom.api.paging import Id, by_id, by_time
from postroom.api.problems import Kinds, Problem
from postroom.api.scopes import Scope
from postroom.connector.merging import STANDARD, MergeRefused, lead_after_merges, merge
from postroom.crm.access import may_delete
from postroom.crm.capture import sources_named
from postroom.crm.deleting import delete_lead
from postroom.crm.editing import ValuesRefused, create_lead, save_lead, taken
from postroom.crm.fields import fields_of
from postroom.crm.giving_way import again_if_broken_off
from postroom.crm.models import Lead, LeadField, LeadQuerySet, LeadSource
from postroom.organisations.models import User

router = Router()

_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "ETag of the lead as it was read: nothing is changed where it is another by now.",
    "schema": {"type": "string"},
}


@router.get("/leads", **operation("lead_list", Scope.LEADS_READ, LeadPage, problems=[404]))
def lead_list(request: HttpRequest, asked: Query[LeadsAsked]) -> HttpResponse:
    """The leads of the account, searched and filtered as on the list of leads."""
    user = caller(request).user
    leads, fields = _found(user, asked), fields_of(user.account_id)
    rows = by_time(leads.with_touch(), "touched_at", asked) if asked.sort == "recent" else by_id(leads, asked)
    items = [shown(lead, fields) for lead in rows.rows]
    return page(request, LeadPage(items=items, next=rows.next), rows.next)


@router.post("/leads", **operation("lead_create", Scope.LEADS_WRITE, LeadShown, status=201, problems=[409]))
@once(shows_lead=True)
def lead_create(request: HttpRequest, given: LeadGiven) -> HttpResponse:
    """Make a lead; it needs a name, a company or an email address that no lead has yet."""
    user = caller(request).user
    fields = fields_of(user.account_id)
    _refuse_unknown(given.custom, fields)
    try:
        lead = create_lead(user.account, typed(given))
    except ValuesRefused as refused:
        raise _problem(Lead(account=user.account), given, refused) from refused
    made = shown(get_lead_for(user, lead.pk), fields)
    return answer(request, made, status=201, headers={"Location": f"{request.path}/{lead.pk}"})


@router.get("/leads/{id}", **operation("lead", Scope.LEADS_READ, LeadShown, problems=[404]))
def lead(request: HttpRequest, id: Id) -> HttpResponse:
    """One lead. Of one that was merged, `merged_into` of the problem is the lead it became a part of."""
    user = caller(request).user
    return answer(request, shown(get_lead_for(user, id), fields_of(user.account_id)))


@router.patch(
    "/leads/{id}",
    **operation(
        "lead_change",
        Scope.LEADS_WRITE,
        LeadShown,
        problems=[404, 409, 412],
        parameters=[_IF_MATCH],
    ),
)
def lead_change(request: HttpRequest, id: Id, given: LeadGiven) -> HttpResponse:
    """Change the fields that are given, and no others."""
    user = caller(request).user
    return again_if_broken_off(lambda: _change(request, user, id, given))


@router.delete("/leads/{id}", **operation("lead_delete", Scope.LEADS_WRITE, None, status=204, problems=[404]))
def lead_delete(request: HttpRequest, id: Id) -> HttpResponse:
    """Delete the lead for good, its activities, and the mail that is on no other lead.

    Its owner may do so, and whoever is no sales user.
    """
    user = caller(request).user
    lead = get_lead_for(user, id)
    if not may_delete(user, lead):
        raise PermissionDenied
    delete_lead(lead)
    return nothing()


@router.post(
    "/leads/{id}/merge", **operation("lead_merge", Scope.LEADS_WRITE, LeadShown, problems=[404, 409])
)
@once(shows_lead=True)
def lead_merge(request: HttpRequest, id: Id, given: MergeGiven) -> HttpResponse:
    """Make another lead a part of this one: its mail, its addresses, and of its values those in `take`.

    On the page of the lead it can be undone for 30 days.
    """
    user = caller(request).user
    kept, gone = get_lead_for(user, id), get_lead_for(user, given.other_id)
    fields = fields_of(user.account_id)
    unknown = sorted(set(given.take) - {*STANDARD, *(field.name for field in fields)})
    if unknown:
        raise Problem(Kinds.INVALID, errors={"take": [f"Leads have no field {name}." for name in unknown]})
    try:
        merge(kept, gone, given.take, user)
    except MergeRefused as refused:
        raise Problem(Kinds.CONFLICT, str(refused)) from refused
    return answer(request, shown(get_lead_for(user, id), fields))


def get_lead_for(user: User, pk: int) -> Lead:
    """A lead of the user's account. Raises ``Problem``, which of a merged lead names the one it went into."""
    lead = Lead.objects.of(user.account).select_related("source", "owner", "account").filter(pk=pk).first()
    if lead:
        return lead
    kept = lead_after_merges(user.account_id, pk)
    if kept == pk:
        raise Problem(Kinds.NOT_FOUND)
    raise Problem(Kinds.NOT_FOUND, f"The lead became a part of lead {kept}.", merged_into=kept)


def _found(user: User, asked: LeadsAsked) -> LeadQuerySet:
    leads = Lead.objects.of(user.account).select_related("source", "owner")
    if asked.source:
        # By its id, for which there is an index.
        source = LeadSource.objects.filter(account=user.account, name=asked.source).first()
        leads = leads.filter(source=source) if source else leads.none()
    if asked.owner_id:
        leads = leads.filter(owner=asked.owner_id)
    if asked.without:
        leads = leads.filter(**{asked.without: None})
    return leads.matching(asked.q)


@transaction.atomic
def _change(request: HttpRequest, user: User, pk: int, given: LeadGiven) -> HttpResponse:
    lead, fields = get_lead_for(user, pk), fields_of(user.account_id)
    _refuse_unknown(given.custom, fields)
    if "If-Match" in request.headers:
        # The source before the lead, as ``crm.editing`` takes them.
        sources_named(user.account_id, [given.source.strip()])
        Lead.objects.of(user.account).select_for_update(no_key=True).filter(pk=pk).first()
        lead = get_lead_for(user, pk)
        _refuse_stale(request.headers["If-Match"], shown(lead, fields))
    try:
        save_lead(lead, typed(given))
    except ValuesRefused as refused:
        raise _problem(lead, given, refused) from refused
    return answer(request, shown(get_lead_for(user, pk), fields))


def _refuse_stale(wanted: str, now: LeadShown) -> None:
    present = etag_of_shown(now)
    if wanted.strip() != "*" and present not in [tag.strip() for tag in wanted.split(",")]:
        raise Problem(Kinds.STALE, headers={"ETag": present})


def _refuse_unknown(names: Collection[str], fields: Collection[LeadField]) -> None:
    known = {field.name for field in fields}
    unknown = {f"custom.{name}": [f"Leads have no field {name}."] for name in names if name not in known}
    if unknown:
        raise Problem(Kinds.INVALID, "Some values cannot be used.", unknown)


def _problem(lead: Lead, given: LeadGiven, refused: ValuesRefused) -> Problem:
    """An address of another lead is a conflict with it; anything else is a value that cannot be used."""
    places = {"owner": "owner_id", **{name: f"custom.{name}" for name in given.custom}}
    errors = {places.get(name, name): [sentence] for name, sentence in refused.problems.items()}
    other = taken(lead, given.email) if "email" in refused.problems else None
    if other:
        return Problem(Kinds.CONFLICT, str(refused), errors, lead_id=other.lead.pk)
    return Problem(Kinds.INVALID, "Some values cannot be used.", errors)
