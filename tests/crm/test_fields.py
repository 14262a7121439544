"""Fields of the account's own and their values (R-081), and the address index they feed (R-044)."""

import pytest
from django.db import IntegrityError, connection, transaction

from postroom.crm.fields import FieldRefused, define_field, remove_field, search_fields, set_values
from postroom.crm.matching import leads_at
from postroom.crm.models import FieldType, Lead, LeadAddress
from postroom.organisations.models import Account
from postroom.policy.decide import KnownLead
from tests.sync.conftest import make_lead


def known(account: Account, *keys: str) -> dict[str, list[KnownLead]]:
    return leads_at(account.pk, keys)


@pytest.mark.parametrize(
    ("type", "given", "kept"),
    [
        (FieldType.TEXT, "  Blue\u0000 ", "Blue"),
        (FieldType.TEXT, "e\u0301", "é"),
        (FieldType.EMAIL, " Pat@Customer.Example ", "Pat@Customer.Example"),
        (FieldType.PHONE, "+48 12 345", "+48 12 345"),
        (FieldType.NUMBER, "12", 12),
        (FieldType.NUMBER, "-1.5", -1.5),
        (FieldType.BOOLEAN, "Yes", True),
        (FieldType.BOOLEAN, False, False),
        (FieldType.DATE, "2026-05-04", "2026-05-04"),
        (FieldType.SELECT, "Large", "Large"),
    ],
)
def test_r081_a_value_is_kept_in_the_shape_of_its_type(account, carol, type, given, kept):
    field = define_field(account, "The field", type, options=["Small", "Large"])
    set_values(carol, {field.name: given})
    carol.refresh_from_db()
    assert carol.custom == {"the_field": kept}


@pytest.mark.parametrize(
    ("type", "given"),
    [
        (FieldType.EMAIL, "nobody"),
        (FieldType.NUMBER, "many"),
        (FieldType.NUMBER, "nan"),
        (FieldType.BOOLEAN, "perhaps"),
        (FieldType.DATE, "4 May"),
        (FieldType.SELECT, "Huge"),
        (FieldType.TEXT, "x" * 2001),
    ],
)
def test_r081_a_value_of_another_shape_is_refused_with_a_sentence(account, carol, type, given):
    define_field(account, "Size", type, options=["Small"])
    with pytest.raises(FieldRefused, match="Size"):
        set_values(carol, {"size": given})


def test_r081_one_bad_value_keeps_the_others_from_being_written(account, carol):
    define_field(account, "Size", FieldType.NUMBER)
    define_field(account, "Colour", FieldType.TEXT)
    with pytest.raises(FieldRefused):
        set_values(carol, {"colour": "blue", "size": "many"})
    with pytest.raises(FieldRefused, match="no field"):
        set_values(carol, {"colour": "blue", "weight": 1})
    carol.refresh_from_db()
    assert carol.custom == {}


@pytest.mark.parametrize("label", ["", "Email", "First name"])
def test_r081_a_field_needs_a_name_of_its_own(account, label):
    with pytest.raises(FieldRefused):
        define_field(account, label, FieldType.TEXT)


def test_r081_two_fields_of_one_name_are_refused_and_another_account_may_have_it(account):
    define_field(account, "Size", FieldType.TEXT)
    with pytest.raises(FieldRefused, match="already"):
        define_field(account, "size", FieldType.NUMBER)
    define_field(Account.objects.create(name="Other"), "Size", FieldType.TEXT)


def test_r044_only_email_fields_can_be_searched_by(account):
    define_field(account, "Size", FieldType.TEXT)
    contact = define_field(account, "Contact email", FieldType.EMAIL)
    assert search_fields(account.pk) == [contact]


def test_r044_the_index_follows_the_standard_field_however_it_is_written(account):
    Lead.objects.bulk_create(
        [Lead(account=account, email=f"p{n}@x.example", email_key=f"p{n}@x.example") for n in range(3)]
    )
    lead = Lead.objects.get(email_key="p1@x.example")
    Lead.objects.filter(pk=lead.pk).update(email_key="new@x.example")
    assert known(account, "p1@x.example", "new@x.example") == {"new@x.example": [KnownLead(lead.pk)]}
    lead.refresh_from_db()
    lead.email = lead.email_key = ""
    lead.save()
    assert known(account, "new@x.example") == {}
    Lead.objects.get(email_key="p2@x.example").delete()
    assert LeadAddress.objects.count() == 1


def test_r044_the_index_follows_a_lead_that_is_deleted_past_django(account, carol):
    with connection.cursor() as cursor:
        cursor.execute("delete from crm_lead where id = %s", [carol.pk])
    assert not LeadAddress.objects.exists()


def test_r044_a_value_of_an_email_field_finds_the_lead_until_it_is_changed(account, carol):
    define_field(account, "Contact email", FieldType.EMAIL)
    set_values(carol, {"contact_email": "PAT@Müller.example"})
    assert known(account, "pat@xn--mller-kva.example") == {
        "pat@xn--mller-kva.example": [KnownLead(carol.pk, "contact_email")]
    }
    set_values(carol, {"contact_email": "pam@customer.example"})
    assert known(account, "pat@xn--mller-kva.example") == {}
    set_values(carol, {"contact_email": ""})
    assert known(account, "pam@customer.example") == {}
    assert carol.custom == {}


def test_r044_a_field_that_is_removed_takes_its_values_along(account, carol):
    field = define_field(account, "Contact email", FieldType.EMAIL)
    set_values(carol, {"contact_email": "pat@customer.example"})
    remove_field(field)
    carol.refresh_from_db()
    assert carol.custom == {}
    assert known(account, "pat@customer.example") == {}


def test_r044_a_batch_is_matched_in_one_query_by_all_fields_the_oldest_lead_first(
    account, carol, django_assert_num_queries
):
    define_field(account, "Contact email", FieldType.EMAIL)
    dan = make_lead(account, "dan@customer.example")
    for lead in (dan, carol):
        set_values(lead, {"contact_email": "pat@customer.example"})
    with django_assert_num_queries(1):
        found = known(account, "pat@customer.example", "carol@customer.example", "x@y.example")
    assert found == {
        "pat@customer.example": [
            KnownLead(carol.pk, "contact_email"),
            KnownLead(dan.pk, "contact_email"),
        ],
        "carol@customer.example": [KnownLead(carol.pk)],
    }


def test_r044_addresses_of_another_account_are_not_found(account, carol):
    assert known(Account.objects.create(name="Other"), "carol@customer.example") == {}


def test_an_address_cannot_refer_to_another_accounts_lead(account, carol):
    other = Account.objects.create(name="Other")

    def refer() -> None:
        with transaction.atomic():
            LeadAddress.objects.create(account=other, lead=carol, field="contact_email", key="a@b.example")
            connection.check_constraints()

    with pytest.raises(IntegrityError):
        refer()
