"""Leads made from mail, so that two mailboxes that meet the same person make one lead (R-042)."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

from postroom.crm.models import LeadSource

_INSERT = """
    insert into crm_lead (account_id, email_key, email, first_name, last_name, company, phone, source_id,
                          created_at)
    select %s, key, email, first_name, last_name, '', '', %s, now()
    from unnest(%s::text[], %s::text[], %s::text[], %s::text[]) as new(key, email, first_name, last_name)
    order by key
    on conflict (account_id, email_key) where email_key <> '' do nothing
    returning email_key
"""


@dataclass(frozen=True, slots=True)
class NewLead:
    """A person to become a lead."""

    key: str
    email: str
    first_name: str
    last_name: str


def capture_leads(account_id: int, people: Iterable[NewLead], source: str) -> set[str]:
    """Make those people leads who are none; returns the keys of the leads that are new.

    In order of key, so that two captures at once wait for each other instead of deadlocking.
    """
    unique = {person.key: person for person in people}
    if not unique:
        return set()
    source_id = source_named(account_id, source)
    rows = list(unique.values())
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [
                account_id,
                source_id,
                [row.key for row in rows],
                [row.email for row in rows],
                [row.first_name[:200] for row in rows],
                [row.last_name[:200] for row in rows],
            ],
        )
        return {key for (key,) in cursor.fetchall()}


def source_named(account_id: int, name: str) -> int | None:
    """The id of the lead source, which comes into being here (R-045); None for ""."""
    if not name:
        return None
    LeadSource.objects.bulk_create([LeadSource(account_id=account_id, name=name)], ignore_conflicts=True)
    return LeadSource.objects.values_list("pk", flat=True).get(account_id=account_id, name=name)
