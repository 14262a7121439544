"""Leads over the wire: each test names the documentation page that it holds."""

import re
from typing import Any

import pytest

from postroom.sandbox.leadsquared import LeadSquaredSandbox

from .conftest import JOHN, LEADS, RITA, Api, pairs

pytestmark = pytest.mark.asyncio
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LEAD_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.000")
SAMPLE = [
    {"Attribute": "EmailAddress", "Value": "john.smith@example.com"},
    {"Attribute": "FirstName", "Value": "John"},
    {"Attribute": "LastName", "Value": "Smith"},
    {"Attribute": "Phone", "Value": "8888888888"},
    {"Attribute": "mx_City", "Value": "Bangalore"},
    {
        "Attribute": "mx_KYC",
        "Value": "",
        "Fields": [
            {"Attribute": "Status", "Value": "Pending"},
            {"Attribute": "mx_CustomObject_1", "Value": "XYZ12345.png"},
        ],
    },
]
EVER = {"FromDate": "2000-01-01 00:00:00", "ToDate": "2100-01-01 00:00:00"}


# "Create a Lead"


async def test_the_sample_of_create_a_lead(api: Api, sandbox: LeadSquaredSandbox) -> None:
    sandbox.add_lead_field("mx_KYC")
    answer = await api.post(LEADS + "Lead.Create", SAMPLE)
    assert answer.json["Status"] == "Success"
    assert set(answer.json["Message"]) == {"Id"}
    assert GUID.fullmatch(answer.json["Message"]["Id"])
    lead = sandbox.lead("john.smith@example.com")
    assert lead.id == answer.json["Message"]["Id"]
    assert lead.values["mx_KYC~Status"] == "Pending"
    assert lead.values["mx_City"] == "Bangalore"


async def test_a_lead_needs_something_to_know_it_by(api: Api, sandbox: LeadSquaredSandbox) -> None:
    answer = await api.post(LEADS + "Lead.Create", pairs(Company="Acme"))
    assert (answer.status, answer.kind) == (500, "MXMandatoryAttributeMissingException")
    assert len(sandbox.leads) == 0
    assert (await api.post(LEADS + "Lead.Create", pairs(LastName="Smith"))).status == 200


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (pairs(EmailAddress=JOHN), pairs(EmailAddress=JOHN.upper())),
        (pairs(Phone="+91-9845098450"), pairs(Phone="+919845098450", EmailAddress="b@x.example")),
        (pairs(Mobile="1"), pairs(Mobile="1", FirstName="B")),
    ],
)
async def test_unique_fields_are_unique(
    api: Api, sandbox: LeadSquaredSandbox, first: Any, second: Any
) -> None:
    await api.post(LEADS + "Lead.Create", first + pairs(FirstName="A"))
    answer = await api.post(LEADS + "Lead.Create", second)
    assert (answer.status, answer.kind) == (500, "MXDuplicateEntryException")
    assert len(sandbox.leads) == 1


async def test_an_unknown_field_fails_the_whole_lead(api: Api, sandbox: LeadSquaredSandbox) -> None:
    answer = await api.post(LEADS + "Lead.Create", pairs(EmailAddress=JOHN, mx_Nope="1", mx_Never="2"))
    assert (answer.status, answer.kind) == (500, "MXUnknownAttributeException")
    assert "mx_Nope, mx_Never" in answer.json["ExceptionMessage"]
    assert len(sandbox.leads) == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EmailAddress", "not an address"),
        ("FirstName", "x" * 201),
        ("OwnerId", "no-such-user"),
        ("Revenue", "x"),
    ],
)
async def test_values_must_fit_their_field(
    api: Api, sandbox: LeadSquaredSandbox, name: str, value: str
) -> None:
    answer = await api.post(LEADS + "Lead.Create", pairs(LastName="Smith") + pairs(**{name: value}))
    assert answer.status == 500
    assert answer.kind in {"MXInvalidInputException", "MXInvalidEntityReferenceException"}
    assert len(sandbox.leads) == 0


# "Get a Lead by Email", "Get Lead by Id", "Get Lead by Phone", "Quick Search"


async def test_get_a_lead_by_email_gives_every_field(api: Api, sandbox: LeadSquaredSandbox) -> None:
    lead = sandbox.add_lead(JOHN, FirstName="John", Source="Social Media")
    (found,) = (await api.get(LEADS + "Leads.GetByEmailaddress", emailaddress=JOHN.title())).json
    assert found["ProspectID"] == lead.id
    assert found["ProspectAutoId"] == str(lead.number)
    assert (found["FirstName"], found["LastName"], found["Source"]) == ("John", None, "Social Media")
    assert (found["DoNotEmail"], found["Score"], found["IsLead"]) == ("0", "0", "1")
    assert LEAD_TIME.fullmatch(found["CreatedOn"])
    assert LEAD_TIME.fullmatch(found["ModifiedOn"])
    assert found["OwnerId"] == lead.owner.id


async def test_nobody_is_an_empty_list(api: Api) -> None:
    assert (await api.get(LEADS + "Leads.GetByEmailaddress", emailaddress="no@x.example")).json == []
    assert (await api.get(LEADS + "Leads.GetById", id="12345")).json == []
    assert (await api.get(LEADS + "RetrieveLeadByPhoneNumber", phone="1")).json == []


async def test_leads_are_found_by_id_phone_and_words(api: Api, sandbox: LeadSquaredSandbox) -> None:
    lead = sandbox.add_lead(JOHN, Phone="+91-9845098450", Company="Acme Consulting")
    sandbox.add_lead("other@x.example")
    for path, query in (
        ("Leads.GetById", {"id": lead.id.upper()}),
        ("RetrieveLeadByPhoneNumber", {"phone": "+91 9845098450"}),
        ("Leads.GetByQuickSearch", {"key": "acme"}),
    ):
        (found,) = (await api.get(LEADS + path, **query)).json
        assert found["EmailAddress"] == JOHN


async def test_a_parameter_that_is_missing_is_named(api: Api) -> None:
    answer = await api.get(LEADS + "Leads.GetByEmailaddress")
    assert answer.kind == "MXMandatoryAttributeMissingException"
    assert answer.json["ExceptionMessage"].startswith("'emailaddress' is mandatory")


# "Update a Lead" and "Error Handling"


async def test_update_a_lead_writes_only_what_is_passed(api: Api, sandbox: LeadSquaredSandbox) -> None:
    lead = sandbox.add_lead(JOHN, FirstName="John", Phone="1")
    sandbox.clock.advance(60)
    answer = await api.post(
        LEADS + "Lead.Update",
        pairs(Phone="9999999999", mx_City="London"),
        leadId=lead.id,
        postUpdatedLead="true",
    )
    assert answer.json == {"Status": "Success", "Message": {"AffectedRows": 1}}
    assert lead.values == {
        "EmailAddress": JOHN,
        "FirstName": "John",
        "Phone": "9999999999",
        "mx_City": "London",
    }
    assert lead.modified > lead.created
    assert sandbox.leads.find("Phone", "1") is None


async def test_an_empty_value_empties_the_field(api: Api, sandbox: LeadSquaredSandbox) -> None:
    lead = sandbox.add_lead(JOHN, Phone="1")
    await api.post(LEADS + "Lead.Update", [{"Attribute": "Phone", "Value": None}], leadId=lead.id)
    assert "Phone" not in lead.values
    assert (await api.post(LEADS + "Lead.Create", pairs(Phone="1"))).status == 200


async def test_the_sample_of_error_handling(api: Api) -> None:
    answer = await api.post(LEADS + "Lead.Update", pairs(Phone="1"))
    assert answer.status == 500
    assert answer.json == {
        "Status": "Error",
        "ExceptionType": "MXMandatoryAttributeMissingException",
        "ExceptionMessage": "'leadId' is mandatory for updating lead",
    }


async def test_a_lead_that_is_not_there_cannot_be_updated(api: Api) -> None:
    answer = await api.post(
        LEADS + "Lead.Update", pairs(Phone="1"), leadId="3131ea6a-bb20-4457-b183-ddf6d8716dfe"
    )
    assert (answer.status, answer.kind) == (500, "MXInvalidEntityException")


async def test_a_unique_value_of_another_lead_is_refused(api: Api, sandbox: LeadSquaredSandbox) -> None:
    sandbox.add_lead("taken@x.example")
    lead = sandbox.add_lead(JOHN)
    answer = await api.post(LEADS + "Lead.Update", pairs(EmailAddress="taken@x.example"), leadId=lead.id)
    assert answer.kind == "MXDuplicateEntryException"
    assert lead.email == JOHN


async def test_the_owner_changes_by_a_users_id(api: Api, sandbox: LeadSquaredSandbox) -> None:
    lead = sandbox.add_lead(JOHN)
    await api.post(LEADS + "Lead.Update", pairs(OwnerId=sandbox.users[RITA].id), leadId=lead.id)
    (found,) = (await api.get(LEADS + "Leads.GetById", id=lead.id)).json
    assert (found["OwnerIdName"], found["OwnerIdEmailAddress"]) == ("Rita Rossi", RITA)


# "Create or Update a Lead"


async def test_create_or_update_creates_then_updates(api: Api, sandbox: LeadSquaredSandbox) -> None:
    body = pairs(EmailAddress=JOHN, FirstName="John", LastName="Smith", SearchBy="EmailAddress")
    first = await api.post(LEADS + "Lead.CreateOrUpdate", body, postUpdatedLead="false")
    assert first.json["Status"] == "Success"
    assert first.json["Message"] == {"Id": sandbox.lead(JOHN).id, "AffectedRows": 1}
    again = await api.post(LEADS + "Lead.CreateOrUpdate", pairs(EmailAddress=JOHN, FirstName="Jon"))
    assert again.json == first.json
    assert sandbox.lead(JOHN).values["FirstName"] == "Jon"
    assert len(sandbox.leads) == 1


async def test_without_search_by_the_phone_finds_a_lead_too(api: Api, sandbox: LeadSquaredSandbox) -> None:
    lead = sandbox.add_lead(JOHN, Phone="+919845098450")
    body = pairs(EmailAddress="john@home.example", Phone="+919845098450")
    answer = await api.post(LEADS + "Lead.CreateOrUpdate", body)
    assert answer.json["Message"]["Id"] == lead.id
    assert lead.email == "john@home.example"


async def test_search_by_one_field_makes_another_a_duplicate(api: Api, sandbox: LeadSquaredSandbox) -> None:
    sandbox.add_lead(JOHN, Phone="+919845098450")
    body = pairs(EmailAddress="john@home.example", Phone="+919845098450", SearchBy="EmailAddress")
    assert (await api.post(LEADS + "Lead.CreateOrUpdate", body)).kind == "MXDuplicateEntryException"


async def test_search_by_needs_a_value(api: Api) -> None:
    answer = await api.post(LEADS + "Lead.CreateOrUpdate", pairs(FirstName="J", SearchBy="EmailAddress"))
    assert answer.kind == "MXMandatoryAttributeMissingException"


# "Capture Leads"


async def test_capture_creates_then_updates_but_for_the_source(api: Api, sandbox: LeadSquaredSandbox) -> None:
    first = await api.post(LEADS + "Lead.Capture", pairs(EmailAddress=JOHN, Source="Fair"))
    assert first.json["Message"] == {"Id": sandbox.lead(JOHN).id, "IsCreated": True}
    again = await api.post(LEADS + "Lead.Capture", pairs(EmailAddress=JOHN, FirstName="J", Source="Web"))
    assert again.json["Message"] == {"Id": sandbox.lead(JOHN).id, "IsCreated": False}
    assert sandbox.lead(JOHN).values == {"EmailAddress": JOHN, "FirstName": "J", "Source": "Fair"}


async def test_an_id_with_another_address_is_a_new_lead(api: Api, sandbox: LeadSquaredSandbox) -> None:
    lead = sandbox.add_lead(JOHN)
    same = await api.post(LEADS + "Lead.Capture", pairs(ProspectID=lead.id, FirstName="J"))
    assert same.json["Message"]["Id"] == lead.id
    other = await api.post(LEADS + "Lead.Capture", pairs(ProspectID=lead.id, EmailAddress="x@y.example"))
    assert other.json["Message"]["IsCreated"] is True


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        ("DoNotUpdate", {"FirstName": "John", "Phone": "1"}),
        ("UpdateOnlyEmptyFields", {"FirstName": "John", "LastName": "Smith", "Phone": "1"}),
        ("DoNotUpdateUniqueFields", {"FirstName": "J", "LastName": "Smith", "Phone": "1"}),
    ],
)
async def test_capture_updates_as_told(
    api: Api, sandbox: LeadSquaredSandbox, behaviour: str, expected: dict[str, str]
) -> None:
    lead = sandbox.add_lead(JOHN, FirstName="John", Phone="1")
    body = pairs(EmailAddress=JOHN, FirstName="J", LastName="Smith", Phone="2")
    await api.post(LEADS + "Lead.Capture", body, LeadUpdateBehavior=behaviour)
    assert lead.values == {"EmailAddress": JOHN} | expected


# "Create Leads in Bulk", "Create or Update Leads in Bulk"


async def test_each_row_of_a_bulk_call_has_its_own_result(api: Api, sandbox: LeadSquaredSandbox) -> None:
    known = sandbox.add_lead(JOHN)
    bodies = [
        pairs(EmailAddress=JOHN, FirstName="John", SearchBy="EmailAddress"),
        pairs(EmailAddress="bad", SearchBy="EmailAddress"),
        pairs(EmailAddress="new@x.example", SearchBy="EmailAddress"),
    ]
    first, second, third = (await api.post(LEADS + "Lead/Bulk/CreateOrUpdate", bodies)).json
    assert first == {
        "RowNumber": 1,
        "LeadId": known.id,
        "LeadCreated": False,
        "LeadUpdated": True,
        "AffectedRows": 1,
    }
    assert (second["RowNumber"], second["LeadCreated"], second["LeadUpdated"]) == (2, False, False)
    assert second["ExceptionType"] == "MXInvalidInputException"
    assert (third["LeadCreated"], third["LeadId"]) == (True, sandbox.lead("new@x.example").id)


@pytest.mark.parametrize(("name", "most"), [("Create", 50), ("CreateOrUpdate", 25)])
async def test_bulk_calls_take_so_many(api: Api, sandbox: LeadSquaredSandbox, name: str, most: int) -> None:
    bodies = [pairs(EmailAddress=f"{number}@x.example") for number in range(most + 1)]
    assert (await api.post(f"{LEADS}Lead/Bulk/{name}", bodies)).kind == "MXInvalidInputException"
    assert len(sandbox.leads) == 0
    rows = (await api.post(f"{LEADS}Lead/Bulk/{name}", bodies[1:])).json
    assert [row["LeadCreated"] for row in rows] == [True] * most


# "Get Leads in Bulk by Ids"


async def test_leads_by_ids_come_flat_with_the_columns_spelt_right(
    api: Api, sandbox: LeadSquaredSandbox
) -> None:
    john, jane = sandbox.add_lead(JOHN, FirstName="John"), sandbox.add_lead("jane@x.example")
    body = {
        "SearchParameters": {"LeadIds": [jane.id, john.id, "3aee22bd-8419-422a-8242-c510df9af021"]},
        "Columns": {"Include_CSV": "EmailAddress, ProspectId, ProspectAutoID, FirstName, CompanyType"},
        "Paging": {"PageIndex": 1, "PageSize": 1000},
    }
    assert (await api.post(LEADS + "Leads/Retrieve/ByIds", body)).json == {
        "RecordCount": 2,
        "Leads": [
            {"EmailAddress": "jane@x.example", "FirstName": None},
            {"EmailAddress": JOHN, "FirstName": "John"},
        ],
    }


@pytest.mark.parametrize("name", ["SearchParameters", "Columns"])
async def test_ids_and_columns_are_mandatory(api: Api, sandbox: LeadSquaredSandbox, name: str) -> None:
    body = {
        "SearchParameters": {"LeadIds": [sandbox.add_lead(JOHN).id]},
        "Columns": {"Include_CSV": "EmailAddress"},
    }
    answer = await api.post(LEADS + "Leads/Retrieve/ByIds", body | {name: {}})
    assert answer.kind == "MXMandatoryAttributeMissingException"


# "Update Leads in Bulk", "Update Leads in Bulk v2"


async def test_one_field_of_many_leads(api: Api, sandbox: LeadSquaredSandbox) -> None:
    leads = [sandbox.add_lead(f"{number}@x.example") for number in range(2)]
    body = {
        "LeadIds": [lead.id for lead in leads],
        "LeadFields": {"Attribute": "mx_City", "Value": "Bangalore"},
    }
    answer = await api.post(LEADS + "Lead/Bulk/Update", body)
    assert answer.json == {"Status": "Success", "Message": {"AffectedRows": 2}}
    assert [lead.values["mx_City"] for lead in leads] == ["Bangalore", "Bangalore"]
    wrong = {"LeadIds": [leads[0].id, "no"], "LeadFields": {"Attribute": "mx_City", "Value": "Pune"}}
    assert (await api.post(LEADS + "Lead/Bulk/Update", wrong)).kind == "MXInvalidEntityException"
    assert leads[0].values["mx_City"] == "Bangalore"


@pytest.mark.parametrize(("apart", "name"), [(False, "FailedLeads"), (True, "UnProcessedLeads")])
async def test_the_samples_of_update_leads_in_bulk_v2(
    api: Api, sandbox: LeadSquaredSandbox, apart: bool, name: str
) -> None:
    lead = sandbox.add_lead(JOHN)
    body = {
        "SearchByKey": "EmailAddress",
        "Options": {"PushNonExistentLeadsToUnProcessedList": apart},
        "LeadPropertiesList": [
            {"Fields": pairs(EmailAddress=JOHN, FirstName="John")},
            {"Fields": pairs(EmailAddress="johnwick@gmail.example", FirstName="John")},
        ],
    }
    counts = {"TotalCount": 2, "SuccessCount": 1, "FailureCount": 0 if apart else 1, "Message": "Error"}
    reason = "Lead does not exist in the system or You do not have permission to update the lead"
    missing = {"Identifier": "EmailAddress", "IdentifierValue": "johnwick@gmail.example", "Reason": reason}
    assert (await api.post(LEADS + "Lead/Bulk/UpdateV2", body)).json == {
        "Status": counts | ({"UnProcessedCount": 1} if apart else {}),
        "Details": {name: [missing]},
    }
    assert lead.values["FirstName"] == "John"


async def test_leads_are_updated_by_their_id_where_no_key_is_named(
    api: Api, sandbox: LeadSquaredSandbox
) -> None:
    lead = sandbox.add_lead(JOHN)
    sandbox.add_lead("taken@x.example")
    listed = [
        {"Fields": pairs(ProspectId=lead.id, FirstName="John")},
        {"Fields": pairs(ProspectId=lead.id, EmailAddress="taken@x.example")},
    ]
    answer = (await api.post(LEADS + "Lead/Bulk/UpdateV2", {"LeadPropertiesList": listed})).json
    assert answer["Status"]["SuccessCount"] == 1
    assert answer["Details"]["FailedLeads"][0]["IdentifierValue"] == lead.id
    assert lead.values == {"EmailAddress": JOHN, "FirstName": "John"}


# "Delete a Lead"


async def test_deleting_must_be_enabled_and_takes_the_activities_along(
    api: Api, sandbox: LeadSquaredSandbox
) -> None:
    kind = sandbox.add_activity_type("Email Sent")
    lead = sandbox.add_lead(JOHN)
    await api.post("ProspectActivity.svc/Create", {"RelatedProspectId": lead.id, "ActivityEvent": kind.code})
    assert (await api.get(LEADS + "Lead/Delete/ById", leadId=lead.id)).kind == "MXFeatureNotEnabledException"
    sandbox.settings.leads_may_be_deleted = True
    assert (await api.get(LEADS + "Lead/Delete/ById", leadId=lead.id)).json == {"Status": "Success"}
    assert (len(sandbox.leads), len(sandbox.activities)) == (0, 0)


# "Search Leads by Criteria"


async def test_the_sample_of_search_leads_by_criteria(api: Api, sandbox: LeadSquaredSandbox) -> None:
    sandbox.add_lead(JOHN, FirstName="John")
    body = {
        "Parameter": {"LookupName": "CreatedOn", "LookupValue": "2015-01-01 14:36:59", "SqlOperator": ">"},
        "Columns": {"Include_CSV": "ProspectID, FirstName, LastName, EmailAddress"},
        "Sorting": {"ColumnName": "CreatedOn", "Direction": "1"},
        "Paging": {"PageIndex": 1, "PageSize": 100},
    }
    (found,) = (await api.post(LEADS + "Leads.Get", body)).json
    expected = {"FirstName": "John", "LastName": None, "EmailAddress": JOHN}
    assert found == {"ProspectID": sandbox.lead(JOHN).id} | expected


@pytest.mark.parametrize(
    ("name", "operator", "value", "expected"),
    [
        ("LastName", "=", "Berg", ["b"]),
        ("LastName", "<>", "Berg", ["a", "c"]),
        ("LastName", "LIKE", "%er%", ["b"]),
        ("Revenue", ">", "9", ["b", "c"]),
        ("Revenue", "<=", "9", ["a"]),
        ("Revenue", ">=", "10", ["b", "c"]),
        ("Revenue", "<", "100", ["a", "b"]),
    ],
)
async def test_the_operators(
    api: Api, sandbox: LeadSquaredSandbox, name: str, operator: str, value: str, expected: list[str]
) -> None:
    for who, last, revenue in (("a", "Adams", "9"), ("b", "Berg", "10"), ("c", "Curie", "100")):
        sandbox.add_lead(f"{who}@x.example", LastName=last, Revenue=revenue)
    body = {
        "Parameter": {"LookupName": name, "LookupValue": value, "SqlOperator": operator},
        "Sorting": {"ColumnName": "EmailAddress", "Direction": "0"},
    }
    found = (await api.post(LEADS + "Leads.Get", body)).json
    assert [lead["EmailAddress"][0] for lead in found] == expected


async def test_pages_follow_one_another(api: Api, sandbox: LeadSquaredSandbox) -> None:
    for number in range(5):
        sandbox.add_lead(f"{number}@x.example", Company="Acme")
    seen: list[str] = []
    for index in (1, 2, 3, 4):
        body = {
            "Parameter": {"LookupName": "Company", "LookupValue": "Acme", "SqlOperator": "="},
            "Sorting": {"ColumnName": "ProspectAutoId", "Direction": "0"},
            "Paging": {"PageIndex": index, "PageSize": 2},
        }
        seen += [lead["EmailAddress"][0] for lead in (await api.post(LEADS + "Leads.Get", body)).json]
    assert seen == list("01234")


# "Get Leads by Date Range"


async def test_the_sample_of_get_leads_by_date_range(api: Api, sandbox: LeadSquaredSandbox) -> None:
    lead = sandbox.add_lead(JOHN, FirstName="John")
    body = {
        "Parameter": EVER,
        "Columns": {"Include_CSV": "ProspectID,FirstName,LastName,EmailAddress"},
        "Paging": {"PageIndex": 1, "PageSize": 100},
        "Sorting": {"ColumnName": "ProspectAutoId", "Direction": "1"},
    }
    assert (await api.post(LEADS + "Leads.RecentlyModified", body)).json == {
        "RecordCount": 1,
        "Leads": [
            {
                "LeadPropertyList": [
                    {"Attribute": "ProspectID", "Value": lead.id},
                    {"Attribute": "FirstName", "Value": "John"},
                    {"Attribute": "LastName", "Value": None},
                    {"Attribute": "EmailAddress", "Value": JOHN},
                ]
            }
        ],
    }


async def test_a_lead_is_modified_by_an_activity_too(api: Api, sandbox: LeadSquaredSandbox) -> None:
    kind = sandbox.add_activity_type("Email Sent")
    lead = sandbox.add_lead(JOHN)
    sandbox.clock.advance(3600)
    await api.post("ProspectActivity.svc/Create", {"RelatedProspectId": lead.id, "ActivityEvent": kind.code})
    (found,) = (await api.get(LEADS + "Leads.GetById", id=lead.id)).json
    assert found["LeadLastModifiedOn"] > found["ModifiedOn"]
    assert found["ProspectActivityName_Max"] == "Email Sent"
    window = {"FromDate": found["LeadLastModifiedOn"][:19], "ToDate": "2100-01-01 00:00:00"}
    answer = await api.post(LEADS + "Leads.RecentlyModified", {"Parameter": window})
    assert answer.json["RecordCount"] == 1


async def test_times_bound_the_range_and_pages_their_size(api: Api, sandbox: LeadSquaredSandbox) -> None:
    sandbox.add_lead(JOHN)
    past = {"FromDate": "2000-01-01 00:00:00", "ToDate": "2001-01-01 00:00:00"}
    assert (await api.post(LEADS + "Leads.RecentlyModified", {"Parameter": past})).json == {
        "RecordCount": 0,
        "Leads": [],
    }
    large = await api.post(
        LEADS + "Leads.RecentlyModified", {"Parameter": EVER, "Paging": {"PageSize": 5001}}
    )
    assert large.json["ExceptionMessage"] == "Page size can not be larger than 5000."
    wrong = await api.post(
        LEADS + "Leads.RecentlyModified", {"Parameter": EVER | {"FromDate": "2020-01-01T00:00:00"}}
    )
    assert wrong.kind == "MXInvalidInputException"


# "Get Metadata", "Get a Lead Field's Properties", "Create a Custom Lead Field"


async def test_metadata_describe_the_fields(api: Api, sandbox: LeadSquaredSandbox) -> None:
    sandbox.add_lead_field("mx_Tier", "Tier", "Select", options=("Gold", "Silver"))
    every = {field["SchemaName"]: field for field in (await api.get(LEADS + "LeadsMetaData.Get")).json}
    assert every["mx_Tier"]["Options"] == [{"Value": "Gold"}, {"Value": "Silver"}]
    assert every["EmailAddress"]["DataType"] == "Email"
    assert every["EmailAddress"]["MaxLength"] == "200"
    (phone,) = (await api.get(LEADS + "LeadsMetaData.Get", schemaName="Phone")).json
    assert (phone["DisplayName"], phone["RenderTypeTextValue"]) == ("Phone Number", "Phone")
    short = (await api.get(LEADS + "LeadsMetaData.Get", excludeOptionSets="1")).json
    assert all("Options" not in field for field in short)


async def test_the_sample_of_create_a_custom_lead_field(api: Api, sandbox: LeadSquaredSandbox) -> None:
    body = {"DisplayName": "Text Field", "DataType": "Text", "IsMandatory": False, "MaxLength": "60"}
    assert (await api.post(LEADS + "CreateLeadField", body)).json["Status"] == "Success"
    assert (await api.post(LEADS + "Lead.Create", pairs(FirstName="A", mx_Text_Field="x" * 60))).status == 200
    assert (await api.post(LEADS + "Lead.Create", pairs(FirstName="B", mx_Text_Field="x" * 61))).status == 500


# "Create a Note", "Get a Lead's Notes"


async def test_notes_are_written_and_read(api: Api, sandbox: LeadSquaredSandbox) -> None:
    lead = sandbox.add_lead(JOHN)
    body = {"RelatedProspectId": lead.id, "Note": "Hi, a note.", "AttachmentName": "https://x.example/a.png"}
    made = (await api.post(LEADS + "CreateNote", body)).json
    assert made["Status"] == "Success"
    found = (await api.post(LEADS + "RetrieveNote", {"Parameter": {"RelatedId": lead.id}})).json
    assert found["RecordCount"] == 1
    assert found["List"][0]["ProspectNoteId"] == made["Message"]["Id"]
    assert found["List"][0]["Note"] == "Hi, a note."
    assert (await api.post(LEADS + "CreateNote", body | {"Note": ""})).status == 500
