"""The leads of the account: found by unique fields, created, changed, deleted.

Sources: "Create a Lead" (what a lead must have, which fields are unique), "Update a Lead", "Delete a Lead",
"Capture Leads". Left open and chosen: names of fields may be written in any case; addresses are compared
without regard to case, phone numbers by their digits and a leading plus; an update with the values a lead
has already still moves ``ModifiedOn``. A new activity moves ``LeadLastModifiedOn`` alone, as public
integrations report.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

from . import errors, values
from .fields import STANDARD, LeadField
from .people import User

_ANY_OF = ("FirstName", "LastName", "EmailAddress", "Phone")
_PHONE_NOISE = re.compile(r"[^\d+]")


@dataclass(slots=True)
class Lead:
    """One lead; times in seconds since the epoch."""

    id: str
    number: int
    created: float
    creator: User
    owner: User
    modified: float
    modifier: User
    touched: float
    """LeadLastModifiedOn."""
    values: dict[str, str] = field(default_factory=dict)
    """By schema name; without what is empty, and without what the service keeps."""
    first_activity: tuple[str, float] | None = None
    last_activity: tuple[str, float, str] | None = None
    """Id, time, name of the type."""
    score: int = 0

    @property
    def email(self) -> str:
        return self.values.get("EmailAddress", "")

    @property
    def name(self) -> str:
        names = (self.values.get(name, "") for name in ("FirstName", "LastName"))
        return " ".join(filter(None, names)) or self.email or self.values.get("Phone", "") or self.id


class LeadStore:
    """All leads, and the fields they have."""

    def __init__(self, random: Random) -> None:
        self.fields: dict[str, LeadField] = {each.schema.lower(): each for each in STANDARD}
        """By schema name in lower case."""
        self.revision = 0
        """Moves when a value of any lead does."""
        self._random = random
        self._leads: dict[str, Lead] = {}
        self._unique: dict[str, dict[str, Lead]] = {}
        self._numbers = 1000

    def __iter__(self) -> Iterator[Lead]:
        return iter(list(self._leads.values()))

    def __len__(self) -> int:
        return len(self._leads)

    def get(self, id: str) -> Lead:
        """Raises ``LsqError``."""
        try:
            return self._leads[id.lower()]
        except KeyError:
            raise errors.no_lead() from None

    def find(self, name: str, value: str) -> Lead | None:
        """The lead with that value in a unique field, or its id, or, slowly, in any other."""
        schema = self.field(name).schema
        if schema == "ProspectID":
            return self._leads.get(value.lower())
        if self.field(name).unique:
            return self._unique.get(schema, {}).get(_key(schema, value))
        return next((lead for lead in self if lead.values.get(schema) == value), None)

    def field(self, name: str) -> LeadField:
        """Raises ``LsqError``."""
        found = self.fields.get(name.lower())
        if found is None:
            raise errors.unknown_attributes([name])
        return found

    def add_field(self, new: LeadField) -> None:
        self.fields[new.schema.lower()] = new
        self.revision += 1

    def create(self, given: Mapping[str, str], user: User, owner: User, now: float) -> Lead:
        """Raises ``LsqError`` for a lead with nothing to know it by, and for one that is there already."""
        if not any(given.get(name) for name in _ANY_OF):
            raise errors.missing("EmailAddress", "creating lead")
        for each in self.fields.values():
            if each.mandatory and not given.get(each.schema):
                raise errors.missing(each.schema, "creating lead")
        self._check_unique(given, None)
        self._numbers += 1
        lead = Lead(values.guid(self._random), self._numbers, now, user, owner, now, user, now)
        self._leads[lead.id] = lead
        self._write(lead, given)
        return lead

    def update(self, lead: Lead, given: Mapping[str, str], user: User, now: float) -> None:
        """Raises ``LsqError`` where a unique value is another lead's."""
        self._check_unique(given, lead)
        self._write(lead, given)
        lead.modified = lead.touched = now
        lead.modifier = user

    def delete(self, lead: Lead) -> None:
        for schema, index in self._unique.items():
            index.pop(_key(schema, lead.values.get(schema, "")), None)
        del self._leads[lead.id]
        self.revision += 1

    def shown(self, lead: Lead, only: Iterable[str] = ()) -> dict[str, str | None]:
        """Every field of the lead, or only some, with null where it is empty."""
        wanted = [self.field(name) for name in only] or self.fields.values()
        return {field.schema: value_of(lead, field) for field in wanted}

    def _check_unique(self, given: Mapping[str, str], lead: Lead | None) -> None:
        for schema, value in given.items():
            if not value or not self._is_unique(schema):
                continue
            holder = self.find(schema, value)
            if holder is not None and holder is not lead:
                raise errors.duplicate("Email" if schema == "EmailAddress" else self.field(schema).display)

    def _is_unique(self, schema: str) -> bool:
        """A value within a custom field set never is."""
        return "~" not in schema and self.field(schema).unique

    def _write(self, lead: Lead, given: Mapping[str, str]) -> None:
        for schema, value in given.items():
            before = lead.values.get(schema, "")
            if before == value:
                continue
            self.revision += 1
            if self._is_unique(schema):
                index = self._unique.setdefault(schema, {})
                index.pop(_key(schema, before), None)
                if value:
                    index[_key(schema, value)] = lead
            if value:
                lead.values[schema] = value
            else:
                lead.values.pop(schema, None)


def _key(schema: str, value: str) -> str:
    if schema in {"Phone", "Mobile"}:
        return _PHONE_NOISE.sub("", value)
    return value.strip().casefold()


def value_of(lead: Lead, field: LeadField) -> str | None:
    """As the API shows it."""
    kept = _KEPT.get(field.schema)
    return kept(lead) if kept else lead.values.get(field.schema, field.default)


_KEPT: Mapping[str, Callable[[Lead], str | None]] = {
    "ProspectID": lambda lead: lead.id,
    "ProspectAutoId": lambda lead: str(lead.number),
    "OwnerId": lambda lead: lead.owner.id,
    "OwnerIdName": lambda lead: lead.owner.name,
    "OwnerIdEmailAddress": lambda lead: lead.owner.email,
    "CreatedBy": lambda lead: lead.creator.id,
    "CreatedByName": lambda lead: lead.creator.name,
    "CreatedOn": lambda lead: values.lead_stamp(lead.created),
    "ModifiedBy": lambda lead: lead.modifier.id,
    "ModifiedByName": lambda lead: lead.modifier.name,
    "ModifiedOn": lambda lead: values.lead_stamp(lead.modified),
    "LeadLastModifiedOn": lambda lead: values.lead_stamp(lead.touched),
    "EngagementScore": lambda lead: str(lead.score),
    "ProspectActivityId_Min": lambda lead: lead.first_activity and lead.first_activity[0],
    "ProspectActivityDate_Min": lambda lead: (
        lead.first_activity and values.lead_stamp(lead.first_activity[1])
    ),
    "ProspectActivityId_Max": lambda lead: lead.last_activity and lead.last_activity[0],
    "ProspectActivityDate_Max": lambda lead: lead.last_activity and values.lead_stamp(lead.last_activity[1]),
    "ProspectActivityName_Max": lambda lead: lead.last_activity and lead.last_activity[2],
}
"""What the service keeps about a lead by itself, by schema name."""
