"""Activities over the wire: each test names the documentation page that it holds."""

import re
from typing import Any

import pytest

from postroom.sandbox.leadsquared import ActivityType, LeadSquaredSandbox

from .conftest import ACTIVITIES, JOHN, RITA, Api, pairs

pytestmark = pytest.mark.asyncio
EVER = {"FromDate": "2000-01-01 00:00:00", "ToDate": "2100-01-01 00:00:00"}
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def fields(**values: str) -> list[dict[str, str]]:
    return [{"SchemaName": name, "Value": value} for name, value in values.items()]


def activity(lead_id: str, kind: ActivityType, **more: Any) -> dict[str, Any]:
    return {"RelatedProspectId": lead_id, "ActivityEvent": kind.code} | more


# "Post an Activity on a Lead"


async def test_the_sample_of_post_an_activity(
    api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType
) -> None:
    lead = sandbox.add_lead(JOHN)
    body = activity(
        lead.id,
        email_sent,
        ActivityNote="Your Activity Note",
        ProcessFilesAsync=True,
        ActivityDateTime="2015-10-11 12:13:44",
        Fields=fields(
            mx_Custom_1="Hello", mx_Custom_2="123", mx_Custom_4="2016-07-07 10:55:00", Status="Active"
        ),
    )
    answer = await api.post(ACTIVITIES + "Create", body)
    (posted,) = sandbox.activities_of(JOHN)
    assert answer.json == {"Status": "Success", "Message": {"Id": posted.id}}
    assert posted.note == "Your Activity Note"
    assert posted.values == {
        "mx_Custom_1": "Hello",
        "mx_Custom_2": "123",
        "mx_Custom_4": "2016-07-07 10:55:00",
        "Status": "Active",
    }
    listed = await api.post(ACTIVITIES + "Retrieve", {}, leadId=lead.id)
    assert listed.json["ProspectActivities"][0]["CreatedOn"] == "2015-10-11 12:13:44"


async def test_a_lead_score_comes_when_asked_for(
    api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType
) -> None:
    body = activity(sandbox.add_lead(JOHN).id, email_sent, IncludeLeadScore=True)
    assert (await api.post(ACTIVITIES + "Create", body)).json["Message"]["LeadScore"] == 5


async def test_what_is_posted_twice_is_there_twice(
    api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType
) -> None:
    body = activity(
        sandbox.add_lead(JOHN).id, email_sent, ActivityNote="x", ActivityDateTime="2026-01-01 00:00:00"
    )
    ids = [(await api.post(ACTIVITIES + "Create", body)).json["Message"]["Id"] for _ in range(2)]
    assert len(set(ids)) == 2
    assert sandbox.doubles() == {(JOHN, email_sent.code, "x"): 2}


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"RelatedProspectId": ""}, "MXMandatoryAttributeMissingException"),
        ({"RelatedProspectId": "2bf6a491-c144-4ac9-90f9-f52b6fc44413"}, "MXInvalidEntityException"),
        ({"ActivityEvent": None}, "MXMandatoryAttributeMissingException"),
        ({"ActivityEvent": 999}, "MXUnknownProspectActivityException"),
        ({"ActivityEvent": "many"}, "MXInvalidInputException"),
        ({"ActivityDateTime": "2015-10-11T12:13:44Z"}, "MXInvalidInputException"),
        ({"ActivityDateTime": "2015-13-11 12:13:44"}, "MXInvalidInputException"),
        ({"ActivityOwnerEmail": "nobody@x.example"}, "MXInvalidEntityReferenceException"),
        ({"Fields": fields(mx_Custom_9="x")}, "MXUnknownAttributeException"),
        ({"Fields": fields(mx_Custom_1="x" * 201)}, "MXInvalidInputException"),
        ({"Fields": fields(mx_Custom_2="many")}, "MXInvalidInputException"),
        ({"Fields": fields(mx_Custom_3="Trash")}, "MXInvalidInputException"),
        ({"Fields": fields(mx_Custom_4="yesterday")}, "MXInvalidInputException"),
    ],
)
async def test_what_is_wrong_is_a_500_with_its_name(
    api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType, change: dict[str, Any], kind: str
) -> None:
    body = activity(sandbox.add_lead(JOHN).id, email_sent) | change
    answer = await api.post(ACTIVITIES + "Create", body)
    assert (answer.status, answer.kind) == (500, kind)
    assert len(sandbox.activities) == 0


async def test_a_mandatory_field_must_be_there(api: Api, sandbox: LeadSquaredSandbox) -> None:
    made = {"SchemaName": "mx_Custom_1", "DisplayName": "Subject", "DataType": "String", "IsMandatory": True}
    body = {"ActivityEventName": "Letter", "Fields": [made]}
    code = int((await api.post(ACTIVITIES + "CreateType", body)).json["Message"]["Id"])
    lead, kind = sandbox.add_lead(JOHN), sandbox.activities.types[code]
    assert (await api.post(ACTIVITIES + "Create", activity(lead.id, kind))).status == 500
    good = activity(lead.id, kind, Fields=fields(mx_Custom_1="x"))
    assert (await api.post(ACTIVITIES + "Create", good)).status == 200


async def test_dropdowns_may_go_unchecked(
    api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType
) -> None:
    body = activity(sandbox.add_lead(JOHN).id, email_sent, Fields=fields(mx_Custom_3="Trash"))
    assert (await api.post(ACTIVITIES + "Create", body | {"ValidateDropDownOptions": True})).status == 200


async def test_the_owner_is_who_is_named_else_whose_keys_they_are(
    api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType
) -> None:
    lead = sandbox.add_lead(JOHN)
    for more in ({}, {"ActivityOwnerEmail": RITA.upper()}, {"Fields": fields(Owner=sandbox.users[RITA].id)}):
        await api.post(ACTIVITIES + "Create", activity(lead.id, email_sent, **more))
    owners = {each.posted: each.owner.email for each in sandbox.activities_of(JOHN)}
    assert [owners[moment] for moment in sorted(owners)] == ["admin@leadsquared.example", RITA, RITA]


async def test_a_note_may_be_limited(api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType) -> None:
    lead = sandbox.add_lead(JOHN)
    long = activity(lead.id, email_sent, ActivityNote="x" * 100_000)
    assert (await api.post(ACTIVITIES + "Create", long)).status == 200
    sandbox.settings.longest_note = 2000
    assert (await api.post(ACTIVITIES + "Create", long)).kind == "MXInvalidInputException"


# "Post an Activity with a Lead's Email Address"


async def test_an_address_finds_or_makes_the_lead(
    api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType
) -> None:
    body = {
        "EmailAddress": JOHN,
        "ActivityEvent": email_sent.code,
        "ActivityNote": "Note for the activity",
        "ActivityDateTime": "2015-10-11 12:13:44",
        "FirstName": "John",
        "LastName": "Smith",
        "Phone": "+919845098450",
    }
    for _ in range(2):
        assert (await api.post(ACTIVITIES + "Create", body)).json["Status"] == "Success"
    assert len(sandbox.leads) == 1
    assert sandbox.lead(JOHN).name == "John Smith"
    assert len(sandbox.activities_of(JOHN)) == 2


async def test_no_lead_is_made_for_an_activity_that_is_refused(
    api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType
) -> None:
    wrong = {"EmailAddress": JOHN, "ActivityEvent": email_sent.code, "Fields": fields(mx_Custom_2="x")}
    assert (await api.post(ACTIVITIES + "Create", wrong)).status == 500
    assert len(sandbox.leads) == 0


# "Create a Lead and Activity"


async def test_the_sample_of_create_a_lead_and_activity(
    api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType
) -> None:
    body = {
        "LeadDetails": pairs(EmailAddress="email@example.com", mx_City="Bangalore", SearchBy="EmailAddress"),
        "Activity": {
            "ActivityEvent": email_sent.code,
            "ActivityNote": "Note for the activity",
            "ActivityDateTime": "2016-07-07 10:55:00",
            "Fields": fields(mx_Custom_1="123", mx_Custom_4="2016-07-07 10:55:00"),
        },
    }
    answer = (await api.post(ACTIVITIES + "CreateCustom", body)).json
    (posted,) = sandbox.activities_of("email@example.com")
    assert answer["Status"] == "Success"
    assert answer["Message"] == {"Id": posted.id, "RelatedId": sandbox.lead("email@example.com").id}
    body["LeadDetails"] = pairs(EmailAddress="email@example.com", mx_City="Pune", SearchBy="EmailAddress")
    await api.post(ACTIVITIES + "CreateCustom", body)
    assert sandbox.lead("email@example.com").values["mx_City"] == "Pune"
    assert len(sandbox.activities_of("email@example.com")) == 2


async def test_neither_is_written_where_the_activity_is_refused(
    api: Api, sandbox: LeadSquaredSandbox
) -> None:
    body = {"LeadDetails": pairs(EmailAddress=JOHN), "Activity": {"ActivityEvent": 999}}
    assert (await api.post(ACTIVITIES + "CreateCustom", body)).status == 500
    assert len(sandbox.leads) == 0


# "Post Activities on Leads in Bulk (Using Lead Id)", "(Using Unique Lead Fields)"


async def test_the_sample_of_post_activities_in_bulk(
    api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType
) -> None:
    john, jane = sandbox.add_lead(JOHN), sandbox.add_lead("jane@x.example")
    body = [
        activity(john.id, email_sent, ActivityNote="Add/ByLeadId", ActivityOwnerEmail=RITA),
        activity(jane.id, email_sent, ActivityNote="Add/ByLeadId", Fields=fields(mx_Custom_1="First")),
    ]
    answer = (await api.post(ACTIVITIES + "Bulk/CustomActivity/Add/ByLeadId", body)).json
    (of_john,), (of_jane,) = sandbox.activities_of(JOHN), sandbox.activities_of("jane@x.example")
    assert answer == {
        "Response": [
            {"ProspectActivityId": of_john.id, "RowNumber": 1, "ActivityCreated": True},
            {"ProspectActivityId": of_jane.id, "RowNumber": 2, "ActivityCreated": True},
        ]
    }


async def test_one_that_fails_does_not_hinder_the_others(
    api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType
) -> None:
    lead = sandbox.add_lead(JOHN)
    missing = activity("2bf6a491-c144-4ac9-90f9-f52b6fc44413", email_sent)
    body = [missing, activity(lead.id, email_sent), "what"]
    rows = (await api.post(ACTIVITIES + "Bulk/CustomActivity/Add/ByLeadId", body)).json["Response"]
    assert [row["ActivityCreated"] for row in rows] == [False, True, False]
    assert rows[0]["ExceptionType"] == "MXInvalidEntityException"
    assert len(sandbox.activities) == 1


@pytest.mark.parametrize("number", [0, 26])
async def test_a_bulk_call_takes_1_to_25(
    api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType, number: int
) -> None:
    body = [activity(sandbox.add_lead(JOHN).id, email_sent)] * number
    answer = await api.post(ACTIVITIES + "Bulk/CustomActivity/Add/ByLeadId", body)
    assert answer.kind == "MXInvalidInputException"
    assert len(sandbox.activities) == 0


async def test_leads_are_found_by_a_unique_field(
    api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType
) -> None:
    sandbox.add_lead(JOHN)
    body = [
        {"SearchByValue": JOHN, "ActivityEvent": email_sent.code},
        {"SearchByValue": "nobody@x.example", "ActivityEvent": email_sent.code},
    ]
    path = ACTIVITIES + "Bulk/CustomActivity/Add/ByLeadField"
    rows = (await api.post(path, body, searchBy="EmailAddress")).json["Response"]
    assert [row["ActivityCreated"] for row in rows] == [True, False]
    assert (await api.post(path, body, searchBy="Company")).kind == "MXInvalidInputException"


# "Get Activities of a Lead"


async def test_the_sample_of_get_activities_of_a_lead(
    api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType
) -> None:
    lead = sandbox.add_lead(JOHN)
    await api.post(
        ACTIVITIES + "Create", activity(lead.id, email_sent, ActivityNote="n", Fields=fields(mx_Custom_1="v"))
    )
    body = {"Parameter": {"ActivityEvent": email_sent.code}, "Paging": {"Offset": "0", "RowCount": "10"}}
    answer = (await api.post(ACTIVITIES + "Retrieve", body, leadId=lead.id)).json
    (found,) = answer["ProspectActivities"]
    assert answer["RecordCount"] == 1
    assert found["Id"] == sandbox.activities_of(JOHN)[0].id
    assert (found["EventCode"], found["EventName"], found["ActivityScore"]) == (201, "Email Sent", 5)
    assert (found["ActivityType"], found["IsEmailType"], found["Type"]) == (2, False, "Outbound")
    assert TIME.fullmatch(found["CreatedOn"])
    assert {"Key": "mx_Custom_1", "Value": "v"} in found["Data"]
    assert found["ActivityFields"]["ActivityEvent_Note"] == "n"


async def test_up_to_25_come_unless_told_otherwise(
    api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType
) -> None:
    lead = sandbox.add_lead(JOHN)
    for number in range(30):
        time = f"2026-01-01 00:00:{number:02}"
        await api.post(ACTIVITIES + "Create", activity(lead.id, email_sent, ActivityDateTime=time))
    first = (await api.post(ACTIVITIES + "Retrieve", {}, leadId=lead.id)).json
    assert (first["RecordCount"], len(first["ProspectActivities"])) == (30, 25)
    assert first["ProspectActivities"][0]["CreatedOn"] == "2026-01-01 00:00:29"
    body = {"Paging": {"Offset": "1", "RowCount": "25"}}
    second = (await api.post(ACTIVITIES + "Retrieve", body, leadId=lead.id)).json
    assert [each["CreatedOn"][-2:] for each in second["ProspectActivities"]] == ["04", "03", "02", "01", "00"]


async def test_only_one_type_of_them(api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType) -> None:
    lead, other = sandbox.add_lead(JOHN), sandbox.add_activity_type("Email Received")
    await api.post(ACTIVITIES + "Create", activity(lead.id, email_sent))
    body = {"Parameter": {"ActivityEvent": other.code}}
    assert (await api.post(ACTIVITIES + "Retrieve", body, leadId=lead.id)).json == {
        "RecordCount": 0,
        "ProspectActivities": [],
    }


# "Get Activities by Activity Event", and RetrieveRecentlyModified


async def test_activities_of_all_leads_by_type(
    api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType
) -> None:
    lead = sandbox.add_lead(JOHN)
    body = activity(
        lead.id, email_sent, ActivityDateTime="2015-10-11 12:13:44", Fields=fields(mx_Custom_1="Hello")
    )
    await api.post(ACTIVITIES + "Create", body)
    wanted = {
        "Parameter": EVER | {"ActivityEvent": email_sent.code},
        "Paging": {"PageIndex": 1, "PageSize": 1000},
    }
    path = ACTIVITIES + "CustomActivity/RetrieveByActivityEvent"
    answer = (await api.post(path, wanted)).json
    (row,) = answer["List"]
    assert answer["RecordCount"] == 1
    assert row["RelatedProspectId"] == lead.id
    assert (row["ActivityEvent"], row["mx_Custom_1"]) == ("201", "Hello")
    assert row["CreatedOn"] == "2015-10-11 12:13:44" < row["ModifiedOn"]
    past = {"FromDate": "2015-01-01 00:00:00", "ToDate": "2016-01-01 00:00:00"}
    none = await api.post(path, {"Parameter": past | {"ActivityEvent": email_sent.code}})
    assert none.json == {"RecordCount": 0}
    large = await api.post(path, wanted | {"Paging": {"PageSize": 1001}})
    assert large.json["ExceptionMessage"] == "PageSize can not be more than 1000."


async def test_what_was_modified_lately_of_every_type(
    api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType
) -> None:
    lead = sandbox.add_lead(JOHN)
    await api.post(ACTIVITIES + "Create", activity(lead.id, email_sent))
    answer = (await api.post(ACTIVITIES + "RetrieveRecentlyModified", {"Parameter": EVER})).json
    assert answer["RecordCount"] == 1
    assert answer["ProspectActivities"][0]["RelatedProspectId"] == lead.id


# "Get Activity Details"


async def test_details_of_an_activity(
    api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType
) -> None:
    body = activity(sandbox.add_lead(JOHN).id, email_sent, Fields=fields(mx_Custom_3="Inbox"))
    made = (await api.post(ACTIVITIES + "Create", body)).json["Message"]["Id"]
    answer = (await api.get(ACTIVITIES + "GetActivityDetails", activityId=made)).json
    assert (answer["ID"], answer["Name"]) == (made, "Email Sent")
    folder = next(field for field in answer["Fields"] if field["SchemaName"] == "mx_Custom_3")
    assert (folder["DisplayName"], folder["Value"], folder["DataType"]) == (
        "Folder",
        "Inbox",
        "SearchableDropdown",
    )
    assert folder["MaxFieldLength"] == 200
    missing = await api.get(ACTIVITIES + "GetActivityDetails", activityId="no")
    assert missing.json["ExceptionMessage"] == "Activity does not exist."


# "Update an Activity", "Update Activities in Bulk"


async def test_an_update_leaves_what_it_does_not_name(
    api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType
) -> None:
    body = activity(sandbox.add_lead(JOHN).id, email_sent, ActivityNote="n", Fields=fields(mx_Custom_1="a"))
    made = (await api.post(ACTIVITIES + "Create", body)).json["Message"]["Id"]
    change = {
        "ProspectActivityId": made,
        "ActivityEvent": email_sent.code,
        "Fields": fields(mx_Custom_2="7", mx_Custom_1="", Owner=sandbox.users[RITA].id),
    }
    assert (await api.post(ACTIVITIES + "CustomActivity/Update", change)).json["Status"] == "Success"
    (found,) = sandbox.activities_of(JOHN)
    assert (found.note, found.values, found.owner.email) == ("n", {"mx_Custom_2": "7"}, RITA)


async def test_updates_in_bulk_have_their_own_results(
    api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType
) -> None:
    made = (await api.post(ACTIVITIES + "Create", activity(sandbox.add_lead(JOHN).id, email_sent))).json
    body = [
        {"ProspectActivityId": made["Message"]["Id"], "ActivityNote": "Activity note update"},
        {"ProspectActivityId": "bb9205fd-81b8-4d44-bf74-26f90e11790b", "ActivityNote": "x"},
    ]
    rows = (await api.post(ACTIVITIES + "Bulk/CustomActivity/Update", body)).json["Response"]
    assert [row["ActivityUpdated"] for row in rows] == [True, False]
    assert sandbox.activities_of(JOHN)[0].note == "Activity note update"


# "Delete Activities of a Lead"


async def test_the_sample_of_delete_activities(
    api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType
) -> None:
    lead, other = sandbox.add_lead(JOHN), sandbox.add_activity_type("Other")
    for kind, time in (
        (email_sent, "2018-05-01 00:00:00"),
        (email_sent, "2019-05-01 00:00:00"),
        (other, "2018-05-01 00:00:00"),
    ):
        await api.post(ACTIVITIES + "Create", activity(lead.id, kind, ActivityDateTime=time))
    body = {
        "ProspectId": lead.id,
        "ActivityEventList": [str(email_sent.code), "163"],
        "FromDate": "2018-04-30 18:30:00",
        "ToDate": "2018-06-20 18:29:59",
        "StatusWebhookURL": "https://myurl",
    }
    answer = await api.post(ACTIVITIES + "DeleteActivities", body)
    assert answer.json["Message"] == {"Message": "Your request for delete activities has been queued."}
    assert [each.type.name for each in sandbox.activities_of(JOHN)] == ["Email Sent", "Other"]


# "Get List of Activity Types", "Get Activity Type Details", "Create a Custom Activity Type", "Update
# Activity Type"


async def test_types_are_made_listed_and_changed(api: Api, sandbox: LeadSquaredSandbox) -> None:
    body = {
        "ActivityEventName": "New Custom Activity Type",
        "Score": 5,
        "Description": "Activity type description",
        "Direction": 1,
        "TrackLocation": 1,
        "AllowAttachments": 1,
        "ShowInActivityGrid": 1,
        "CanDeleteActivity": False,
        "Fields": [
            {"SchemaName": "mx_Custom_1", "DisplayName": "Custom 1", "DataType": "String", "OptionSet": None},
            {"SchemaName": "mx_Custom_2", "DisplayName": "Custom 2", "DataType": "String", "OptionSet": None},
        ],
    }
    answer = (await api.post(ACTIVITIES + "CreateType", body)).json
    assert answer == {"Status": "Success", "Message": {"Id": "201"}}
    assert (await api.post(ACTIVITIES + "CreateType", body)).kind == "MXDuplicateEntryException"
    listed = {each["ActivityEvent"]: each for each in (await api.get(ACTIVITIES + "ActivityTypes.Get")).json}
    assert listed[201]["ActivityEventName"] == "New Custom Activity Type"
    assert (listed[201]["EventType"], listed[201]["EventDirection"], listed[22]["EventType"]) == (2, 1, 1)
    change = {
        "ID": listed[201]["ID"],
        "ActivityEventName": "Updated Activity Name",
        "EventDirection": 1,
        "Fields": [{"SchemaName": "mx_Custom_2", "DisplayName": "New", "DataType": "Number"}],
    }
    assert (await api.post(ACTIVITIES + "CustomActivityType/Update", change)).json == {"Status": "Success"}
    details = (await api.get(ACTIVITIES + "CustomActivity/GetActivitySetting", code="201")).json
    assert details["DisplayName"] == "Updated Activity Name"
    shown = {field["SchemaName"]: field for field in details["Fields"]}
    assert (shown["mx_Custom_1"]["DataType"], shown["mx_Custom_2"]["DataType"]) == ("String", "Number")


@pytest.mark.parametrize("schema", ["mx_Custom_0", "mx_Custom_51", "mx_City"])
async def test_custom_fields_are_mx_custom_1_to_50(api: Api, schema: str) -> None:
    body = {"ActivityEventName": "T", "Fields": [{"SchemaName": schema}]}
    assert (await api.post(ACTIVITIES + "CreateType", body)).kind == "MXInvalidInputException"


async def test_a_type_needs_a_name(api: Api) -> None:
    assert (await api.post(ACTIVITIES + "CreateType", {})).kind == "MXMandatoryAttributeMissingException"
