"""Finding the leads that addresses belong to (R-044)."""

from collections import defaultdict
from collections.abc import Collection

from postroom.crm.models import LeadAddress
from postroom.policy.decide import KnownLead


def leads_at(account_id: int, keys: Collection[str]) -> dict[str, list[KnownLead]]:
    """Every lead that has one of these addresses, by ``Address.key``; the oldest lead first.

    One query, however many addresses and fields there are.
    """
    rows = LeadAddress.objects.filter(account_id=account_id, key__in=keys).order_by("lead_id", "field")
    found: dict[str, list[KnownLead]] = defaultdict(list)
    for key, lead, field in rows.values_list("key", "lead_id", "field"):
        found[key].append(KnownLead(lead, field))
    return dict(found)
