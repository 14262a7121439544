"""What a LeadSquared account offers to choose from, for whoever sets the destination up."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from postroom.config import Config
from postroom.destinations.leadsquared import catalogue
from postroom.destinations.leadsquared.activities import Activities, ActivityField, ActivityType
from postroom.destinations.leadsquared.client import Keys, LeadSquaredClient
from postroom.destinations.leadsquared.destination import NOT_ALLOWED
from postroom.destinations.leadsquared.endpoints import Endpoints
from postroom.destinations.leadsquared.refusals import NotAccepted
from postroom.destinations.pacing import Unpaced
from postroom.errors import Misconfigured, Unavailable
from postroom.providers.http import open_session

SECONDS = 25


@dataclass(frozen=True, slots=True)
class Offers:
    """As far as it was asked for."""

    types: Sequence[ActivityType] = ()
    fields: Mapping[int, Sequence[ActivityField]] = field(default_factory=dict)
    """Of an activity type, by its code."""
    lead_fields: Sequence[ActivityField] = ()


async def look_up(
    config: Config, region: str, secrets: Mapping[str, object], codes: Collection[int] = ()
) -> Offers:
    """The activity types; with ``codes`` the fields of these types and of leads, too.

    Raises ``AuthorizationLost``, ``Unavailable``, ``Throttled`` and ``Misconfigured``.
    """
    keys = Keys.read(secrets)
    endpoints = Endpoints.of(region, config.leadsquared_url)
    async with open_session() as session:
        client = LeadSquaredClient(session, keys, endpoints, Unpaced())
        try:
            async with asyncio.timeout(SECONDS):
                return await _look_up(client, codes)
        except TimeoutError as error:
            raise Unavailable("LeadSquared did not answer in time.") from error
        except NotAccepted as error:
            raise Misconfigured(f"{NOT_ALLOWED} {error}") from error


async def _look_up(client: LeadSquaredClient, codes: Collection[int]) -> Offers:
    activities = Activities(client)
    types = await activities.types()
    if not codes:
        return Offers(types)
    known = sorted(set(codes) & {each.code for each in types})
    fields = {code: await activities.fields(code) for code in known}
    return Offers(types, fields, await catalogue.fields_of_leads(client))
