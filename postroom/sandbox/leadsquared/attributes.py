"""Reads what a request says about a lead: pairs of ``Attribute`` and ``Value``, some with ``Fields`` of
their own.

Source: "Create a Lead" and "Create or Update a Lead" (pairs, custom field sets, ``SearchBy``). A value of a
set is kept as ``mx_KYC~Status``, as the pages write it for accounts with the newer storage.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import errors, values
from .leads import LeadStore

_IDS = frozenset({"prospectid", "leadid"})


@dataclass(frozen=True, slots=True)
class Attributes:
    """What to write, by schema name, and how to find the lead."""

    values: Mapping[str, str]
    id: str = ""
    """ProspectID, where it was among them."""
    search_by: str = ""


def read(leads: LeadStore, given: Any) -> Attributes:
    """Raises ``LsqError`` for another structure, an unknown field, or a value that does not fit its field."""
    if not isinstance(given, list) or not given:
        raise errors.ill_formed("The body must be a list of Attribute and Value.")
    pairs = [_pair(each) for each in given]
    known = leads.fields
    unknown = [
        name for name, _, _ in pairs if name.lower() not in known and name.lower() not in {"searchby", *_IDS}
    ]
    if unknown:
        raise errors.unknown_attributes(unknown)
    found: dict[str, str] = {}
    lead_id = search_by = ""
    for name, value, parts in pairs:
        if name.lower() == "searchby":
            search_by = leads.field(value).schema
        elif name.lower() in _IDS:
            lead_id = value.lower()
        else:
            found |= _checked(leads, name, value) | {
                f"{known[name.lower()].schema}~{k}": v for k, v in parts.items()
            }
    return Attributes(found, lead_id, search_by)


def _pair(each: Any) -> tuple[str, str, dict[str, str]]:
    name = (each.get("Attribute") or each.get("SchemaName")) if isinstance(each, dict) else None
    if not isinstance(name, str):
        raise errors.ill_formed("Each of the list must have an Attribute.")
    parts = {part: value for part, value, _ in map(_pair, each.get("Fields") or ())}
    return name, as_text(each.get("Value"), name), parts


def as_text(value: Any, name: str) -> str:
    """A value as it is kept; null is "". Raises ``LsqError`` for a list or an object."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, str | int | float):
        return str(value)
    raise errors.invalid_value(name, "neither text nor number")


def _checked(leads: LeadStore, name: str, value: str) -> dict[str, str]:
    """What the service keeps by itself is passed over, as the pages' samples expect."""
    field = leads.field(name)
    if field.read_only:
        return {}
    if value:
        values.check(value, field.data_type, field.most, field.schema)
    if value and field.options and value not in field.options:
        raise errors.invalid_value(field.schema, "not one of its options")
    return {field.schema: value}
