"""What the customer's account there is like: users, activity types, fields and how much they take.

Looked up once an hour at the most in a process, however many deliveries there are.
"""

import time
from hashlib import sha256

from postroom.destinations.leadsquared.activities import Activities, ActivityField, read_field
from postroom.destinations.leadsquared.answers import number, rows, text
from postroom.destinations.leadsquared.client import Keys, LeadSquaredClient
from postroom.destinations.leadsquared.mapping import Known
from postroom.destinations.leadsquared.refusals import NotAccepted
from postroom.destinations.leadsquared.settings import OWNER, LeadSquaredSettings
from postroom.errors import Misconfigured

GOOD_FOR = 3600.0
"""Seconds."""
ACTIVE = 0
"""The status of a user who can sign in ("Get Users")."""

_held: dict[tuple[str, bytes], tuple[float, Known]] = {}


async def known_of(
    client: LeadSquaredClient, keys: Keys, origin: str, settings: LeadSquaredSettings
) -> Known:
    """What is known of the account that these keys open. Raises ``Misconfigured`` where a chosen activity
    type is not there."""
    # By all of the settings: who changes them may have changed the account there just before.
    name = origin, sha256(f"{keys.access} {settings}".encode()).digest()
    at, known = _held.get(name, (0.0, None))
    if known is None or time.monotonic() > at + GOOD_FOR:
        known = await _look_up(client, settings)
        for old in [name for name, (then, _) in _held.items() if time.monotonic() > then + GOOD_FOR]:
            del _held[old]
        _held[name] = time.monotonic(), known
    return known


def forget() -> None:
    """Look everything up anew: the settings were changed, there or here."""
    _held.clear()


async def users(client: LeadSquaredClient) -> dict[str, str]:
    """Ids of the active users by address in lower case ("Get Users")."""
    answer = await client.get("UserManagement.svc/Users.Get")
    return {
        address.casefold(): user_id
        for row in rows(answer.value)
        if (address := text(row, "EmailAddress")) and (user_id := text(row, "ID", "UserId"))
        # Who has no status is taken for active.
        if number(row, "StatusCode") in {ACTIVE, None}
    }


async def fields_of_leads(client: LeadSquaredClient) -> list[ActivityField]:
    """Every field of leads ("Get Metadata"); without the choices of dropdowns, which are many."""
    answer = await client.get("LeadManagement.svc/LeadsMetaData.Get", {"excludeOptionSets": "1"})
    return [read_field(row) for row in rows(answer.value)]


async def _look_up(client: LeadSquaredClient, settings: LeadSquaredSettings) -> Known:
    lengths = {}
    for code in {settings.sent_code, settings.received_code}:
        try:
            lengths[code] = _lengths(await Activities(client).fields(code))
        except NotAccepted as error:
            raise Misconfigured(
                f"LeadSquared has no activity type with code {code}; choose another. {error}"
            ) from error
    needed = settings.owner_by_rep or OWNER in settings.lead_fields
    of_leads = await fields_of_leads(client)
    unique = frozenset(one.name for one in of_leads if one.unique)
    return Known(await users(client) if needed else {}, lengths, _lengths(of_leads), unique)


def _lengths(fields: list[ActivityField]) -> dict[str, int]:
    return {one.name: one.length for one in fields if one.length}
