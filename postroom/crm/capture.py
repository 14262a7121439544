"""Leads made from mail, so that two mailboxes that meet the same person make one lead (R-042)."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

from postroom.crm.models import LeadSource

_INSERT = """
    insert into crm_lead (account_id, email_key, email, first_name, last_name, company, phone, custom,
                          source_id, created_at)
    select %s, key, email, first_name, last_name, '', '', '{}', source, now()
    from unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[])
        as new(key, email, first_name, last_name, source)
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
    source: str
    """Name of the lead source; "" for none."""


def capture_leads(account_id: int, people: Iterable[NewLead]) -> set[str]:
    """Make those people leads who are none; returns the keys of the leads that are new.

    One statement in order of key, whatever their sources: two captures at once wait for each other
    instead of deadlocking. Of one person's several entries the first counts.
    """
    unique: dict[str, NewLead] = {}
    for person in people:
        unique.setdefault(person.key, person)
    if not unique:
        return set()
    rows = list(unique.values())
    sources = sources_named(account_id, {row.source for row in rows})
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [
                account_id,
                [row.key for row in rows],
                [row.email for row in rows],
                [row.first_name[:200] for row in rows],
                [row.last_name[:200] for row in rows],
                [sources.get(row.source) for row in rows],
            ],
        )
        return {key for (key,) in cursor.fetchall()}


def sources_named(account_id: int, names: Iterable[str]) -> dict[str, int]:
    """The ids of the lead sources, which come into being here (R-045); "" has none."""
    wanted = sorted(filter(None, names))
    found = LeadSource.objects.filter(account_id=account_id, name__in=wanted)
    known = dict(found.values_list("name", "pk"))
    missing = [LeadSource(account_id=account_id, name=name) for name in wanted if name not in known]
    if not missing:
        return known
    LeadSource.objects.bulk_create(missing, ignore_conflicts=True)
    return dict(found.values_list("name", "pk"))
