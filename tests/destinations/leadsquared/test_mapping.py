"""What a mail and a lead are in LeadSquared's terms."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from postroom.destinations.base import ActivityData, Event, FileData, LeadData, Parcel
from postroom.destinations.leadsquared.mapping import (
    CUT,
    Known,
    Link,
    activity_body,
    cut,
    holds_key,
    lead_fields,
)
from postroom.destinations.leadsquared.settings import LeadSquaredSettings

KEY = "0b6ef4f6-4b6e-4f44-9c2e-3a1f6a0f2c11"
MAIL = ActivityData(
    id=7,
    kind="email_received",
    happened_at=datetime(2026, 5, 4, 10, 11, 12, tzinfo=UTC),
    message_id="<1@customer.example>",
    conversation="c1",
    from_=("carol@customer.example", "Carol"),
    to=(("rita@northwind.example", "Rita"), ("sam@northwind.example", "")),
    cc=(("dave@customer.example", ""),),
    subject="Offer",
    text="Hello,\nyes please.",
    html="<p>Hello</p>",
    reps=("rita@northwind.example", "sam@northwind.example"),
    files=(FileData("a.pdf", "application/pdf", 10, "sha"),),
)
LEAD = LeadData(
    id=3,
    first_name="Carol",
    last_name="Customer",
    email="carol@customer.example",
    phone="+49 30 1",
    source="Email",
    owner="Rita@Northwind.example",
    custom={"city": "Berlin"},
)
PLAIN = LeadSquaredSettings(sent_code=201, received_code=202)


def parcel(activity: ActivityData = MAIL) -> Parcel:
    return Parcel(KEY, Event.ACTIVITY_CREATED, datetime.now(UTC), LEAD, activity)


def body(
    settings: LeadSquaredSettings = PLAIN, activity: ActivityData = MAIL, known: Known | None = None
) -> dict[str, object]:
    return activity_body(parcel(activity), "lead-1", settings, known or Known())


def test_r004_an_activity_has_its_type_and_the_mails_own_time() -> None:
    assert body()["ActivityEvent"] == 202
    assert body(activity=replace(MAIL, kind="email_sent"))["ActivityEvent"] == 201
    assert body()["ActivityDateTime"] == "2026-05-04 10:11:12"
    assert body()["RelatedProspectId"] == "lead-1"


def test_without_fields_everything_is_in_the_note_and_the_id_ends_it() -> None:
    assert body()["ActivityNote"] == (
        "Offer\n"
        "From: Carol <carol@customer.example>\n"
        "To: Rita <rita@northwind.example>, sam@northwind.example\n"
        "Cc: dave@customer.example\n"
        "Attachments: a.pdf\n"
        "\n"
        "Hello,\nyes please.\n"
        "\n"
        f"Postroom-ID: {KEY}"
    )
    assert body()["Fields"] == []


def test_what_has_a_field_is_not_in_the_note() -> None:
    fields = {
        "mx_Custom_1": "subject",
        "mx_Custom_2": "from",
        "mx_Custom_3": "to",
        "mx_Custom_4": "cc",
        "mx_Custom_5": "text",
        "mx_Custom_6": "files",
        "mx_Custom_7": "key",
        "mx_Custom_8": "bcc",
    }
    made = body(replace(PLAIN, received_fields=fields))
    assert made["ActivityNote"] == "Offer"
    assert made["Fields"] == [
        {"SchemaName": "mx_Custom_1", "Value": "Offer"},
        {"SchemaName": "mx_Custom_2", "Value": "Carol <carol@customer.example>"},
        {"SchemaName": "mx_Custom_3", "Value": "Rita <rita@northwind.example>, sam@northwind.example"},
        {"SchemaName": "mx_Custom_4", "Value": "dave@customer.example"},
        {"SchemaName": "mx_Custom_5", "Value": "Hello,\nyes please."},
        {"SchemaName": "mx_Custom_6", "Value": "a.pdf"},
        {"SchemaName": "mx_Custom_7", "Value": KEY},
    ]


def test_r040_what_the_policy_left_out_leaves_no_trace() -> None:
    bare = replace(MAIL, cc=(), subject="", text="", html="", files=())
    assert body(activity=bare)["ActivityNote"] == (
        "From: Carol <carol@customer.example>\n"
        "To: Rita <rita@northwind.example>, sam@northwind.example\n"
        "\n"
        f"Postroom-ID: {KEY}"
    )


def test_a_long_mail_is_cut_with_a_mark_and_keeps_its_id() -> None:
    known = Known(lengths={202: {"ActivityEvent_Note": 500}})
    note = body(activity=replace(MAIL, text="x" * 10_000), known=known)["ActivityNote"]
    assert isinstance(note, str)
    assert len(note) <= 500
    assert note.endswith(f"{CUT}\n\nPostroom-ID: {KEY}")


def test_a_field_takes_as_much_as_leadsquared_says() -> None:
    settings = replace(PLAIN, received_fields={"mx_Custom_1": "text", "mx_Custom_2": "html"})
    known = Known(lengths={202: {"mx_Custom_1": 1000}})
    activity = replace(MAIL, text="x" * 5000, html="y" * 5000)
    made = body(settings, activity, known)["Fields"]
    assert isinstance(made, list)
    assert [len(each["Value"]) for each in made] == [1000, 200]
    assert all(each["Value"].endswith(CUT) for each in made)


def test_the_owner_is_a_rep_whom_leadsquared_knows() -> None:
    known = Known(users={"sam@northwind.example": "user-2"})
    assert body(known=known)["ActivityOwnerEmail"] == "sam@northwind.example"
    assert "ActivityOwnerEmail" not in body()
    assert "ActivityOwnerEmail" not in body(replace(PLAIN, owner_by_rep=False), known=known)


def test_uploaded_files_are_named_by_their_links() -> None:
    made = activity_body(
        parcel(), "lead-1", PLAIN, Known(), [Link("a.pdf", "https://files.example/a"), Link("b.png")]
    )
    assert "Attachments: a.pdf https://files.example/a, b.png\n" in str(made["ActivityNote"])


def test_lead_fields_go_where_they_are_mapped_and_the_owner_by_its_id() -> None:
    settings = replace(PLAIN, lead_fields={**PLAIN.lead_fields, "mx_City": "custom:city", "mx_Id": "id"})
    known = Known(users={"rita@northwind.example": "user-1"}, lead_lengths={"FirstName": 3})
    assert lead_fields(LEAD, settings, known) == {
        "FirstName": "Car",
        "LastName": "Customer",
        "Phone": "+49 30 1",
        "Company": "",
        "Source": "Email",
        "OwnerId": "user-1",
        "mx_City": "Berlin",
        "mx_Id": "3",
    }
    assert "OwnerId" not in lead_fields(LEAD, settings, Known())


@pytest.mark.parametrize(
    "row",
    [
        {"ActivityEvent_Note": f"Offer\n\nPostroom-ID: {KEY}"},
        {"Data": [{"Key": "mx_Custom_7", "Value": KEY}]},
        {"mx_Custom_7": KEY},
    ],
)
def test_an_activity_is_known_by_its_id_wherever_it_stands(row: object) -> None:
    assert holds_key(row, KEY)
    assert not holds_key(row, KEY.replace("0", "1"))


@pytest.mark.parametrize(
    ("words", "length", "expected"),
    [("abc", 3, "abc"), ("a" * 30, 20, "a" * 13 + CUT), ("abcdef", 2, "ab"), ("abc", -1, ""), ("", 0, "")],
)
def test_cutting_marks_what_is_missing(words: str, length: int, expected: str) -> None:
    assert cut(words, length) == expected
