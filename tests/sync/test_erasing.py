"""Erasing a person leaves no trace; removing a rep's mail leaves the colleagues' (R-063, R-083)."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from django.db import connection

from postroom.connector.audit import record
from postroom.connector.erasing import begin_erasure, erasures_of, run_erasure
from postroom.connector.forgetting import begin_removal, current_removal, run_removal
from postroom.connector.mailboxes import remove
from postroom.connector.merging import merge
from postroom.connector.models import AuditArea, AuditEntry, JournalEntry
from postroom.crm.fields import define_field, set_values
from postroom.crm.importing import begin_import, run_import
from postroom.crm.models import (
    Activity,
    Erasure,
    FieldType,
    Lead,
    MailRemoval,
    MessageBody,
    MessageCopy,
    StoredMessage,
)
from postroom.crm.retention import delete_doomed
from postroom.organisations.models import Account, Role
from postroom.vault.blobs import BlobStore
from tests.mails import mail
from tests.sync.conftest import change_policy, make_lead, make_mailbox, make_rep

MARK = "zanzibar"
EMAIL = f"carol.{MARK}@customer.example"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def carol(account: Account) -> Lead:
    lead = make_lead(account, EMAIL)
    Lead.objects.filter(pk=lead.pk).update(first_name="Carol", last_name=MARK.title(), company=f"{MARK} Inc")
    lead.refresh_from_db()
    return lead


@pytest.fixture
def ada(account: Account):
    return make_rep(account, "Ada", Role.ADMINISTRATOR)


def traces(mark: str) -> list[str]:
    """Every column of every table that holds the mark, and every blob."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute(
            "select table_name, column_name from information_schema.columns"
            " join information_schema.tables using (table_schema, table_name)"
            " where table_schema = 'public' and table_type = 'BASE TABLE'"
        )
        for table, column in cursor.fetchall():
            cursor.execute(f'select 1 from "{table}" where "{column}"::text ilike %s limit 1', [f"%{mark}%"])
            if cursor.fetchone():
                found.append(f"{table}.{column}")
    return found


def blobs_with(url: str, mark: bytes) -> list[Path]:
    folder = Path(unquote(urlsplit(url).path))
    return [path for path in folder.rglob("*") if path.is_file() and mark in path.read_bytes()]


def test_r083_erasure_leaves_no_trace(google, mailbox, account, sync, sam, carol, ada, rita, settings):
    change_policy(account, "inbound", capture=True)
    field = define_field(account, "Second address", FieldType.EMAIL)
    dan = make_lead(account, "dan@customer.example")
    set_values(carol, {field.name: f"{MARK}@private.example"})
    set_values(dan, {field.name: EMAIL})
    other = make_lead(account, f"old.{MARK}@customer.example")
    merge(carol, other, [], rita)
    google.deliver(
        mailbox.address,
        mail(
            from_=f"Carol {MARK} <{EMAIL}>",
            cc="dan@customer.example",
            subject=f"About {MARK}",
            text=f"I am {MARK}",
            html=f"<p>I am {MARK}</p>",
            attachments=((f"{MARK}.png", "image/png", PNG + MARK.encode()),),
        ),
    )
    google.deliver(
        mailbox.address,
        mail(from_="dan@customer.example", cc=f"{EMAIL}", subject="Copied", text="To you both"),
    )
    google.deliver(
        mailbox.address,
        mail(
            from_="dan@customer.example",
            subject="Quotes",
            text=f"Ask {EMAIL}, not x{EMAIL}.",
            html=f'<a href="mailto:{EMAIL.upper()}">write</a>',
        ),
    )
    sync(mailbox)
    job = begin_import(account, ada, "leads.csv", f"Email,Company\n{EMAIL},X\n{EMAIL},Y\n".encode())
    run_import(job.pk)
    record(account, ada, AuditArea.LEADS, "Something else.")
    assert len(blobs_with(settings.POSTROOM.blob_url, MARK.encode())) == 1
    assert Activity.objects.count() == 5

    run_erasure(begin_erasure(carol, ada).pk)

    done = Erasure.objects.get()
    assert done.done_at
    assert done.counts["leads"] == 1
    assert done.counts["mails"] == 2
    assert done.counts["files"] == 1
    # Only that which is another's address.
    assert traces(EMAIL) == ["crm_messagebody.text"]
    assert f"Ask [erased], not x{EMAIL}" in MessageBody.objects.get().text
    assert "[erased]" in MessageBody.objects.get().html
    assert set(StoredMessage.objects.values_list("subject", flat=True)) == {"Quotes"}
    MessageBody.objects.update(text="", preview="")
    assert traces(MARK) == []
    assert "Erased a person. Leads: 1, mails: 2, files: 1, log rows" in AuditEntry.objects.latest("pk").said
    assert erasures_of(account, EMAIL.upper()).get() == done
    assert not erasures_of(account, "dan@customer.example").exists()

    store = BlobStore(settings.POSTROOM.blob_url)
    assert delete_doomed(store.delete, datetime.now(UTC) + timedelta(minutes=61)) == 1
    assert blobs_with(settings.POSTROOM.blob_url, MARK.encode()) == []


@pytest.mark.parametrize("local", [f'"carol {MARK}"', f'"{MARK}\\\\carol"', f'"{MARK}\\"carol"'])
def test_r083_an_address_with_quotes_is_found_in_every_field(google, mailbox, account, sync, ada, local):
    person, dan = make_lead(account, f"{local}@customer.example"), make_lead(account, "dan@customer.example")
    google.deliver(
        mailbox.address, mail(from_="dan@customer.example", cc=person.email, subject="Copied", text="To both")
    )
    google.deliver(
        mailbox.address,
        mail(from_="dan@customer.example", subject="Quotes", text=f"Ask {person.email}, he said."),
    )
    sync(mailbox)
    Lead.objects.filter(pk=dan.pk).update(custom={"second": [person.email]})
    run_erasure(begin_erasure(person, ada).pk)
    assert Erasure.objects.get().counts["mails"] == 1
    assert traces(MARK) == []
    assert MessageBody.objects.get().text.strip() == "Ask [erased], he said."
    assert Lead.objects.get().custom == {"second": ["[erased]"]}


def test_r083_erasure_of_one_account_touches_no_other(google, mailbox, account, sync, carol, ada):
    other = Account.objects.create(name="Elsewhere")
    theirs = make_lead(other, EMAIL)
    run_erasure(begin_erasure(carol, ada).pk)
    assert Lead.objects.get() == theirs


def test_r083_an_erasure_that_broke_off_goes_on(google, mailbox, sync, carol, ada, monkeypatch):
    from postroom.connector import erasing

    google.deliver(mailbox.address, mail(from_=EMAIL))
    sync(mailbox)
    erasure = begin_erasure(carol, ada)

    def fail(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(erasing, "_clear_journal", fail)
        with pytest.raises(ConnectionError):
            run_erasure(erasure.pk)
    run_erasure(erasure.pk)
    erasure.refresh_from_db()
    assert (erasure.counts["leads"], erasure.counts["mails"], erasure.work) == (1, 1, None)


def test_r063_a_reps_mail_goes_and_the_colleagues_stays(google, mailbox, account, sync, rita, sam, carol):
    sams = make_mailbox(google, sam)
    shared = mail(from_=EMAIL, to="rita@northwind.example, sam@northwind.example", subject="Both")
    for each in (mailbox, sams):
        google.deliver(each.address, shared)
    google.deliver(mailbox.address, mail(from_=EMAIL, subject="Rita's alone"))
    sync(mailbox)
    sync(sams)
    assert Activity.objects.count() == 2
    remove(mailbox)
    removal = begin_removal(rita)
    assert removal is not None
    assert current_removal(rita) == removal
    run_removal(removal.pk)
    assert list(StoredMessage.objects.values_list("subject", flat=True)) == ["Both"]
    assert list(MessageCopy.objects.values_list("user", flat=True)) == [sam.pk]
    assert current_removal(rita) is None
    assert set(JournalEntry.objects.filter(user=rita).values_list("subject", flat=True)) == {"", "Both"}
    carol.refresh_from_db()
    assert carol.last_activity_at == StoredMessage.objects.get().happened_at


def test_r063_what_the_rep_sent_counts_as_received_where_only_the_receiver_is_left(
    google, mailbox, account, sync, rita, carol
):
    assert begin_removal(rita) is None
    google.deliver(mailbox.address, mail(from_=EMAIL))
    sync(mailbox)
    removal = begin_removal(rita)
    assert removal is not None
    google.deliver(mailbox.address, mail(from_=EMAIL, subject="After a new connection"))
    sync(mailbox)
    run_removal(removal.pk)
    assert list(StoredMessage.objects.values_list("subject", flat=True)) == ["After a new connection"]
    assert MailRemoval.objects.get().done == 1
