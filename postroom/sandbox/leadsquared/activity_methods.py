"""ProspectActivity.svc: activities are posted, read, changed and deleted; their types.

Sources, each method's page by its name: "Post an Activity on a Lead", "Post an Activity with a Lead's Email
Address", "Create a Lead and Activity", "Post Activities on Leads in Bulk (Using Lead Id)" and "(Using
Unique Lead Fields)", "Update an Activity", "Update Activities in Bulk", "Get Activities of a Lead", "Get
Activities by Activity Event", "Get Activity Details", "Delete Activities of a Lead", "Attach a File to a
Custom or Sales Activity", "Get List of Activity Types", "Get Activity Type Details", "Create a Custom
Activity Type", "Update Activity Type".

Every activity that is posted is a new one: the documentation knows no key that would keep a call from being
repeated.
"""

from collections.abc import Callable, Iterable
from typing import Any

import orjson

from . import attributes, errors, values
from .activities import Activity, ActivityType, FieldOfType
from .api import Call, Method
from .errors import LsqError
from .lead_methods import upsert
from .leads import Lead
from .people import User

Json = dict[str, Any]
_MOST_IN_BULK = 25
_MOST_IN_A_PAGE = 1000
_DROPDOWNS = frozenset({"Dropdown", "SearchableDropdown"})
_NOTE = "ActivityEvent_Note"


def create(call: Call) -> Json:
    """By lead id, or by email address: then a lead that is missing is made with the names and phone given."""
    wanted = call.object()
    lead = _lead_of(call, wanted)
    message: Json = {"Id": _post(call, lead, wanted).id}
    if wanted.get("IncludeLeadScore") is True:
        message["LeadScore"] = lead.score
    return {"Status": "Success", "Message": message}


def create_custom(call: Call) -> Json:
    """The lead is found by ``SearchBy`` and updated, or made; then the activity is posted on it.

    ``Message`` has the id of the activity and, as ``RelatedId``, that of the lead (chosen). Where the
    activity is refused, nothing is written.
    """
    wanted = call.object()
    activity = wanted.get("Activity")
    if not isinstance(activity, dict):
        raise errors.missing("Activity", "creating activity")
    _read(call, activity)
    lead, _ = upsert(call, attributes.read(call.sandbox.leads, wanted.get("LeadDetails")))
    return {"Status": "Success", "Message": {"Id": _post(call, lead, activity).id, "RelatedId": lead.id}}


def bulk_by_id(call: Call) -> Json:
    def lead(each: Json) -> Lead:
        if not each.get("RelatedProspectId"):
            raise errors.missing("RelatedProspectId", "creating activity")
        return call.sandbox.leads.get(str(each["RelatedProspectId"]))

    return _bulk(call, lambda each: _post(call, lead(each), each), "ActivityCreated")


def bulk_by_field(call: Call) -> Json:
    field = call.sandbox.leads.field(call.asked("searchBy", "searching lead"))
    if not field.unique:
        raise errors.invalid_value("searchBy", f"{field.schema} is not unique")

    def lead(each: Json) -> Lead:
        found = call.sandbox.leads.find(field.schema, str(each.get("SearchByValue") or ""))
        if found is None:
            raise errors.no_lead()
        return found

    return _bulk(call, lambda each: _post(call, lead(each), each), "ActivityCreated")


def update(call: Call) -> Json:
    activity = _update(call, call.object())
    return {"Status": "Success", "Message": {"Id": activity.id, "AffectedRows": 1}}


def bulk_update(call: Call) -> Json:
    return _bulk(call, lambda each: _update(call, each), "ActivityUpdated")


def of_lead(call: Call) -> Json:
    """Retrieve. ``Offset`` "specifies the page number"; samples begin at 0. Up to 25 unless told otherwise.

    ``RecordCount`` counts every page's activities, which come newest first (chosen).
    """
    lead = call.sandbox.leads.get(call.asked("leadId", "getting activities"))
    wanted = call.body if isinstance(call.body, dict) else {}
    code, paging = (wanted.get("Parameter") or {}).get("ActivityEvent"), wanted.get("Paging") or {}
    kind = call.sandbox.activities.type(code) if code not in {None, ""} else None
    every = call.sandbox.activities.of(lead.id)
    found = [each for each in every if kind is None or each.type is kind]
    page = values.read_int(paging.get("Offset", 0), "Offset")
    size = values.read_int(paging.get("RowCount", 25), "RowCount")
    if page < 0 or not 1 <= size <= _MOST_IN_A_PAGE:
        raise errors.invalid_input("RowCount can not be more than 1000.")
    shown = found[page * size : (page + 1) * size]
    return {"RecordCount": len(found), "ProspectActivities": [_listed(each) for each in shown]}


def by_event(call: Call) -> Json:
    """RetrieveByActivityEvent, by ModifiedOn. An empty answer has no ``List``, as integrations report."""
    wanted = call.object()
    kind = call.sandbox.activities.type((wanted.get("Parameter") or {}).get("ActivityEvent", ""))
    found = [each for each in _in_time(call, wanted) if each.type is kind]
    page = _page(wanted, found)
    return {"RecordCount": len(found)} | ({"List": [_row(each) for each in page]} if page else {})


def recently_modified(call: Call) -> Json:
    """Of every type, by ModifiedOn."""
    wanted = call.object()
    found = _in_time(call, wanted)
    page = [_listed(each) | {"RelatedProspectId": each.lead_id} for each in _page(wanted, found)]
    return {"RecordCount": len(found), "ProspectActivities": page}


def details(call: Call) -> Json:
    activity = call.sandbox.activities.get(call.asked("activityId", "getting activity"))
    kind = activity.type
    everything = (*kind.fields, *_common(kind))
    filled = _values(activity)
    return {
        "ID": activity.id,
        "Name": kind.name,
        "DisplayName": kind.name,
        "Fields": [
            _field(each, number, filled.get(each.schema, "")) for number, each in enumerate(everything, 1)
        ],
    }


def delete(call: Call) -> Json:
    """Custom activities of the given types, in the time given. "Queued", and here done at once."""
    wanted = call.object()
    if not wanted.get("ProspectId"):
        raise errors.missing("ProspectId", "deleting activities")
    lead = call.sandbox.leads.get(str(wanted["ProspectId"]))
    codes = {values.read_int(each, "ActivityEventList") for each in wanted.get("ActivityEventList") or ()}
    start = values.read_stamp(wanted["FromDate"], "FromDate") if wanted.get("FromDate") else 0.0
    end = values.read_stamp(wanted["ToDate"], "ToDate") if wanted.get("ToDate") else float("inf")
    for activity in call.sandbox.activities.of(lead.id):
        if activity.type.is_custom and activity.type.code in codes and start <= activity.moment <= end:
            call.sandbox.activities.delete(activity)
    words = "Your request for delete activities has been queued."
    return {"Status": "Success", "Message": {"Message": words}}


def attach(call: Call) -> Json:
    wanted = call.object()
    for name in ("ProspectActivityId", "AttachmentName", "AttachmentFile"):
        if not wanted.get(name):
            raise errors.missing(name, "attaching file")
    activity = call.sandbox.activities.get(str(wanted["ProspectActivityId"]))
    if not activity.type.allow_attachments:
        raise errors.not_enabled(f"Allow Attachments of {activity.type.name}")
    names = ("AttachmentName", "Description", "AttachmentFile")
    attachment = {name: attributes.as_text(wanted.get(name), name) for name in names}
    attachment["Id"] = values.guid(call.sandbox.random)
    activity.attachments.append(attachment)
    call.sandbox.activities.revision += 1
    return {"Status": "Success", "Message": {"Id": attachment["Id"]}}


def types(call: Call) -> list[Json]:
    """``EventType`` 2 is a custom one."""
    return [_listed_type(each) for each in call.sandbox.activities.types.values()]


def type_details(call: Call) -> Json:
    kind = call.sandbox.activities.type(call.asked("code", "getting activity type"))
    everything = (*kind.fields, *_common(kind))
    return {
        "ID": kind.id,
        "Name": kind.name,
        "DisplayName": kind.name,
        "Fields": [_field(each, number, None) for number, each in enumerate(everything, 1)],
    }


def create_type(call: Call) -> Json:
    """The id that it answers is the code, in a string."""
    wanted = call.object()
    name = attributes.as_text(wanted.get("ActivityEventName"), "ActivityEventName").strip()
    if not name:
        raise errors.missing("ActivityEventName", "creating activity type")
    kind = call.sandbox.activities.add_type(
        name,
        _fields(wanted),
        score=values.read_int(wanted.get("Score") or 0, "Score"),
        description=attributes.as_text(wanted.get("Description"), "Description"),
        outbound=str(wanted.get("Direction", 0)) == "1",
        allow_attachments=str(wanted.get("AllowAttachments", 0)).lower() in {"1", "true"},
        can_delete=wanted.get("CanDeleteActivity") is not False,
    )
    call.sandbox.activities.revision += 1
    return {"Status": "Success", "Message": {"Id": str(kind.code)}}


def update_type(call: Call) -> Json:
    wanted = call.object()
    every = call.sandbox.activities.types.values()
    kind = next((each for each in every if each.id == wanted.get("ID") and each.is_custom), None)
    if kind is None:
        raise errors.no_activity_type(wanted.get("ID"))
    kind.name = attributes.as_text(wanted.get("ActivityEventName"), "ActivityEventName") or kind.name
    kind.score = values.read_int(wanted.get("Score", kind.score), "Score")
    kind.description = attributes.as_text(wanted.get("Description", kind.description), "Description")
    kind.outbound = str(wanted.get("EventDirection", int(kind.outbound))) == "1"
    call.sandbox.activities.change_type(kind, _fields(wanted))
    call.sandbox.activities.revision += 1
    return {"Status": "Success"}


def _lead_of(call: Call, wanted: Json) -> Lead:
    if wanted.get("RelatedProspectId"):
        return call.sandbox.leads.get(str(wanted["RelatedProspectId"]))
    email = wanted.get("EmailAddress")
    if not email:
        raise errors.missing("RelatedProspectId", "creating activity")
    if found := call.sandbox.leads.find("EmailAddress", str(email)):
        return found
    _read(call, wanted)
    names = ("EmailAddress", "FirstName", "LastName", "Phone")
    pairs = [{"Attribute": name, "Value": wanted[name]} for name in names if wanted.get(name)]
    return upsert(call, attributes.read(call.sandbox.leads, pairs))[0]


def _post(call: Call, lead: Lead, wanted: Json) -> Activity:
    kind, note, given, owner, moment = _read(call, wanted)
    return call.sandbox.activities.post(
        lead, kind, note, given, user=call.user, owner=owner, moment=moment, now=call.now
    )


def _read(call: Call, wanted: Json) -> tuple[ActivityType, str, dict[str, str], User, float]:
    """What an activity to post says of itself. Raises ``LsqError``."""
    if wanted.get("ActivityEvent") in {None, ""}:
        raise errors.missing("ActivityEvent", "creating activity")
    kind = call.sandbox.activities.type(wanted["ActivityEvent"])
    given = _given(call, kind, wanted)
    for each in kind.fields:
        if each.mandatory and not given.get(each.schema):
            raise errors.missing(each.schema, "creating activity")
    time = wanted.get("ActivityDateTime")
    moment = values.read_stamp(time, "ActivityDateTime") if time else call.now
    note = _note(call, wanted) or ""
    return kind, note, given, _owner(call, wanted, given, call.user), moment


def _note(call: Call, wanted: Json) -> str | None:
    value = wanted.get("ActivityNote")
    note = None if value is None else attributes.as_text(value, "ActivityNote")
    most = call.sandbox.settings.longest_note
    if note and most and len(note) > most:
        raise errors.invalid_value("ActivityNote", f"longer than {most} characters")
    return note


def _given(call: Call, kind: ActivityType, wanted: Json) -> dict[str, str]:
    given: dict[str, str] = {}
    unchecked = wanted.get("ValidateDropDownOptions") is True
    entries = wanted.get("Fields") or []
    if not isinstance(entries, list):
        raise errors.ill_formed("Fields must be a list.")
    for entry in entries:
        name = (entry.get("SchemaName") or entry.get("Attribute")) if isinstance(entry, dict) else None
        if not isinstance(name, str):
            raise errors.ill_formed("Each of Fields must have a SchemaName.")
        field, value = kind.field(name), attributes.as_text(entry.get("Value"), name)
        if value:
            values.check(value, field.data_type, field.most, name)
        if (
            value
            and field.options
            and field.data_type in _DROPDOWNS
            and value not in field.options
            and not unchecked
        ):
            raise errors.invalid_value(name, "not one of its options")
        given[name] = value
        parts = entry.get("Fields") or ()
        given |= {f"{name}~{p.get('Attribute')}": attributes.as_text(p.get("Value"), name) for p in parts}
    return given


def _owner(call: Call, wanted: Json, given: dict[str, str], otherwise: User) -> User:
    """By ``ActivityOwnerEmail``, or by the id in the field ``Owner``; else whose keys they are."""
    email, owner = wanted.get("ActivityOwnerEmail"), given.pop("Owner", "")
    if not email and not owner:
        return otherwise
    every = call.sandbox.users.values()
    found = next(
        (user for user in every if user.email == str(email).lower() or user.id == owner.lower()), None
    )
    if found is None or not found.active:
        raise errors.no_user(str(email or owner))
    return found


def _update(call: Call, wanted: Json) -> Activity:
    if not wanted.get("ProspectActivityId"):
        raise errors.missing("ProspectActivityId", "updating activity")
    activity = call.sandbox.activities.get(str(wanted["ProspectActivityId"]))
    given = _given(call, activity.type, wanted)
    owner = _owner(call, wanted, given, activity.owner)
    call.sandbox.activities.update(activity, _note(call, wanted), given, owner, call.now)
    call.sandbox.leads.get(activity.lead_id).touched = call.now
    return activity


def _bulk(call: Call, act: Callable[[Json], Activity], verdict: str) -> Json:
    """A result for each, in their order. What is wrong with one stands in its row; the others are not
    hindered.

    The row of one that succeeded is documented; that of one that failed is what integrations expect.
    """
    rows: list[Json] = []
    for number, each in enumerate(call.array(_MOST_IN_BULK), 1):
        try:
            if not isinstance(each, dict):
                raise errors.ill_formed("Each of the list must be an object.")
            rows.append({"ProspectActivityId": act(each).id, "RowNumber": number, verdict: True})
        except LsqError as refused:
            failure = {"ExceptionType": refused.kind, "ExceptionMessage": refused.message}
            rows.append({"ProspectActivityId": None, "RowNumber": number, verdict: False} | failure)
    return {"Response": rows}


def _in_time(call: Call, wanted: Json) -> list[Activity]:
    """Sorted as asked; by ModifiedOn where that says nothing."""
    parameter = wanted.get("Parameter") or {}
    if not parameter.get("FromDate") or not parameter.get("ToDate"):
        raise errors.missing("FromDate' and 'ToDate", "getting activities")
    start, end = (values.read_stamp(parameter[name], name) for name in ("FromDate", "ToDate"))
    found = [each for each in call.sandbox.activities if start <= int(each.modified) <= end]
    sorting = wanted.get("Sorting") or {}
    by_creation = sorting.get("ColumnName") == "CreatedOn"
    falling = str(sorting.get("Direction", "1")) != "0"
    return sorted(found, key=lambda each: each.moment if by_creation else each.modified, reverse=falling)


def _page(wanted: Json, found: list[Activity]) -> list[Activity]:
    paging = wanted.get("Paging") or {}
    index = values.read_int(paging.get("PageIndex", 1), "PageIndex")
    size = values.read_int(paging.get("PageSize", 25), "PageSize")
    if size > _MOST_IN_A_PAGE:
        raise errors.invalid_input("PageSize can not be more than 1000.")
    if index < 1 or size < 1:
        raise errors.invalid_input("PageIndex and PageSize begin at 1.")
    return found[(index - 1) * size : index * size]


def _values(activity: Activity) -> Json:
    return activity.values | {_NOTE: activity.note, "Owner": activity.owner.id}


def _listed(activity: Activity) -> Json:
    """As "Get Activities of a Lead" has it."""
    kind, filled = activity.type, _values(activity)
    return {
        "Id": activity.id,
        "EventCode": kind.code,
        "EventName": kind.name,
        "ActivityScore": kind.score,
        "CreatedOn": values.stamp(activity.moment),
        "ModifiedOn": values.stamp(activity.modified),
        "ActivityType": 2 if kind.is_custom else 1,
        "IsEmailType": False,
        "Type": "Outbound" if kind.outbound else "Inbound",
        "SessionId": activity.id,
        "TrackLocation": 0,
        "Latitude": None,
        "Longitude": None,
        "Data": [{"Key": name, "Value": value} for name, value in filled.items() if value]
        + [{"Key": "CreatedByName", "Value": activity.creator.name}],
        "ActivityFields": {name: value for name, value in filled.items() if value},
        "Attachments": activity.attachments,
    }


def _row(activity: Activity) -> Json:
    """As "Get Activities by Activity Event" has it: the code is a string there."""
    return {
        "ProspectActivityId": activity.id,
        "RelatedProspectId": activity.lead_id,
        "ActivityEvent": str(activity.type.code),
        "ActivityType": "2" if activity.type.is_custom else "1",
        "Score": float(activity.type.score),
        "CreatedOn": values.stamp(activity.moment),
        "ModifiedOn": values.stamp(activity.modified),
        "CreatedBy": activity.creator.id,
        "CreatedByName": activity.creator.name,
        "CreatedByEmailAddress": activity.creator.email,
        **_values(activity),
    }


def _common(kind: ActivityType) -> tuple[FieldOfType, ...]:
    """What every type has; the note in a field of its own."""
    return (kind.field("Status"), kind.field("Owner"))


def _field(field: FieldOfType, number: int, value: str | None) -> Json:
    options = [{"Value": option, "Text": "", "Order": place} for place, option in enumerate(field.options)]
    return {
        "SchemaName": field.schema,
        "InternalName": field.schema,
        "DisplayName": field.display,
        "Value": value,
        "DataType": field.data_type,
        "IsMandatory": field.mandatory,
        "ShowInForm": True,
        "Sequence": number,
        "OptionSet": orjson.dumps(options).decode() if options else "",
        "IsReadOnly": False,
        "MaxFieldLength": field.most,
    }


def _fields(wanted: Json) -> tuple[FieldOfType, ...]:
    """The fields of a type to make or change. Raises ``LsqError``."""
    found: list[FieldOfType] = []
    for each in wanted.get("Fields") or ():
        schema = attributes.as_text(each.get("SchemaName"), "SchemaName")
        display = attributes.as_text(each.get("DisplayName"), "DisplayName") or schema
        data_type = each.get("DataType") or "String"
        most = 200 if data_type != "Text" else 0
        found.append(FieldOfType(schema, display, data_type, each.get("IsMandatory") is True, most))
    return tuple(found)


def _listed_type(kind: ActivityType) -> Json:
    properties = {"FormMetaData": [_field(each, number, None) for number, each in enumerate(kind.fields, 1)]}
    return {
        "ID": kind.id,
        "ActivityEvent": kind.code,
        "ActivityEventName": kind.name,
        "DisplayName": kind.name,
        "Description": kind.description,
        "Score": kind.score,
        "EventType": 2 if kind.is_custom else 1,
        "EventDirection": int(kind.outbound),
        "AllowAttachments": kind.allow_attachments,
        "CanDeleteActivity": kind.can_delete,
        "ActivityProperties": orjson.dumps(properties).decode(),
    }


_READS: Iterable[tuple[str, str, Callable[[Call], Any]]] = (
    ("POST", "Retrieve", of_lead),
    ("POST", "CustomActivity/RetrieveByActivityEvent", by_event),
    ("POST", "RetrieveRecentlyModified", recently_modified),
    ("GET", "GetActivityDetails", details),
    ("GET", "ActivityTypes.Get", types),
    ("GET", "CustomActivity/GetActivitySetting", type_details),
)
_WRITES: Iterable[tuple[str, str, Callable[[Call], Any]]] = (
    ("POST", "Create", create),
    ("POST", "CreateCustom", create_custom),
    ("POST", "CustomActivity/Update", update),
    ("POST", "DeleteActivities", delete),
    ("POST", "Attachment/Add", attach),
    ("POST", "CreateType", create_type),
    ("POST", "CustomActivityType/Update", update_type),
)
_BULK: Iterable[tuple[str, str, Callable[[Call], Any]]] = (
    ("POST", "Bulk/CustomActivity/Add/ByLeadId", bulk_by_id),
    ("POST", "Bulk/CustomActivity/Add/ByLeadField", bulk_by_field),
    ("POST", "Bulk/CustomActivity/Update", bulk_update),
)
METHODS = (
    *(Method(verb, f"ProspectActivity.svc/{name}", play) for verb, name, play in _READS),
    *(Method(verb, f"ProspectActivity.svc/{name}", play, writes=True) for verb, name, play in _WRITES),
    *(
        Method(verb, f"ProspectActivity.svc/{name}", play, writes=True, bulk=True)
        for verb, name, play in _BULK
    ),
)
