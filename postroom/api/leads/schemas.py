"""A lead as it is shown and as it is given."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from postroom.api.paging import Id, Paged
from postroom.api.shapes import Given, Shown
from postroom.crm.fields import LONGEST_VALUE
from postroom.crm.models import Lead, LeadField

Value = str | int | float | bool | None
GivenValue = (
    Annotated[str, Field(max_length=LONGEST_VALUE)]
    | Annotated[int, Field(ge=-(2**53), le=2**53)]
    | Annotated[float, Field(allow_inf_nan=False)]
    | bool
    | None
)


class LeadShown(Shown):
    id: int
    name: str
    """What the lead is called on the pages."""
    first_name: str
    last_name: str
    email: str
    company: str
    phone: str
    source: str
    """Name of the lead source; empty for none."""
    owner_id: int | None
    owner_name: str
    custom: dict[str, Value]
    """The account's own fields by name; those without a value are null."""
    created_at: datetime
    last_activity_at: datetime | None


class LeadPage(Shown):
    items: list[LeadShown]
    next: str | None


class LeadGiven(Given):
    """What is left out stays as it is; an empty text, or null, empties."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"first_name": "Carol", "last_name": "Diaz", "company": "Customer Ltd", "source": "Fair"}
            ]
        }
    )

    first_name: str = Field("", max_length=200)
    last_name: str = Field("", max_length=200)
    email: str = Field("", max_length=320, description="Mail from and to this address is filed here.")
    company: str = Field("", max_length=200)
    phone: str = Field("", max_length=50)
    source: str = Field("", max_length=200, description="Name; a new one comes into being.")
    owner_id: Id | None = Field(None, description="A user of the account.")
    custom: dict[str, GivenValue] = Field(
        {}, max_length=500, description="Values by the names of lead fields; a date as 2026-05-04."
    )


class MergeGiven(Given):
    other_id: Id
    """The lead that becomes a part of this one."""
    take: list[Annotated[str, Field(max_length=50)]] = Field(
        [], max_length=500, description="Names of the fields whose value comes from the other lead."
    )


class LeadsAsked(Paged):
    q: str = Field("", max_length=200, description="Words of name, address or company, or an id.")
    source: str = Field("", max_length=200, description="Name of a lead source.")
    owner_id: Id | None = None
    without: Literal["", "source", "owner"] = Field("", description="Only leads that have none.")
    sort: Literal["id", "recent"] = Field(
        "id",
        description="By id, or the lead with the newest mail first; new mail moves leads in that order.",
    )


def shown(lead: Lead, fields: Sequence[LeadField]) -> LeadShown:
    """``fields`` are those that are offered; source and owner are at hand."""
    return LeadShown(
        id=lead.pk,
        name=lead.name,
        first_name=lead.first_name,
        last_name=lead.last_name,
        email=lead.email,
        company=lead.company,
        phone=lead.phone,
        source=lead.source.name if lead.source else "",
        owner_id=lead.owner_id,
        owner_name=lead.owner.name if lead.owner else "",
        custom={field.name: lead.custom.get(field.name) for field in fields},
        created_at=lead.created_at,
        last_activity_at=lead.last_activity_at,
    )


def typed(given: LeadGiven) -> dict[str, str]:
    """What was given, as a form would have it: by field name, all of it text."""
    named = {name: getattr(given, name) for name in given.model_fields_set - {"custom", "owner_id"}}
    if "owner_id" in given.model_fields_set:
        named["owner"] = str(given.owner_id or "")
    return {**named, **{name: _text(value) for name, value in given.custom.items()}}


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
