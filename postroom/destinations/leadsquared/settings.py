"""The settings of a LeadSquared destination as a value, and what is wrong with them as sentences.

As JSON they are ``Destination.settings``; "body" and "attachments" mean there what they mean for every kind.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import cast

from postroom.destinations.leadsquared.endpoints import REGIONS
from postroom.destinations.leadsquared.plans import PLANS, SECONDS
from postroom.errors import Misconfigured

ACTIVITY_VALUES: Mapping[str, str] = {
    "subject": "Subject",
    "from": "From",
    "to": "To",
    "cc": "Cc",
    "bcc": "Bcc",
    "text": "Body as text",
    "html": "Body as HTML",
    "rep": "Rep's address",
    "reps": "Addresses of all reps",
    "files": "Attachments",
    "message_id": "Message-ID",
    "conversation": "Conversation",
    "key": "Postroom's id",
}
"""What can go into a field of an activity, by name with its English label."""
LEAD_VALUES: Mapping[str, str] = {
    "first_name": "First name",
    "last_name": "Last name",
    "phone": "Phone",
    "company": "Company",
    "source": "Lead source",
    "owner": "Owner",
    "id": "Postroom's lead id",
}
"""What can go into a field of a lead; besides, ``custom:NAME`` for the account's own fields."""
CUSTOM = "custom:"
LEAD_FIELDS: Mapping[str, str] = {
    "FirstName": "first_name",
    "LastName": "last_name",
    "Phone": "phone",
    "Company": "company",
    "Source": "source",
    "OwnerId": "owner",
}
"""The fields that every LeadSquared account has, and what goes into them unless it is changed."""
OWNER = "OwnerId"
"""The lead field that takes a user's id rather than words."""
ON_DELETE = ("leave", "delete")
_SCHEMA_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
_MOST_CALLS = 1000


@dataclass(frozen=True, slots=True)
class LeadSquaredSettings:
    """What an administrator chose."""

    sent_code: int
    """Code of the activity type for mail that a rep sent."""
    received_code: int
    region: str = ""
    """A key of ``REGIONS``."""
    plan: str = "pro"
    """A key of ``PLANS``."""
    calls: int | None = None
    """Calls within five seconds, where the customer has agreed on others than the plan's."""
    bulk: int | None = None
    """Likewise of the bulk APIs."""
    day: int | None = None
    """Likewise within a day; fewer leave some to others who use the account's API."""
    sent_fields: Mapping[str, str] = field(default_factory=dict)
    """By schema name which of ``ACTIVITY_VALUES`` goes into it; what has no field goes into the note."""
    received_fields: Mapping[str, str] = field(default_factory=dict)
    lead_fields: Mapping[str, str] = field(default_factory=lambda: dict(LEAD_FIELDS))
    """By schema name which of ``LEAD_VALUES`` goes into it; EmailAddress is always there."""
    owner_by_rep: bool = True
    """Whether an activity belongs to the user there who has the rep's address."""
    body: bool = True
    attachments: bool = False
    """Whether files are uploaded; their links stand where the names of the attachments stand."""
    create_leads: bool = True
    """Whether a person whom LeadSquared does not have becomes a lead there."""
    mirror: bool = False
    """Whether LeadSquared's leads are read into ours."""
    on_delete: str = "leave"
    """What becomes there of what is deleted here."""

    def code(self, kind: str) -> int:
        """The activity type for ``email_sent`` or ``email_received``."""
        return self.sent_code if kind == "email_sent" else self.received_code

    def fields(self, kind: str) -> Mapping[str, str]:
        return self.sent_fields if kind == "email_sent" else self.received_fields

    @property
    def calls_allowed(self) -> int:
        return self.calls or PLANS[self.plan].calls

    @property
    def bulk_allowed(self) -> int:
        return min(self.bulk or PLANS[self.plan].bulk, self.calls_allowed)

    @property
    def allowed_a_day(self) -> int:
        return self.day or PLANS[self.plan].a_day

    def to_json(self) -> dict[str, object]:
        return asdict(self)


def read_settings(values: Mapping[str, object]) -> LeadSquaredSettings:
    """The settings. Raises ``Misconfigured`` with what is wrong with them."""
    found = problems(values)
    if found:
        raise Misconfigured(" ".join(found.values()))
    known = LeadSquaredSettings.__dataclass_fields__
    given = {name: value for name, value in values.items() if name in known}
    return LeadSquaredSettings(**given)  # type: ignore[arg-type] each was looked at by ``problems``


_NO_TYPE = {
    "sent_code": "Choose the activity type for mail that was sent.",
    "received_code": "Choose the activity type for mail that was received.",
}


def problems(values: Mapping[str, object]) -> dict[str, str]:
    """What is wrong, a sentence by setting; empty where nothing is."""
    found: dict[str, str] = {}
    if values.get("region", "") not in REGIONS:
        found["region"] = "Choose the region of your LeadSquared account."
    if values.get("plan", "pro") not in PLANS:
        found["plan"] = "Choose your LeadSquared plan."
    for name in ("calls", "bulk"):
        number = values.get(name)
        if number is not None and not _is_number(number, _MOST_CALLS):
            found[name] = f"Enter how many calls within {SECONDS:.0f} seconds Postroom may make, from 1."
    if values.get("day") is not None and not _is_number(values["day"], 10**8):
        found["day"] = "Enter how many calls a day Postroom may make, from 1."
    found |= {name: said for name, said in _NO_TYPE.items() if not _is_number(values.get(name), 10**9)}
    for name in ("sent_fields", "received_fields"):
        found |= _mapping(name, values.get(name, {}), lambda value: value in ACTIVITY_VALUES)
    found |= _mapping("lead_fields", values.get("lead_fields", LEAD_FIELDS), _is_lead_value)
    for name in ("owner_by_rep", "body", "attachments", "create_leads", "mirror"):
        if not isinstance(values.get(name, True), bool):
            found[name] = "Choose yes or no."
    if values.get("on_delete", "leave") not in ON_DELETE:
        found["on_delete"] = "Choose what happens to what is deleted."
    return found


def _is_number(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _is_lead_value(value: str) -> bool:
    return value in LEAD_VALUES or (value.startswith(CUSTOM) and len(value) > len(CUSTOM))


def _mapping(name: str, value: object, known: Callable[[str], bool]) -> dict[str, str]:
    if not isinstance(value, Mapping):
        return {name: "Choose which values go into which fields."}
    for field_name, what in cast("Mapping[object, object]", value).items():
        if not isinstance(field_name, str) or not _SCHEMA_NAME.fullmatch(field_name):
            return {name: f"{str(field_name)[:100]!r} is no name of a LeadSquared field."}
        if field_name == "EmailAddress":
            return {name: "EmailAddress always gets the lead's address."}
        if not isinstance(what, str) or not known(what):
            return {name: f"Choose what goes into the field {field_name}."}
    return {}
