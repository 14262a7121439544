"""Rows inserted as one document are the rows that bulk_create would have made."""

from datetime import UTC, datetime

import pytest
from django.db import DataError
from django.db.models import Model

from postroom.connector.models import JournalEntry, Mailbox, Outcome, Provider
from postroom.crm.bulk import insert_rows
from postroom.crm.models import ActivityKind, Lead, StoredMessage
from postroom.organisations.models import Account, User

pytestmark = pytest.mark.django_db

WHEN = datetime(2026, 3, 29, 1, 59, 59, 999999, tzinfo=UTC)
ODD = "Zoë “50 %s” {} \\ ' \" \t\n 🧵 \u2028 </script> %(name)s"


@pytest.fixture
def account() -> Account:
    return Account.objects.create(name="Northwind", domains=["northwind.example"])


@pytest.fixture
def rita(account: Account) -> User:
    return User.objects.create_user("rita@northwind.example", account=account, name="Rita")


def message(account: Account, identity: str, **values: object) -> StoredMessage:
    given: dict[str, object] = {"happened_at": WHEN, "to": [["a@b.example", ODD]], "details": ["body"]}
    return StoredMessage(account=account, identity=identity, **given | values)


def columns(row: Model) -> dict[str, object]:
    made_by_database = ("_state", "id", "recorded_at", "created_at", "connected_at")
    return {name: value for name, value in vars(row).items() if name not in made_by_database}


def test_every_kind_of_value_arrives_as_bulk_create_writes_it(account, rita):
    def box(address: str) -> Mailbox:
        return Mailbox(
            account=account,
            user=rita,
            provider=Provider.GMAIL,
            address=address,
            address_key="k",
            aliases=["x@y.example", ODD],
            cursor={"history": "12", "listing": {"since": 3, "label": "INBOX"}},
            synced_count=2**40,
        )

    made = Mailbox.objects.bulk_create([box("a@b.example")])[0]
    expected = columns(Mailbox.objects.get(pk=made.pk))
    made.delete()
    insert_rows([box("a@b.example")])
    assert columns(Mailbox.objects.get()) == expected


def test_text_of_any_kind_is_kept(account, rita):
    insert_rows([message(account, "1", subject=ODD, from_name="x" * 100_000)])
    stored = StoredMessage.objects.get()
    assert stored.subject == ODD
    assert len(stored.from_name) == 100_000
    assert stored.to == [["a@b.example", ODD]]
    assert stored.happened_at == WHEN


def test_what_is_there_already_is_left_alone(account):
    insert_rows([message(account, "1", subject="first")])
    insert_rows([message(account, "1", subject="second"), message(account, "2"), message(account, "2")])
    assert sorted(StoredMessage.objects.values_list("identity", "subject")) == [("1", "first"), ("2", "")]


def test_times_of_making_and_choices_are_filled_in(account, rita):
    insert_rows(
        [
            JournalEntry(
                account=account,
                user=rita,
                provider_id="p",
                direction="sent",
                outcome=Outcome.SKIPPED,
                rule=ActivityKind.SENT,
                settings_version=3,
            )
        ]
    )
    row = JournalEntry.objects.get()
    assert row.recorded_at is not None
    assert (row.outcome, row.rule, row.happened_at, row.lead_id) == ("skipped", "email_sent", None, None)


def test_columns_that_the_database_makes_are_left_to_it(account):
    insert_rows([Lead(account=account, first_name="Carol", email="Carol@Customer.example", email_key="c@c")])
    assert "carol" in Lead.objects.get().search


def test_no_rows_are_no_statement(django_assert_num_queries):
    with django_assert_num_queries(0):
        insert_rows([])


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"])
def test_what_postgresql_cannot_hold_is_a_data_error(account, text):
    with pytest.raises(DataError):
        insert_rows([message(account, "1", subject=text)])
