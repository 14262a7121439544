"""Editing, merging, deleting, exporting, importing leads, and their fields and sources, by page."""

import csv
import io
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from postroom.connector.erasing import run_erasure
from postroom.connector.policies import current_settings, save_settings
from postroom.crm.fields import define_field
from postroom.crm.importing import run_import
from postroom.crm.models import (
    Activity,
    ActivityKind,
    Erasure,
    FieldType,
    Lead,
    LeadField,
    LeadImport,
    LeadMerge,
    LeadSource,
    MessageBody,
    StoredMessage,
)
from postroom.organisations.models import User
from tests.mails import mail
from tests.sync.conftest import make_lead

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def page(client, url: str, **query: str) -> str:
    response = client.get(url, query)
    assert response.status_code == 200, url
    return response.content.decode()


def write(account, lead: Lead, number: int, conversation: str = "one") -> None:
    """Mails straight into the tables: a lead with much of it."""
    messages = StoredMessage.objects.bulk_create(
        StoredMessage(
            account=account,
            identity=f"{lead.pk}-{conversation}-{each}",
            conversation=conversation,
            happened_at=NOON + timedelta(minutes=each),
            subject=f"Mail {each}",
            details=["subject", "body"],
        )
        for each in range(number)
    )
    Activity.objects.bulk_create(
        Activity(
            account=account,
            lead=lead,
            message=message,
            kind=ActivityKind.RECEIVED,
            happened_at=message.happened_at,
        )
        for message in messages
    )


# Lead Details


def test_r080_every_field_is_shown_and_can_be_edited(as_, rita, account, carol):
    for label, kind, options in (
        ("Notes", FieldType.TEXT, ()),
        ("Second email", FieldType.EMAIL, ()),
        ("Direct line", FieldType.PHONE, ()),
        ("Size", FieldType.NUMBER, ()),
        ("Newsletter", FieldType.BOOLEAN, ()),
        ("Since", FieldType.DATE, ()),
        ("Tier", FieldType.SELECT, ("Gold", "Silver")),
    ):
        define_field(account, label, kind, options=options)
    client = as_(rita)
    given = {
        "first_name": "Carol",
        "last_name": "Jones",
        "email": carol.email,
        "company": "Brightfields",
        "phone": "+49 30 1234567",
        "source": "Fair",
        "owner": rita.pk,
        "notes": "<b>hello</b>",
        "second_email": "carol@home.example",
        "direct_line": "+49 1",
        "size": "12.50",
        "newsletter": "yes",
        "since": "2026-05-04",
        "tier": "Gold",
    }
    assert client.post(f"/leads/{carol.pk}/edit/", given)["Location"] == f"/leads/{carol.pk}/"
    shown = page(client, f"/leads/{carol.pk}/")
    for text in (
        *("Carol Jones", "Brightfields", "Fair", "Rita", "&lt;b&gt;hello&lt;/b&gt;", "carol@home.example"),
        *("12.5", "Yes", "2026-05-04", "Gold"),
    ):
        assert text in shown, text
    assert 'value="2026-05-04"' in page(client, f"/leads/{carol.pk}/edit/")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("email", "nobody", "no mail address"),
        ("email", "dan@customer.example", "belongs to the lead"),
        ("phone", "call me maybe", "has digits"),
        ("first_name", "x" * 201, "At most 200"),
        ("owner", "99999999", "Select a valid choice"),
        ("size", "many", "needs a number"),
        ("since", "4.5.2026", "needs a date"),
        ("tier", "Tin", "Select a valid choice"),
        ("vip", "perhaps", "Select a valid choice"),
        ("second", "nobody", "needs a mail address"),
        ("notes", "x" * 2001, "at most 2000"),
    ],
)
def test_r081_a_wrong_value_is_refused_beside_its_field_and_kept(
    as_, rita, account, carol, name, value, said
):
    make_lead(account, "dan@customer.example")
    for label, kind in (
        *(("Size", FieldType.NUMBER), ("Since", FieldType.DATE), ("Vip", FieldType.BOOLEAN)),
        *(("Second", FieldType.EMAIL), ("Notes", FieldType.TEXT)),
    ):
        define_field(account, label, kind)
    define_field(account, "Tier", FieldType.SELECT, options=["Gold"])
    given = {"email": carol.email, "company": "New"} | {name: value}
    response = as_(rita).post(f"/leads/{carol.pk}/edit/", given)
    assert response.status_code == 422
    shown = response.content.decode()
    assert said in shown
    assert 'aria-invalid="true"' in shown
    assert 'value="New"' in shown
    carol.refresh_from_db()
    assert carol.company == ""


def test_a_lead_made_by_hand_meets_its_mail(as_, rita, google, mailbox, account, sync):
    client = as_(rita)
    assert client.post("/leads/new/", {}).status_code == 422
    location = client.post("/leads/new/", {"first_name": "Dan", "email": "Dan@Customer.example"})["Location"]
    google.deliver(mailbox.address, mail(from_="dan@customer.example", subject="Hello there"))
    sync(mailbox)
    assert "Hello there" in page(client, location)


def test_r080_html_mail_has_a_readable_preview(as_, rita, google, mailbox, carol, sync):
    html = (
        "<style>p{color:red}</style><p>Dear&nbsp;Rita,</p><p>the <b>offer</b> is fine.</p>"
        '<div class="gmail_quote">On Monday, May 4, 2026 Rita wrote:<blockquote>old text</blockquote></div>'
    )
    google.deliver(mailbox.address, mail(text="", html=html))
    sync(mailbox)
    MessageBody.objects.get()
    assert "Dear Rita, the offer is fine." in page(as_(rita), f"/leads/{carol.pk}/")


def test_r080_what_the_policy_left_out_is_said(as_, rita, google, mailbox, account, carol, sync):
    now = current_settings(account.pk)
    inbound = replace(now.inbound, details=frozenset({"subject"}))
    save_settings(account, replace(now, inbound=inbound), None)
    google.deliver(mailbox.address, mail(cc="dan@customer.example", text="secret"))
    sync(mailbox)
    shown = page(as_(rita), f"/mails/{StoredMessage.objects.get().pk}/")
    assert "Left out by your company’s policy: Cc, Bcc, body, attachments." in shown
    assert "secret" not in shown


def test_r080_a_long_history_opens_with_few_queries_and_in_parts(
    as_, rita, account, carol, django_assert_max_num_queries
):
    write(account, carol, 300)
    for number in range(30):
        write(account, carol, 2, f"thread {number}")
    client = as_(rita)
    with django_assert_max_num_queries(15):
        shown = page(client, f"/leads/{carol.pk}/")
    assert shown.count('class="mail"') == 20 + 24 * 2
    assert "280 older mails" in shown
    seen = set(re.findall(r"mail-(\d+)", shown))
    url = re.search(r'hx-get="(/leads/\d+/older/[^"]+)"', shown)[1].replace("&amp;", "&")
    rest: list[str] = []
    while url:
        with django_assert_max_num_queries(15):
            part = page(client, url)
        rest += re.findall(r'id="mail-(\d+)"', part)
        more = re.search(r'hx-get="([^"]+older[^"]+)"', part)
        url = more[1].replace("&amp;", "&") if more else ""
    assert len(rest) == len(set(rest)) == 280
    assert not seen & set(rest)


def test_older_mails_that_were_opened_stay_open_when_news_arrive(as_, rita, account, carol):
    write(account, carol, 150)
    client = as_(rita)
    shown = page(client, f"/leads/{carol.pk}/")
    url = re.search(r'hx-get="(/leads/\d+/older/[^"]+)"', shown)[1].replace("&amp;", "&")
    part = page(client, url)
    before = set(re.findall(r'id="mail-(\d+)"', shown + part))
    assert len(before) == 120
    opened = re.search(r'name="open" value="([^"]+)"', part)[1]
    write(account, carol, 1, "news")
    newest = StoredMessage.objects.get(conversation="news")
    StoredMessage.objects.filter(pk=newest.pk).update(conversation="one")
    Activity.objects.filter(message=newest).update(happened_at=NOON + timedelta(days=9))
    after = page(client, f"/leads/{carol.pk}/history/", stamp="0", open=opened)
    assert set(re.findall(r'id="mail-(\d+)"', after)) > before
    assert "30 older mails" in after
    assert f'name="open" value="{opened}"' in after
    assert client.get(f"/leads/{carol.pk}/history/", {"open": "nonsense one"}).status_code == 404


# List and export


def test_r082_filters_by_source_and_owner(as_, rita, sam, account, django_assert_max_num_queries):
    fair = LeadSource.objects.create(account=account, name="Fair")
    for name, source, owner in (("a", fair, rita), ("b", fair, sam), ("c", None, None)):
        lead = make_lead(account, f"{name}@customer.example")
        Lead.objects.filter(pk=lead.pk).update(source=source, owner=owner)
    client = as_(rita)

    def found(**query: object) -> set[str]:
        with django_assert_max_num_queries(15):
            return set(re.findall(r">(\w)@customer\.example</a>", page(client, "/leads/", **query)))

    assert found(source=fair.pk) == {"a", "b"}
    assert found(source=fair.pk, owner=sam.pk) == {"b"}
    assert found(source="none") == found(owner="none") == {"c"}
    assert found(source="x", owner="1' or 1=1") == {"a", "b", "c"}
    assert found(q="b@", source=fair.pk) == {"b"}


def test_r082_export_honours_the_filters_and_no_cell_computes(as_, ada, account):
    fair = LeadSource.objects.create(account=account, name="=Fair()")
    define_field(account, "Notes", FieldType.TEXT)
    lead = make_lead(account, "a@customer.example")
    Lead.objects.filter(pk=lead.pk).update(
        source=fair, first_name="=cmd|' /C calc'!A1", phone="+49 30", custom={"notes": "@x"}
    )
    make_lead(account, "b@customer.example")
    response = as_(ada).get("/leads/export/", {"source": fair.pk})
    assert response["Content-Type"].startswith("text/csv")
    text = b"".join(response).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) == 2
    held = dict(zip(rows[0], rows[1], strict=True))
    assert held["Email"] == "a@customer.example"
    assert held["First name"] == "'=cmd|' /C calc'!A1"
    assert held["Notes"] == "'@x"
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in rows[1])


# Merge, delete, erase


def test_r083_merging_by_page_with_undo(as_, rita, account, google, mailbox, carol, sync):
    Lead.objects.filter(pk=carol.pk).update(first_name="Carol", last_name="Jones", company="Old")
    twin = make_lead(account, "carol@home.example")
    Lead.objects.filter(pk=twin.pk).update(
        first_name="C.", last_name="Jones", company="New", phone="+49 30 1"
    )
    google.deliver(mailbox.address, mail(from_="carol@home.example", subject="From home"))
    sync(mailbox)
    client = as_(rita)
    assert f"/leads/{carol.pk}/merge/{twin.pk}/" in page(client, f"/leads/{carol.pk}/merge/")
    assert f"/leads/{carol.pk}/merge/{twin.pk}/" in page(client, f"/leads/{carol.pk}/merge/", q="home.exa")
    decide = page(client, f"/leads/{carol.pk}/merge/{twin.pk}/")
    assert 'name="phone" value="gone" checked' in decide
    assert 'name="company" value="kept" checked' in decide
    response = client.post(f"/leads/{carol.pk}/merge/{twin.pk}/", {"phone": "gone", "company": "gone"})
    assert response["Location"] == f"/leads/{carol.pk}/"
    shown = page(client, f"/leads/{carol.pk}/")
    assert "From home" in shown
    assert "New" in shown
    assert client.get(f"/leads/{twin.pk}/")["Location"] == f"/leads/{carol.pk}/"
    done = LeadMerge.objects.get()
    assert client.post(f"/leads/merges/{done.pk}/undo/")["Location"] == f"/leads/{twin.pk}/"
    assert "From home" in page(client, f"/leads/{twin.pk}/")
    assert "From home" not in page(client, f"/leads/{carol.pk}/")
    assert client.post(f"/leads/merges/{done.pk}/undo/").status_code == 404


def test_r083_deleting_says_what_went(as_, ada, account, google, mailbox, carol, sync):
    google.deliver(mailbox.address, mail(subject="Alone"))
    sync(mailbox)
    client = as_(ada)
    assert "cannot be undone" in page(client, f"/leads/{carol.pk}/")
    shown = client.post(f"/leads/{carol.pk}/delete/", follow=True).content.decode()
    assert "1 stored mail that no other lead has" in shown
    assert not StoredMessage.objects.exists()
    assert client.get(f"/leads/{carol.pk}/").status_code == 404


def test_r083_erasure_wants_the_address_typed_and_leaves_a_record(as_, ada, account, carol):
    client = as_(ada)
    refused = client.post(f"/leads/{carol.pk}/erase/", {"word": "carol"})
    assert refused.status_code == 422
    assert "exactly, to be sure" in refused.content.decode()
    assert not Erasure.objects.exists()
    address = carol.email
    location = client.post(f"/leads/{carol.pk}/erase/", {"word": address.upper()})["Location"]
    assert "Under way" in page(client, location)
    run_erasure(Erasure.objects.get().pk)
    assert "Done" in page(client, location)
    record = page(client, "/leads/erasures/", address=address)
    assert "Yes:" in record
    assert "No:" in page(client, "/leads/erasures/", address="dan@x.example")
    assert address not in page(client, "/leads/erasures/")


# Import


def upload(client, text: str, name: str = "leads.csv"):
    return client.post("/leads/import/", {"file": SimpleUploadedFile(name, text.encode())})


def test_r082_an_import_by_page(as_, ada, account, carol, django_assert_max_num_queries):
    client = as_(ada)
    location = upload(client, f"Mail,Firma,Note\n{carol.email},Bright,x\nnew@x.example,New,y\nbad,z,z\n")[
        "Location"
    ]
    with django_assert_max_num_queries(15):
        shown = page(client, location)
    assert "What would happen" in shown
    assert "“bad” is no mail address." in shown
    assert "Import: 1 new, 1 updated" in shown
    assert Lead.objects.count() == 1
    assert client.post(f"{location}go/")["Location"] == location
    assert "The import is done" in page(client, location)
    assert Lead.objects.count() == 2
    refused = b"".join(client.get(f"{location}refused/")).decode()
    assert "bad,z" in refused
    again = upload(client, f"Mail,Firma\n{carol.email},Bright\nnew@x.example,New\n")["Location"]
    assert "nothing to import" in page(client, again)


def test_r082_columns_are_chosen_by_hand(as_, ada, account):
    client = as_(ada)
    location = upload(client, "Who,Where\nCarol Jones,carol@customer.example\n")["Location"]
    assert "does not recognise the column" in page(client, location)
    refused = client.post(f"{location}columns/", {"column_0": "email", "column_1": "email"})
    assert refused.status_code == 422
    assert "Two columns are set to Email" in refused.content.decode()
    client.post(f"{location}columns/", {"column_0": "name", "column_1": "email", "source": "Old CRM"})
    client.post(f"{location}go/")
    lead = Lead.objects.get()
    assert (lead.name, str(lead.source)) == ("Carol Jones", "Old CRM")


def test_r082_a_long_file_is_a_job_that_can_be_watched_and_cancelled(as_, ada, account):
    client = as_(ada)
    rows = "".join(f"lead{number}@x.example\n" for number in range(1500))
    location = upload(client, f"Email\n{rows}")["Location"]
    assert "Looking at it: 0 of 1,500 rows" in page(client, location)
    job = LeadImport.objects.get()
    run_import(job.pk)
    assert "Import: 1,500 new" in page(client, location)
    client.post(f"{location}go/")
    assert "Writing: 0 of 1,500" in client.get(location, headers={"HX-Request": "true"}).content.decode()
    client.post(f"{location}cancel/")
    run_import(job.pk)
    assert "was cancelled" in page(client, location)
    assert not Lead.objects.exists()


def test_r082_a_file_that_is_none_is_refused_with_a_sentence(as_, ada):
    client = as_(ada)
    assert "Choose a CSV file first" in client.post("/leads/import/", {}).content.decode()
    response = upload(client, "PK\x03\x04", "leads.xlsx")
    assert response.status_code == 422
    assert "Excel workbook" in response.content.decode()


# Fields and sources


def test_r081_fields_are_added_renamed_retired_and_shown_again(as_, ada, account, carol):
    client = as_(ada)
    client.post("/leads/fields/", {"label": "Größe", "type": "number"})
    field = LeadField.objects.get()
    Lead.objects.filter(pk=carol.pk).update(custom={field.name: 7})
    client.post(f"/leads/fields/{field.pk}/", {"label": "Size of shop"})
    assert "Size of shop" in page(client, f"/leads/{carol.pk}/")
    shown = client.post(f"/leads/fields/{field.pk}/retire/", follow=True).content.decode()
    assert "no longer shown" in shown
    assert "Size of shop" not in page(client, f"/leads/{carol.pk}/")
    client.post(f"/leads/fields/{field.pk}/restore/")
    assert "7" in page(client, f"/leads/{carol.pk}/")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"label": "", "type": "text"}, "required"),
        ({"label": "Email", "type": "text"}, "already"),
        ({"label": "Tier", "type": "select"}, "Give the choices"),
        ({"label": "x", "type": "nonsense"}, "valid choice"),
    ],
)
def test_r081_a_field_that_cannot_be_is_refused(as_, ada, given, said):
    response = as_(ada).post("/leads/fields/", given)
    assert response.status_code == 422
    assert said in response.content.decode()
    assert not LeadField.objects.exists()


def test_r044_a_field_that_finds_leads_is_not_retired(as_, ada, account):
    field = define_field(account, "Point of contact", FieldType.EMAIL)
    now = current_settings(account.pk)
    save_settings(account, replace(now, search_fields=("email", field.name)), None)
    shown = as_(ada).post(f"/leads/fields/{field.pk}/retire/", follow=True).content.decode()
    assert "Take it out of the lead search" in shown
    field.refresh_from_db()
    assert field.retired_at is None


def test_r045_sources_are_renamed_merged_and_deleted_and_the_settings_follow(as_, ada, account, carol):
    client = as_(ada)
    client.post("/leads/sources/", {"name": "Fair"})
    fair = LeadSource.objects.get()
    Lead.objects.filter(pk=carol.pk).update(source=fair)
    now = current_settings(account.pk)
    save_settings(account, replace(now, inbound=replace(now.inbound, lead_source="Fair")), None)
    client.post(f"/leads/sources/{fair.pk}/", {"name": "Trade fair"})
    assert current_settings(account.pk).inbound.lead_source == "Trade fair"
    assert (
        "Leads have the source"
        in client.post(f"/leads/sources/{fair.pk}/delete/", follow=True).content.decode()
    )
    other = LeadSource.objects.create(account=account, name="Event")
    assert client.post(f"/leads/sources/{fair.pk}/", {"name": "Event"}).status_code == 422
    client.post(f"/leads/sources/{fair.pk}/merge/", {"into": other.pk})
    carol.refresh_from_db()
    assert carol.source == other
    assert list(LeadSource.objects.all()) == [other]
    assert current_settings(account.pk).inbound.lead_source == "Event"
    unused = LeadSource.objects.create(account=account, name="Unused")
    client.post(f"/leads/sources/{unused.pk}/delete/")
    assert LeadSource.objects.count() == 1


def test_r082_columns_of_an_import_are_named_in_the_readers_language(as_, ada, account):
    User.objects.filter(pk=ada.pk).update(language="de")
    client = as_(ada)
    shown = page(client, upload(client, "Email,First name\nnew@customer.example,Nora\n")["Location"])
    assert "Vorname</option>" in shown
    assert "First name</option>" not in shown
