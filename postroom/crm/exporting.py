"""Leads as CSV, streamed, in a form that can be imported again (R-082)."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db.models import QuerySet

from postroom.crm.csv_file import csv_lines
from postroom.crm.fields import fields_of
from postroom.crm.models import Lead, LeadField

CHUNK = 2000
"""Leads held in memory at a time."""
_HEADER = ("Lead id", "First name", "Last name", "Email", "Company", "Phone", "Lead source", "Owner")


def export_lines(account_id: int, leads: QuerySet[Lead]) -> Iterator[str]:
    """The file line by line; times are ISO 8601 in UTC."""
    own = fields_of(account_id)
    header = [*_HEADER, *(field.label for field in own), "Lead since", "Last mail"]
    rows = leads.select_related("source", "owner").iterator(chunk_size=CHUNK)
    return csv_lines(header, (list(_cells(lead, own)) for lead in rows))


def _cells(lead: Lead, own: Iterable[LeadField]) -> Iterator[object]:
    yield from (lead.pk, lead.first_name, lead.last_name, lead.email, lead.company, lead.phone)
    yield lead.source.name if lead.source else ""
    yield lead.owner.email if lead.owner else ""
    for field in own:
        value = lead.custom.get(field.name)
        yield ("yes" if value else "no") if isinstance(value, bool) else value
    yield _time(lead.created_at)
    yield _time(lead.last_activity_at)


def _time(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""
