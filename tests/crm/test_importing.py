"""Importing leads from CSV (R-082), hostile files included."""

from pathlib import Path

import pytest

from postroom.crm import csv_file
from postroom.crm.csv_file import FileRefused, csv_lines, decode, header_of, plain_cell, rows_of, separator_of
from postroom.crm.fields import define_field
from postroom.crm.importing import (
    BATCH,
    ImportRefused,
    begin_import,
    cancel,
    confirm,
    guess_columns,
    run_import,
    set_columns,
)
from postroom.crm.models import FieldType, ImportState, Lead, LeadAddress, LeadImport, LeadSource
from postroom.organisations.models import Account, Role, User


@pytest.fixture
def account(transactional_db) -> Account:
    return Account.objects.create(name="Northwind", domains=["northwind.example"])


@pytest.fixture
def ada(account: Account) -> User:
    return User.objects.create_user(
        "ada@northwind.example", "a long password", account=account, name="Ada", role=Role.ADMINISTRATOR
    )


def checked(account: Account, by: User, content: str | bytes, **columns: str) -> LeadImport:
    """The file, checked with the columns as guessed."""
    raw = content.encode() if isinstance(content, str) else content
    job = begin_import(account, by, "leads.csv", raw)
    run_import(job.pk)
    job.refresh_from_db()
    return job


def done(job: LeadImport) -> LeadImport:
    confirm(job)
    run_import(job.pk)
    job.refresh_from_db()
    assert job.state == ImportState.DONE
    return job


def counts(job: LeadImport) -> tuple[int, int, int, int]:
    return job.new, job.updated, job.unchanged, job.refused


def reasons(job: LeadImport) -> list[str]:
    return [reason for _, reason, _ in job.refusals]


FILE = """Email,First name,Last name,Company,Lead source,Owner
carol@customer.example,Carol,Jones,Brightfields,Fair,ada@northwind.example
dan@customer.example,Dan,Brown,,,
"""


def test_r082_nothing_is_written_before_the_go_ahead(account, ada):
    job = checked(account, ada, FILE)
    assert job.state == ImportState.CHECKED
    assert counts(job) == (2, 0, 0, 0)
    assert not Lead.objects.exists()
    assert not LeadSource.objects.exists()


def test_r082_an_import_makes_leads_that_mail_finds(account, ada):
    job = done(checked(account, ada, FILE))
    assert counts(job) == (2, 0, 0, 0)
    carol = Lead.objects.get(email="carol@customer.example")
    assert (carol.name, carol.company, str(carol.source), carol.owner) == (
        "Carol Jones",
        "Brightfields",
        "Fair",
        ada,
    )
    assert set(LeadAddress.objects.values_list("key", flat=True)) == {
        "carol@customer.example",
        "dan@customer.example",
    }
    assert job.content == ""


def test_r082_the_same_file_again_changes_nothing(account, ada):
    done(checked(account, ada, FILE))
    job = done(checked(account, ada, FILE))
    assert counts(job) == (0, 0, 2, 0)
    assert Lead.objects.count() == 2


def test_r082_new_updated_unchanged_and_refused_are_told_apart(account, ada):
    done(checked(account, ada, FILE))
    job = checked(
        account,
        ada,
        "Email,Company\nCAROL@customer.example,Elsewhere\ndan@customer.example,\nnew@x.example,\nnobody,\n",
    )
    assert counts(job) == (1, 1, 1, 1)
    assert reasons(job) == ["“nobody” is no mail address."]
    outcomes = {line: (outcome, changed) for line, outcome, _, _, changed in job.examples}
    assert outcomes[2] == ("updated", ["company"])
    done(job)
    assert Lead.objects.get(email_key="carol@customer.example").company == "Elsewhere"


def test_an_empty_cell_leaves_the_value_as_it_is(account, ada):
    done(checked(account, ada, FILE))
    done(checked(account, ada, "Email,First name,Company\ncarol@customer.example,Caroline,\n"))
    carol = Lead.objects.get(email="carol@customer.example")
    assert (carol.first_name, carol.company) == ("Caroline", "Brightfields")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_encodings_and_separators(account, ada, encoding, separator):
    rows = [("E-Mail", "Vorname", "Firma"), ("jörg@customer.example", "Jörg", "Müller & Söhne")]
    text = "".join(f"{separator.join(row)}\r\n" for row in rows)
    job = done(checked(account, ada, text.encode(encoding)))
    assert counts(job) == (1, 0, 0, 0)
    assert Lead.objects.get().company == "Müller & Söhne"


def test_columns_are_guessed_and_can_be_changed(account, ada):
    define_field(account, "Customer since", FieldType.DATE)
    header = ["E-mail address", "Full name", "Customer since", "email", "Shoe size"]
    assert guess_columns(account, header) == ["email", "name", "customer_since", "", ""]
    job = checked(account, ada, "Contact,Where\nCarol Jones,carol@customer.example\n")
    assert counts(job) == (0, 0, 0, 1)
    set_columns(job, ["name", "email"], "Old CRM")
    run_import(job.pk)
    job.refresh_from_db()
    done(job)
    lead = Lead.objects.get()
    assert (lead.first_name, lead.last_name, str(lead.source)) == ("Carol", "Jones", "Old CRM")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (["email", "email"], "Two columns"),
        (["first_name", ""], "holds the email address"),
        (["email"], "for each column"),
        (["email", "password"], "for each column"),
    ],
)
def test_columns_that_make_no_sense_are_refused(account, ada, columns, said):
    job = checked(account, ada, "A,B\nx,y\n")
    with pytest.raises(ImportRefused, match=said):
        set_columns(job, columns, "")


def test_values_are_checked_by_their_type(account, ada):
    define_field(account, "Size", FieldType.NUMBER)
    define_field(account, "Since", FieldType.DATE)
    define_field(account, "Vip", FieldType.BOOLEAN)
    define_field(account, "Tier", FieldType.SELECT, options=["Gold", "Silver"])
    define_field(account, "Second email", FieldType.EMAIL)
    header = "Email,Size,Since,Vip,Tier,Second email\n"
    good = "a@x.example,12.5,2026-05-04,yes,Gold,a2@x.example\n"
    bad = ["b@x.example,many,,,,", "c@x.example,,4.5.2026,,,", "d@x.example,,,maybe,,", "e@x.example,,,,Tin,"]
    job = done(checked(account, ada, header + good + "\n".join([*bad, "f@x.example,,,,,nobody"]) + "\n"))
    assert counts(job) == (1, 0, 0, 5)
    assert Lead.objects.get().custom == {
        "size": 12.5,
        "since": "2026-05-04",
        "vip": True,
        "tier": "Gold",
        "second_email": "a2@x.example",
    }
    assert LeadAddress.objects.get(key="a2@x.example").field == "second_email"
    assert all("needs" in reason or "is" in reason for reason in reasons(job))


def test_one_person_twice_in_a_file_is_taken_once(account, ada):
    job = done(checked(account, ada, "Email,Company\na@x.example,One\nA@X.example,Two\n"))
    assert counts(job) == (1, 0, 0, 1)
    assert reasons(job) == ["The same lead as in line 2; only that row is used."]
    assert Lead.objects.get().company == "One"


def test_a_lead_id_updates_that_lead_and_no_other_accounts(account, ada):
    lead = Lead.objects.create(account=account, first_name="Carol")
    other = Lead.objects.create(account=Account.objects.create(name="Elsewhere"), first_name="Eve")
    text = f"Lead id,Email\n{lead.pk},carol@customer.example\n{other.pk},eve@x.example\n"
    job = done(checked(account, ada, text))
    assert counts(job) == (0, 1, 0, 1)
    lead.refresh_from_db()
    assert lead.email_key == "carol@customer.example"
    assert f"There is no lead {other.pk}." in reasons(job)


def test_an_address_of_another_lead_is_refused(account, ada):
    done(checked(account, ada, FILE))
    dan = Lead.objects.get(email="dan@customer.example")
    job = checked(account, ada, f"Id,Email\n{dan.pk},carol@customer.example\n")
    assert "belongs to lead" in reasons(job)[0]


HOSTILE = {
    "formula": ("Email,Company\na@x.example,\"=cmd|' /C calc'!A1\"\n", (1, 0, 0, 0)),
    "huge cell": ("Email,Company\na@x.example," + "x" * 1_000_000 + "\nb@x.example,ok\n", (1, 0, 0, 1)),
    "too few and too many cells": (
        "Email,Company\na@x.example\nb@x.example,1,2\nc@x.example,1\n",
        (1, 0, 0, 2),
    ),
    "a quote in the middle": ('Email,Company\na@x.example,The "Best" Inc\nb@x.example,5"\n', (2, 0, 0, 0)),
    "an unclosed quote": (
        'Email,Company\na@x.example,ok\nb@x.example,"' + "\nc@x.example,ok" * 300,
        (1, 0, 0, 1),
    ),
    "a closed quote over lines": ('Email,Company\na@x.example,"Two\nlines"\n', (1, 0, 0, 0)),
    "empty lines": ("Email\n\n\na@x.example\n,\n\n", (1, 0, 0, 0)),
    "markup": ("Email,Company\na@x.example,<script>alert(1)</script>\n", (1, 0, 0, 0)),
    "control characters": ("Email,Company\na@x.example,a\x07b\n", (1, 0, 0, 0)),
    "no address": ("Email,Company\n,Nobody\n", (0, 0, 0, 1)),
    "long name": ("Email,Company\na@x.example," + "x" * 201 + "\n", (0, 0, 0, 1)),
    "unknown owner": ("Email,Owner\na@x.example,Nobody\n", (0, 0, 0, 1)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_cost_their_rows_and_no_more(account, ada, name):
    text, expected = HOSTILE[name]
    job = done(checked(account, ada, text))
    assert counts(job) == expected
    assert len(job.refusals) == expected[3]
    assert Lead.objects.count() == expected[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"  \n ", "empty"),
        (b"Email\n", "no rows"),
        (b",,\na,b,c\n", "must name the columns"),
        (b"PK\x03\x04 workbook", "Excel workbook"),
        (b"Email\na\x00b@x.example\n", "not a text file"),
        (b"\xff\xfe\x00", "not a text file"),
        (b"a," * 300 + b"\nx\n", "columns"),
        (b"Email\n" + b"x" * csv_file.MAX_BYTES, "at most"),
    ],
)
def test_files_that_are_none_are_refused_with_a_sentence(account, ada, content, said):
    with pytest.raises(FileRefused, match=said):
        begin_import(account, ada, "x", content)
    assert not LeadImport.objects.exists()


def test_too_many_rows_are_refused(account, ada, monkeypatch):
    monkeypatch.setattr("postroom.crm.importing.MAX_ROWS", 3)
    with pytest.raises(FileRefused, match="At most 3 rows"):
        begin_import(account, ada, "x", b"Email\n" + b"a@x.example\n" * 4)


def test_an_import_goes_on_where_it_broke_off(account, ada, monkeypatch):
    rows = "".join(f"lead{number}@x.example\n" for number in range(BATCH + 20))
    job = checked(account, ada, f"Email\n{rows}lead3@x.example\n")
    confirm(job)

    def fail_at_second(*_: object) -> None:
        if Lead.objects.exists():
            raise ConnectionError
        real(*_)

    from postroom.crm import importing

    real = importing._write
    monkeypatch.setattr(importing, "_write", fail_at_second)
    with pytest.raises(ConnectionError):
        run_import(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done, Lead.objects.count()) == (ImportState.RUNNING, BATCH, BATCH)
    monkeypatch.setattr(importing, "_write", real)
    run_import(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done, Lead.objects.count()) == (ImportState.DONE, BATCH + 21, BATCH + 20)
    assert counts(job) == (BATCH + 20, 0, 0, 1)


def test_a_cancelled_import_stops_before_the_next_batch(account, ada):
    job = checked(account, ada, FILE)
    confirm(job)
    cancel(job)
    run_import(job.pk)
    job.refresh_from_db()
    assert (job.state, job.content, Lead.objects.count()) == (ImportState.CANCELLED, "", 0)
    with pytest.raises(ImportRefused):
        confirm(job)


def test_what_is_exported_comes_back_as_it_was(tmp_path: Path):
    values = ["=1+1", "+49 30 1234", "-5", "@handle", "'quoted", "plain", 'with "quotes"', "two\nlines", ""]
    values += ["a;=1+1", 'a;"=1', "a\n-b\n=c", "a;b", "a; -1", "it's;'fine"]
    text = "".join(csv_lines(["a"] * len(values), [values]))
    assert all(not cell.startswith(("=", "+", "-", "@")) for cell in next(rows_of(text, ",")).cells)
    assert [plain_cell(cell) for cell in next(rows_of(text, ",")).cells] == values
    assert not any(line.startswith(("=", "+", "-", "@")) for line in text.splitlines())
    assert separator_of(text) == ","
    assert header_of(decode(text.encode()), ",") == ["a"] * len(values)
