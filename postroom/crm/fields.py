"""The fields that an account adds to its leads, and their values (R-081).

An email-type field can serve to find leads by (R-044): writing its value also writes ``LeadAddress``.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from math import isfinite

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.db.models.functions import Coalesce

from postroom.crm.models import FieldType, Lead, LeadAddress, LeadField
from postroom.errors import PostroomError
from postroom.mail.addresses import make_address
from postroom.organisations.models import Account
from postroom.policy.settings import EMAIL_FIELD

Value = str | int | float | bool | None

STANDARD = frozenset(
    {
        EMAIL_FIELD,
        "id",
        "name",
        "first_name",
        "last_name",
        "company",
        "phone",
        "source",
        "owner",
        "created_at",
    }
)
"""Names that no field of the account's own may have."""
LONGEST_VALUE = 2000
_TRUE, _FALSE = frozenset({"yes", "true", "1", "on"}), frozenset({"no", "false", "0", "off"})


class FieldRefused(PostroomError):
    """This lead field or value cannot be used."""

    code = "field_refused"


def define_field(
    account: Account, label: str, type: FieldType, *, name: str = "", options: Sequence[str] = ()
) -> LeadField:
    """Add a field; its name is made from the label where none is given. Raises ``FieldRefused``."""
    label = " ".join(label.split())
    name = name or _name_from(label)
    if not label or not re.fullmatch(r"[a-z][a-z0-9_]{0,49}", name):
        raise FieldRefused("A field needs a label with a letter in it, of at most 50 characters.")
    if name in STANDARD:
        raise FieldRefused(f"Every lead has the field {name} already.")
    choices = list(dict.fromkeys(option.strip() for option in options if option.strip()))
    if type == FieldType.SELECT and not choices:
        raise FieldRefused(f"Give the choices of {label}.")
    last = LeadField.objects.filter(account=account).aggregate(last=Coalesce(Max("position"), 0))["last"]
    try:
        with transaction.atomic():
            return LeadField.objects.create(
                account=account, name=name, label=label, type=type, options=choices, position=last + 1
            )
    except IntegrityError as error:
        raise FieldRefused(f"There is a field {label} already.") from error


def change_field(field: LeadField, label: str, options: Sequence[str] = ()) -> None:
    """Give it another label and, of a choice, other choices. Raises ``FieldRefused``.

    What leads hold stays, also a choice that is offered no more.
    """
    field.label = " ".join(label.replace("\x00", "").split())
    field.options = list(dict.fromkeys(option.strip() for option in options if option.strip()))
    if not field.label or len(field.label) > 100:
        raise FieldRefused("A field needs a label of at most 100 characters.")
    if field.type == FieldType.SELECT and not field.options:
        raise FieldRefused(f"Give the choices of {field.label}.")
    if any(len(option) > 100 for option in field.options):
        raise FieldRefused("A choice has at most 100 characters.")
    field.save(update_fields=["label", "options"])


def retire_field(field: LeadField) -> None:
    """Offer it no more; what leads hold in it stays, and ``restore_field`` shows it again."""
    field.retired_at = datetime.now(UTC)
    field.save(update_fields=["retired_at"])


def restore_field(field: LeadField) -> None:
    field.retired_at = None
    field.save(update_fields=["retired_at"])


def fields_of(account_id: int) -> list[LeadField]:
    """The fields that are offered, in their order."""
    return list(LeadField.objects.filter(account_id=account_id, retired_at=None))


def remove_field(field: LeadField) -> None:
    """Remove the field with its values from every lead."""
    with transaction.atomic():
        holding = Lead.objects.of(field.account).filter(custom__has_key=field.name)
        for lead in holding.order_by("pk").select_for_update(no_key=True).iterator():
            lead.custom.pop(field.name)
            lead.save(update_fields=["custom"])
        # After the leads, as whoever writes a value takes them.
        LeadAddress.objects.filter(account=field.account, field=field.name).delete()
        field.delete()


def search_fields(account_id: int) -> list[LeadField]:
    """The account's own fields that leads can be found by, besides the standard one (R-044)."""
    return list(LeadField.objects.filter(account_id=account_id, type=FieldType.EMAIL, retired_at=None))


def set_values(lead: Lead, values: Mapping[str, object]) -> None:
    """Write values of the account's own fields; None or "" empties one. Raises ``FieldRefused``.

    All are written or none.
    """
    fields = {field.name: field for field in LeadField.objects.filter(account_id=lead.account_id)}
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise FieldRefused(f"Leads have no field {unknown[0]}.")
    read = {name: read_value(fields[name], value) for name, value in values.items()}
    with transaction.atomic():
        held = Lead.objects.select_for_update(no_key=True).get(pk=lead.pk, account_id=lead.account_id)
        kept = {name: value for name, value in {**held.custom, **read}.items() if value is not None}
        Lead.objects.filter(pk=lead.pk, account_id=lead.account_id).update(custom=kept)
        for name, value in read.items():
            if fields[name].type == FieldType.EMAIL:
                _index(lead, name, value)
    lead.custom = kept


def read_value(field: LeadField, value: object) -> Value:
    """The value as it is kept, None for an empty one. Raises ``FieldRefused``."""
    text = unicodedata.normalize("NFC", str(value)).replace("\x00", "").strip()
    if value is None or not text:
        return None
    if len(text) > LONGEST_VALUE:
        raise FieldRefused(f"{field.label} holds at most {LONGEST_VALUE} characters.")
    match field.type:
        case FieldType.EMAIL:
            return _email(field, text)
        case FieldType.NUMBER:
            return _number(field, text)
        case FieldType.BOOLEAN:
            return _boolean(field, text)
        case FieldType.DATE:
            return _date(field, text)
        case FieldType.SELECT if text not in field.options:
            raise FieldRefused(f"{field.label} is one of {', '.join(field.options)}.")
        case _:
            return text


def _email(field: LeadField, text: str) -> str:
    address = make_address(text)
    if address is None:
        raise FieldRefused(f"{field.label} needs a mail address; {text!r} is none.")
    return address.address


def _number(field: LeadField, text: str) -> int | float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise FieldRefused(f"{field.label} needs a number; {text!r} is none.")
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _boolean(field: LeadField, text: str) -> bool:
    if text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    raise FieldRefused(f"{field.label} is yes or no.")


def _date(field: LeadField, text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise FieldRefused(f"{field.label} needs a date such as 2026-05-04.") from error


def _index(lead: Lead, field: str, value: Value) -> None:
    address = make_address(str(value)) if value else None
    if address is None:
        LeadAddress.objects.filter(account_id=lead.account_id, lead=lead, field=field, merge=None).delete()
        return
    LeadAddress.objects.update_or_create(
        account_id=lead.account_id, lead=lead, field=field, merge=None, defaults={"key": address.key}
    )


def _name_from(label: str) -> str:
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:44]
    return name if name[:1].isalpha() else f"field_{name}".rstrip("_")
