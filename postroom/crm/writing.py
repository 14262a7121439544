"""Writing the fields of many leads at once, for imports and mirrors; what they may be is judged before."""

from collections.abc import Mapping, Sequence

import orjson
from django.db import connection

from postroom.crm.fields import Value
from postroom.crm.models import FieldType, Lead, LeadAddress, LeadField
from postroom.mail.addresses import make_address

_UPDATE = """
    update crm_lead set first_name = new.first_name, last_name = new.last_name, email = new.email,
        email_key = new.email_key, company = new.company, phone = new.phone, source_id = new.source,
        owner_id = new.owner, custom = new.custom
    from unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
        %s::bigint[], %s::bigint[], %s::text[]::jsonb[])
        as new(id, first_name, last_name, email, email_key, company, phone, source, owner, custom)
    where crm_lead.account_id = %s and crm_lead.id = new.id
"""
_COLUMNS = (
    *("pk", "first_name", "last_name", "email", "email_key", "company", "phone"),
    *("source_id", "owner_id"),
)


def update_leads(account: int, leads: Sequence[Lead]) -> None:
    """Write the fields of the leads as they are in memory; the caller holds their rows, in order of id.

    One statement; ``bulk_update`` takes several times as long.
    """
    columns = [[getattr(lead, name) for lead in leads] for name in _COLUMNS]
    custom = [orjson.dumps(lead.custom).decode() for lead in leads]
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE, [*columns, custom, account])


def index_addresses(account: int, written: Mapping[int, Mapping[str, Value]]) -> None:
    """Let mail find leads by the addresses in fields of the account's own, too (R-044).

    ``written`` are the values of such fields, by name, of each lead.
    """
    fields = set(
        LeadField.objects.filter(account_id=account, type=FieldType.EMAIL).values_list("name", flat=True)
    )
    rows = [
        LeadAddress(account_id=account, lead_id=pk, field=name, key=address.key)
        for pk, own in written.items()
        for name, value in own.items()
        if name in fields and (address := make_address(str(value)))
    ]
    for name in {row.field for row in rows}:
        mine = [row.lead_id for row in rows if row.field == name]
        LeadAddress.objects.filter(account_id=account, lead__in=mine, field=name, merge=None).delete()
    LeadAddress.objects.bulk_create(rows)
