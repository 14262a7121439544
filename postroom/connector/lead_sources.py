"""Changing lead sources together with the settings that name them, and with a line in the audit trail."""

from dataclasses import replace

from django.db import transaction

from postroom.connector.audit import record
from postroom.connector.models import AuditArea
from postroom.connector.policies import current_settings, save_settings
from postroom.crm.models import LeadSource
from postroom.crm.sources import add_source, delete_source, merge_sources, rename_source
from postroom.organisations.models import Account, User


@transaction.atomic
def add(account: Account, name: str, by: User) -> LeadSource:
    """Raises ``SourceRefused``."""
    source = add_source(account, name)
    record(account, by, AuditArea.LEADS, f"Added the lead source {source.name}.")
    return source


@transaction.atomic
def rename(source: LeadSource, name: str, by: User) -> None:
    """Raises ``SourceRefused`` and what ``save_settings`` raises."""
    before = source.name
    rename_source(source, name)
    if source.name == before:
        return
    _follow(source.account, before, source.name, by)
    record(source.account, by, AuditArea.LEADS, f"Renamed the lead source {before} to {source.name}.")


@transaction.atomic
def merge(source: LeadSource, into: LeadSource, by: User) -> int:
    """The number of leads that changed hands. Raises ``SourceRefused`` and what ``save_settings`` raises."""
    number = merge_sources(source, into)
    _follow(into.account, source.name, into.name, by)
    record(into.account, by, AuditArea.LEADS, f"Merged the lead source {source.name} into {into.name}.")
    return number


@transaction.atomic
def delete(source: LeadSource, by: User) -> None:
    """Raises ``SourceRefused`` where leads have it."""
    delete_source(source)
    record(source.account, by, AuditArea.LEADS, f"Deleted the lead source {source.name}.")


def _follow(account: Account, before: str, after: str, by: User) -> None:
    """Leads made from now on get the source by its new name, not the old one anew."""
    now = current_settings(account.pk)
    inbound, outbound = (
        replace(direction, lead_source=after) if direction.lead_source == before else direction
        for direction in (now.inbound, now.outbound)
    )
    if (inbound, outbound) != (now.inbound, now.outbound):
        save_settings(account, replace(now, inbound=inbound, outbound=outbound), by)
