"""Making and changing leads by hand (R-081, R-083); what a value must be like is told by its type."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from postroom.crm.capture import sources_named
from postroom.crm.deleting import LeadGone
from postroom.crm.fields import FieldRefused, read_value
from postroom.crm.fields import set_values as set_own_values
from postroom.crm.giving_way import again_if_broken_off
from postroom.crm.models import Lead, LeadAddress, LeadField
from postroom.errors import PostroomError
from postroom.mail.addresses import make_address
from postroom.organisations.models import Account, User
from postroom.policy.settings import EMAIL_FIELD

TEXTS = {"first_name": 200, "last_name": 200, "company": 200, "phone": 50}
"""The standard text fields and their most characters."""
_PHONE = re.compile(r"[\d\s()+./#*extEXT,;-]{3,50}")


class ValuesRefused(PostroomError):
    """Some values cannot be used."""

    code = "values_refused"

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = dict(problems)
        """A sentence by field name."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A lead that has an address already."""

    lead: Lead
    merged: bool
    """Whether by a merge, so that the address is not shown on it."""


def create_lead(account: Account, values: Mapping[str, str]) -> Lead:
    """Make a lead. Raises ``ValuesRefused``."""
    if not any(values.get(name, "").strip() for name in ("first_name", "last_name", "email", "company")):
        raise ValuesRefused({"first_name": "Enter a name, a company or an email address."})
    with transaction.atomic():
        return save_lead(Lead.objects.create(account=account), values)


def save_lead(lead: Lead, values: Mapping[str, str]) -> Lead:
    """Set the fields that are given, by name, as typed; all are written or none.

    ``source`` is a name, which comes into being; ``owner`` is a user's id; "" empties. Raises
    ``ValuesRefused``, and ``LeadGone`` where the lead is not there any more.
    """
    _refuse(problems_of(lead, values))
    try:
        return again_if_broken_off(lambda: _save(lead, values))
    except IntegrityError as error:
        raise ValuesRefused({"email": "Another lead has this address by now."}) from error


@transaction.atomic
def _save(lead: Lead, values: Mapping[str, str]) -> Lead:
    account = lead.account_id
    fields = set(LeadField.objects.filter(account_id=account).values_list("name", flat=True))
    # The source before the lead, as a commit of the sync takes them.
    sources = sources_named(account, [values.get("source", "").strip()])
    row = Lead.objects.select_for_update(no_key=True).filter(account_id=account, pk=lead.pk).first()
    if row is None:
        raise LeadGone
    _set(row, values, sources)
    set_own_values(row, {name: value for name, value in values.items() if name in fields})
    row.refresh_from_db()
    return row


def problems_of(lead: Lead, values: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with the values, a sentence by field name."""
    found: dict[str, str] = {}
    for name, value in values.items():
        if name in TEXTS and len(value.strip()) > TEXTS[name]:
            found[name] = f"At most {TEXTS[name]} characters, please."
    if (phone := values.get("phone", "").strip()) and not _PHONE.fullmatch(phone):
        found["phone"] = "A phone number has digits, such as +49 30 1234567."
    if len(values.get("source", "").strip()) > 200:
        found["source"] = "At most 200 characters, please."
    owner = values.get("owner", "")
    if owner and not _is_user(lead.account_id, owner):
        found["owner"] = "Choose a user of your account."
    if email := values.get("email", "").strip():
        found |= _email_problem(lead, email)
    for one in LeadField.objects.filter(account_id=lead.account_id, name__in=values):
        try:
            read_value(one, values[one.name])
        except FieldRefused as error:
            found[one.name] = str(error)
    return found


def taken(lead: Lead, email: str) -> Taken | None:
    """Another lead with this address, if there is one."""
    address = make_address(email)
    if address is None:
        return None
    rows = LeadAddress.objects.filter(account_id=lead.account_id, key=address.key, field=EMAIL_FIELD)
    other = rows.exclude(lead_id=lead.pk or 0).select_related("lead").order_by("lead_id").first()
    return Taken(other.lead, other.merge_id is not None) if other else None


def _email_problem(lead: Lead, email: str) -> dict[str, str]:
    if make_address(email) is None:
        return {"email": "This is no mail address; one looks like jane@example.com."}
    other = taken(lead, email)
    if other is None:
        return {}
    how = ", which got it by a merge" if other.merged else ""
    return {"email": f"This address belongs to the lead {other.lead.name} (id {other.lead.pk}){how}."}


def _is_user(account_id: int, pk: str) -> bool:
    return (
        pk.isascii()
        and pk.isdigit()
        and len(pk) < 18
        and User.objects.filter(account_id=account_id, pk=pk).exists()
    )


def _refuse(problems: Mapping[str, str]) -> None:
    if problems:
        raise ValuesRefused(problems)


def _set(row: Lead, values: Mapping[str, str], sources: Mapping[str, int]) -> None:
    for name in TEXTS:
        if name in values:
            setattr(row, name, values[name].replace("\x00", "").strip())
    if "email" in values:
        address = make_address(values["email"].strip())
        row.email, row.email_key = (address.address, address.key) if address else ("", "")
    if "source" in values:
        row.source_id = sources.get(values["source"].strip())
    if "owner" in values:
        row.owner_id = int(values["owner"]) if values["owner"] else None
    row.save(update_fields=[*TEXTS, "email", "email_key", "source", "owner"])
