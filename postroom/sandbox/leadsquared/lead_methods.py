"""LeadManagement.svc: leads are read, searched, created, changed and deleted; their fields; their notes.

Sources, each method's page by its name: "Get a Lead by Email", "Get Lead by Id", "Get Lead by Phone",
"Quick Search", "Search Leads by Criteria", "Get Leads in Bulk by Ids", "Get Leads by Date Range", "Get
Metadata", "Create a Custom Lead Field", "Create a Lead", "Update a Lead", "Create or Update a Lead",
"Capture Leads", "Create Leads in Bulk", "Create or Update Leads in Bulk", "Update Leads in Bulk", "Update
Leads in Bulk v2", "Delete a Lead", "Create a Note", "Get a Lead's Notes".
"""

from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from . import attributes, errors, values
from .api import Call, Method
from .attributes import Attributes
from .errors import LsqError
from .fields import DATA_TYPES, LeadField
from .leads import Lead, value_of
from .people import User

Json = dict[str, Any]
_QUICK = ("FirstName", "LastName", "EmailAddress", "Phone", "Mobile", "Company", "mx_City", "mx_Country")
_MOST_IN_A_PAGE = 5000
_NOT_THERE = "Lead does not exist in the system or You do not have permission to update the lead"
_NEVER_UPDATED = frozenset({"Source", "SourceMedium", "SourceCampaign", "SourceContent"})


def get_by_email(call: Call) -> list[Json]:
    """ "If the EmailId doesn't exist, the response will be empty"."""
    return _one(call, "EmailAddress", call.asked("emailaddress", "getting lead"))


def get_by_id(call: Call) -> list[Json]:
    return _one(call, "ProspectID", call.asked("id", "getting lead"))


def get_by_phone(call: Call) -> list[Json]:
    wanted = call.asked("phone", "getting lead")
    return _one(call, "Phone", wanted) or _one(call, "Mobile", wanted)


def quick_search(call: Call) -> list[Json]:
    """Which fields are searched is documented, how is not: for the key within them, in any case."""
    key, leads = call.asked("key", "searching leads").lower(), call.sandbox.leads
    return [
        leads.shown(lead)
        for lead in leads
        if any(key in lead.values.get(name, "").lower() for name in _QUICK)
    ]


def search(call: Call) -> list[Json]:
    """Leads.Get. Without a page size, 100 (chosen)."""
    wanted = call.object()
    parameter = _part(wanted, "Parameter")
    name = attributes.as_text(parameter.get("LookupName"), "LookupName")
    if not name:
        raise errors.missing("LookupName", "searching leads")
    field = call.sandbox.leads.field(name)
    meets = _condition(field, parameter)
    found = [lead for lead in call.sandbox.leads if meets(value_of(lead, field) or "")]
    columns = _columns(call, wanted)
    return [call.sandbox.leads.shown(lead, columns) for lead in _page(wanted, _sorted(call, wanted, found))]


def recently_modified(call: Call) -> Json:
    """By LeadLastModifiedOn, which activities move, too. ``RecordCount`` counts every page's leads
    (chosen).
    """
    wanted = call.object()
    parameter = _part(wanted, "Parameter")
    bounds = [parameter.get(name) for name in ("FromDate", "ToDate")]
    if None in bounds:
        raise errors.missing("FromDate' and 'ToDate", "getting leads by date range")
    start, end = (values.read_stamp(each, "FromDate or ToDate") for each in bounds)
    found = [each for each in call.sandbox.leads if start <= int(each.touched) <= end]
    columns = _columns(call, wanted)
    page = _page(wanted, _sorted(call, wanted, found))
    shown = [call.sandbox.leads.shown(lead, columns).items() for lead in page]
    listed = [{"LeadPropertyList": [{"Attribute": n, "Value": v} for n, v in each]} for each in shown]
    return {"RecordCount": len(found), "Leads": listed}


def metadata(call: Call) -> list[Json]:
    wanted = call.query.get("schemaname", "").lower()
    with_options = call.query.get("excludeoptionsets") != "1"
    every = call.sandbox.leads.fields.items()
    return [each.metadata(with_options=with_options) for name, each in every if wanted in {"", name}]


def create_field(call: Call) -> Json:
    """The schema name is "mx_<Display_Name>"."""
    wanted = call.object()
    display = attributes.as_text(wanted.get("DisplayName"), "DisplayName")
    data_type = wanted.get("DataType", "Text")
    if not display:
        raise errors.missing("DisplayName", "creating lead field")
    if data_type not in DATA_TYPES:
        raise errors.invalid_value("DataType", "not a data type")
    most = values.read_int(wanted.get("MaxLength") or 200, "MaxLength")
    mandatory = wanted.get("IsMandatory") is True
    field = LeadField(f"mx_{display.replace(' ', '_')}", display, data_type, most, mandatory=mandatory)
    call.sandbox.leads.add_field(field)
    return {"Status": "Success", "Message": {"Id": field.schema}}


def create(call: Call) -> Json:
    given = attributes.read(call.sandbox.leads, call.body)
    return {"Status": "Success", "Message": {"Id": _create(call, given).id}}


def update(call: Call) -> Json:
    lead = call.sandbox.leads.get(call.asked("leadId", "updating lead"))
    _update(call, lead, attributes.read(call.sandbox.leads, call.body))
    return {"Status": "Success", "Message": {"AffectedRows": 1}}


def create_or_update(call: Call) -> Json:
    lead, _ = upsert(call, attributes.read(call.sandbox.leads, call.body))
    return {"Status": "Success", "Message": {"Id": lead.id, "AffectedRows": 1}}


def capture(call: Call) -> Json:
    """The rules of "Capture Leads", without its anonymous visitors; the source is never written twice."""
    given = attributes.read(call.sandbox.leads, call.body)
    lead = _captured(call, given)
    if lead is None:
        return {"Status": "Success", "Message": {"Id": _create(call, given).id, "IsCreated": True}}
    behaviour = call.query.get("leadupdatebehavior", "").lower()
    kept = {name: value for name, value in given.values.items() if name not in _NEVER_UPDATED}
    if behaviour == "updateonlyemptyfields":
        kept = {name: value for name, value in kept.items() if not lead.values.get(name)}
    if behaviour == "donotupdateuniquefields":
        kept = {name: value for name, value in kept.items() if not call.sandbox.leads.field(name).unique}
    if behaviour != "donotupdate":
        _update(call, lead, Attributes(kept))
    return {"Status": "Success", "Message": {"Id": lead.id, "IsCreated": False}}


def bulk_create(call: Call) -> list[Json]:
    return [_row(call, number, each, _created_row) for number, each in enumerate(call.array(50), 1)]


def bulk_create_or_update(call: Call) -> list[Json]:
    return [_row(call, number, each, upsert) for number, each in enumerate(call.array(25), 1)]


def by_ids(call: Call) -> Json:
    """Flat, and without the leads that are not there (chosen)."""
    wanted = call.object()
    ids = _part(wanted, "SearchParameters").get("LeadIds")
    if not isinstance(ids, list) or not ids:
        raise errors.missing("LeadIds", "getting leads")
    columns = _columns(call, wanted)
    if not columns:
        raise errors.missing("Include_CSV", "getting leads")
    leads = [call.sandbox.leads.find("ProspectID", str(each)) for each in ids]
    found = [call.sandbox.leads.shown(lead, columns) for lead in leads if lead]
    return {"RecordCount": len(found), "Leads": _page(wanted, found, most=10_000)}


def bulk_update_one_field(call: Call) -> Json:
    """The value of one field for up to 50 leads. Of leads that are not there, none is changed (chosen)."""
    wanted = call.object()
    ids = wanted.get("LeadIds")
    if not isinstance(ids, list) or not ids:
        raise errors.missing("LeadIds", "updating leads")
    if len(ids) > 50:
        raise errors.too_many_items(50)
    given = attributes.read(call.sandbox.leads, [_part(wanted, "LeadFields")])
    leads = [call.sandbox.leads.get(str(each)) for each in ids]
    for lead in leads:
        _update(call, lead, given)
    return {"Status": "Success", "Message": {"AffectedRows": len(leads)}}


def bulk_update(call: Call) -> Json:
    """Lead/Bulk/UpdateV2. By ``SearchByKey``, or by the id. What failed is listed with its reason, as the
    page's samples have it for a lead that is not there; for other reasons that is chosen.
    """
    wanted = call.object()
    listed = wanted.get("LeadPropertiesList")
    if not isinstance(listed, list) or not listed:
        raise errors.missing("LeadPropertiesList", "updating leads")
    if len(listed) > 25:
        raise errors.too_many_items(25)
    key = str(wanted.get("SearchByKey") or "ProspectId")
    apart = _part(wanted, "Options").get("PushNonExistentLeadsToUnProcessedList") is True
    failed = [reason for each in listed if (reason := _failed_update(call, key, each))]
    missing = [each for each in failed if apart and each["Reason"] == _NOT_THERE]
    failed = [each for each in failed if each not in missing]
    counts = {
        "TotalCount": len(listed),
        "SuccessCount": len(listed) - len(failed) - len(missing),
        "FailureCount": len(failed),
    }
    details = {"FailedLeads": failed} | ({"UnProcessedLeads": missing} if apart else {})
    counts |= {"UnProcessedCount": len(missing)} if apart else {}
    words = "Error" if failed or missing else "Success"
    return {
        "Status": counts | {"Message": words},
        "Details": {name: leads for name, leads in details.items() if leads},
    }


def _failed_update(call: Call, key: str, each: Any) -> Json | None:
    """What the answer says of one lead that could not be updated."""
    value = ""
    try:
        given = attributes.read(call.sandbox.leads, each.get("Fields") if isinstance(each, dict) else None)
        name = (
            "ProspectID" if key.lower() in {"prospectid", "leadid"} else call.sandbox.leads.field(key).schema
        )
        value = given.id if name == "ProspectID" else given.values.get(name, "")
        lead = call.sandbox.leads.find(name, value) if value else None
        if lead is None:
            return {"Identifier": key, "IdentifierValue": value, "Reason": _NOT_THERE}
        _update(call, lead, given)
    except LsqError as refused:
        return {"Identifier": key, "IdentifierValue": value, "Reason": refused.message}
    return None


def delete(call: Call) -> Json:
    """With everything that belongs to it. "This API doesn't work automatically": see the setting."""
    if not call.sandbox.settings.leads_may_be_deleted:
        raise errors.not_enabled("Lead delete API")
    lead = call.sandbox.leads.get(call.asked("leadId", "deleting lead"))
    call.sandbox.activities.delete_all_of(lead.id)
    call.sandbox.leads.delete(lead)
    return {"Status": "Success"}


def create_note(call: Call) -> Json:
    wanted = call.object()
    for name in ("RelatedProspectId", "Note"):
        if not wanted.get(name):
            raise errors.missing(name, "creating note")
    lead = call.sandbox.leads.get(str(wanted["RelatedProspectId"]))
    note = {
        "ProspectNoteId": values.guid(call.sandbox.random),
        "RelatedProspectId": lead.id,
        "Note": attributes.as_text(wanted["Note"], "Note"),
        "AttachmentName": attributes.as_text(wanted.get("AttachmentName"), "AttachmentName"),
        "CreatedByName": call.user.name,
        "CreatedOn": values.stamp(call.now),
    }
    call.sandbox.notes.append(note)
    return {"Status": "Success", "Message": {"Id": note["ProspectNoteId"]}}


def notes(call: Call) -> Json:
    wanted = call.object()
    parameter = _part(wanted, "Parameter")
    related = parameter.get("RelatedId")
    if not related:
        raise errors.missing("RelatedId", "getting notes")
    only = parameter.get("Id")
    every = [note for note in call.sandbox.notes if note["RelatedProspectId"] == str(related).lower()]
    found = [note for note in every if only in {None, "", note["ProspectNoteId"]}]
    return {"RecordCount": len(found), "List": _page(wanted, found[::-1])}


def upsert(call: Call, given: Attributes) -> tuple[Lead, bool]:
    """The lead that was found, and whether it is new.

    Without ``SearchBy``, by email address and then by phone. With it, by that field alone: a lead that
    another unique field would have found is then a duplicate.
    """
    leads = call.sandbox.leads
    names = (given.search_by,) if given.search_by else ("EmailAddress", "Phone")
    if given.search_by and not (given.values.get(given.search_by) or given.id):
        raise errors.missing(given.search_by, "searching lead")
    for name in names:
        value = given.id if name == "ProspectID" else given.values.get(name, "")
        if value and (lead := leads.find(name, value)):
            _update(call, lead, given)
            return lead, False
    return _create(call, given), True


def _one(call: Call, field: str, value: str) -> list[Json]:
    lead = call.sandbox.leads.find(field, value)
    return [call.sandbox.leads.shown(lead)] if lead else []


def _create(call: Call, given: Attributes) -> Lead:
    owner = _owner(call, given.values) or call.user
    kept = {name: value for name, value in given.values.items() if name != "OwnerId"}
    return call.sandbox.leads.create(kept, call.user, owner, call.now)


def _update(call: Call, lead: Lead, given: Attributes) -> None:
    owner = _owner(call, given.values) or lead.owner
    kept = {name: value for name, value in given.values.items() if name != "OwnerId"}
    call.sandbox.leads.update(lead, kept, call.user, call.now)
    if owner is not lead.owner:
        lead.owner = owner
        call.sandbox.leads.revision += 1


def _owner(call: Call, given: Mapping[str, str]) -> User | None:
    owner = given.get("OwnerId", "")
    if not owner:
        return None
    found = next((user for user in call.sandbox.users.values() if user.id == owner.lower()), None)
    if found is None:
        raise errors.no_user(owner)
    return found


def _captured(call: Call, given: Attributes) -> Lead | None:
    leads, email = call.sandbox.leads, given.values.get("EmailAddress", "")
    by_id = leads.find("ProspectID", given.id) if given.id else None
    if by_id:
        same = not email or leads.find("EmailAddress", email) is by_id
        return by_id if same else None
    everything = given.id and email and given.values.get("Phone")
    searched = given.search_by if given.search_by and not everything else ""
    for name in filter(None, (searched, "EmailAddress", "Phone")):
        value = given.values.get(name, "")
        if value and (lead := leads.find(name, value)):
            return lead
    return None


def _created_row(call: Call, given: Attributes) -> tuple[Lead, bool]:
    return _create(call, given), True


def _row(call: Call, number: int, given: Any, act: Callable[[Call, Attributes], tuple[Lead, bool]]) -> Json:
    """One lead of a bulk call. What is wrong with it stands in its row; the others are not hindered
    (chosen).
    """
    try:
        lead, is_new = act(call, attributes.read(call.sandbox.leads, given))
    except LsqError as refused:
        return {
            "RowNumber": number,
            "LeadId": "",
            "LeadCreated": False,
            "LeadUpdated": False,
            "AffectedRows": 0,
            "ExceptionType": refused.kind,
            "ErrorMessage": refused.message,
        }
    return {
        "RowNumber": number,
        "LeadId": lead.id,
        "LeadCreated": is_new,
        "LeadUpdated": not is_new,
        "AffectedRows": 1,
    }


def _part(wanted: Json, name: str) -> Json:
    """An object within the body, {} where it is missing. Raises ``LsqError``."""
    part = wanted.get(name) or {}
    if not isinstance(part, dict):
        raise errors.ill_formed(f"{name} must be an object.")
    return part


def _columns(call: Call, wanted: Json) -> list[str]:
    """The fields asked for. A name that is not one, or not in the same case, is passed over.

    That is how "Get Leads in Bulk by Ids" has it: its sample asks for ``ProspectId``, which is spelt
    ``ProspectID``, and gets none.
    """
    names = attributes.as_text(_part(wanted, "Columns").get("Include_CSV"), "Include_CSV").split(",")
    known = {field.schema for field in call.sandbox.leads.fields.values()}
    return [name for name in map(str.strip, names) if name in known]


def _sorted(call: Call, wanted: Json, found: list[Lead]) -> list[Lead]:
    """Direction 1 is descending. Without a column, the newest lead first (chosen)."""
    sorting = _part(wanted, "Sorting")
    column = call.sandbox.leads.field(sorting.get("ColumnName") or "ProspectAutoId")
    falling = str(sorting.get("Direction", "1")) != "0"
    return sorted(found, key=lambda each: _order(value_of(each, column) or ""), reverse=falling)


def _order(value: str) -> tuple[float, str]:
    """Numbers by size, before everything else."""
    return (float(value), "") if values.NUMBER.fullmatch(value) else (float("inf"), value.casefold())


def _page(wanted: Json, found: list[Any], most: int = _MOST_IN_A_PAGE) -> list[Any]:
    paging = _part(wanted, "Paging")
    index = values.read_int(paging.get("PageIndex", 1), "PageIndex")
    size = values.read_int(paging.get("PageSize", 100), "PageSize")
    if size > most:
        raise errors.too_large_page(most)
    if index < 1 or size < 1:
        raise errors.invalid_input("PageIndex and PageSize begin at 1.")
    return found[(index - 1) * size : index * size]


def _condition(field: LeadField, parameter: Json) -> Callable[[str], bool]:
    """The operators are =, LIKE, >, <, <=, >= and <>. Raises ``LsqError`` for others."""
    looked = attributes.as_text(parameter.get("LookupValue"), "LookupValue")
    operator = str(parameter.get("SqlOperator", "=")).upper()
    if operator == "LIKE":
        pattern = looked.lower().replace("%", "*").replace("_", "?")
        return lambda value: fnmatchcase(value.lower(), pattern)
    tests: dict[str, Callable[[Any, Any], bool]] = {
        "=": lambda a, b: a == b,
        "<>": lambda a, b: a != b,
        ">": lambda a, b: a > b,
        "<": lambda a, b: a < b,
        ">=": lambda a, b: a >= b,
        "<=": lambda a, b: a <= b,
    }
    if operator not in tests:
        raise errors.invalid_value("SqlOperator", "not an operator")
    test, sides = tests[operator], _order(_comparable(field, looked))
    return lambda value: bool(value) and test(_order(_comparable(field, value)), sides)


def _comparable(field: LeadField, value: str) -> str:
    """Times with and without milliseconds compare alike."""
    return value.removesuffix(".000") if "On" in field.schema or "Date" in field.schema else value


_READS: Iterable[tuple[str, str, Callable[[Call], Any]]] = (
    ("GET", "Leads.GetByEmailaddress", get_by_email),
    ("GET", "Leads.GetById", get_by_id),
    ("GET", "RetrieveLeadByPhoneNumber", get_by_phone),
    ("GET", "Leads.GetByQuickSearch", quick_search),
    ("POST", "Leads.Get", search),
    ("POST", "Leads/Retrieve/ByIds", by_ids),
    ("POST", "Leads.RecentlyModified", recently_modified),
    ("GET", "LeadsMetaData.Get", metadata),
    ("POST", "RetrieveNote", notes),
)
_WRITES: Iterable[tuple[str, str, Callable[[Call], Any]]] = (
    ("POST", "Lead.Create", create),
    ("POST", "Lead.Update", update),
    ("POST", "Lead.CreateOrUpdate", create_or_update),
    ("POST", "Lead.Capture", capture),
    ("GET", "Lead/Delete/ById", delete),
    ("POST", "CreateLeadField", create_field),
    ("POST", "CreateNote", create_note),
)
_BULK: Iterable[tuple[str, str, Callable[[Call], Any]]] = (
    ("POST", "Lead/Bulk/Create", bulk_create),
    ("POST", "Lead/Bulk/CreateOrUpdate", bulk_create_or_update),
    ("POST", "Lead/Bulk/Update", bulk_update_one_field),
    ("POST", "Lead/Bulk/UpdateV2", bulk_update),
)
METHODS = (
    *(Method(verb, f"LeadManagement.svc/{name}", play) for verb, name, play in _READS),
    *(Method(verb, f"LeadManagement.svc/{name}", play, writes=True) for verb, name, play in _WRITES),
    *(Method(verb, f"LeadManagement.svc/{name}", play, writes=True, bulk=True) for verb, name, play in _BULK),
)
