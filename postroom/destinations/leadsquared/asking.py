"""What the page of the settings asks LeadSquared, before a destination is there or while it is changed."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from postroom.config import Config
from postroom.destinations.leadsquared import catalogue
from postroom.destinations.leadsquared.activities import Activities, ActivityField, ActivityType
from postroom.destinations.leadsquared.client import Keys, LeadSquaredClient
from postroom.destinations.leadsquared.destination import NOT_ALLOWED
from postroom.destinations.leadsquared.endpoints import Endpoints
from postroom.destinations.leadsquared.refusals import NotAccepted
from postroom.destinations.pacing import Unpaced
from postroom.errors import Misconfigured
from postroom.providers.http import open_session

Values = Mapping[str, object]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Account:
    """What a customer's account has to choose from."""

    said: str
    """A sentence with what answered."""
    types: list[ActivityType]
    """By name."""
    lead_fields: list[ActivityField]


async def look_at(region: str, secrets: Values, config: Config) -> Account:
    """Sign in, and see what there is: three calls.

    Raises ``AuthorizationLost``, ``Throttled``, ``Unavailable`` and ``Misconfigured``.
    """

    async def ask(client: LeadSquaredClient) -> Account:
        types = await Activities(client).types()
        users = await catalogue.users(client)
        said = f"LeadSquared answered: {len(users)} active users and {len(types)} activity types."
        return Account(said, types, await catalogue.fields_of_leads(client))

    return await _asked(region, secrets, config, ask)


async def activity_fields(region: str, secrets: Values, config: Config, code: int) -> list[ActivityField]:
    """The fields of an activity type. Raises as ``look_at`` does."""
    return await _asked(region, secrets, config, lambda client: Activities(client).fields(code))


async def _asked(
    region: str, secrets: Values, config: Config, ask: Callable[[LeadSquaredClient], Awaitable[Result]]
) -> Result:
    # What was just made there is to be seen, by deliveries as well.
    catalogue.forget()
    async with _opened(region, secrets, config) as client:
        try:
            return await ask(client)
        except NotAccepted as error:
            raise Misconfigured(f"{NOT_ALLOWED} {error}") from error


@asynccontextmanager
async def _opened(region: str, secrets: Values, config: Config) -> AsyncIterator[LeadSquaredClient]:
    endpoints = Endpoints.of(region, config.leadsquared_url)
    async with open_session() as session:
        yield LeadSquaredClient(session, Keys.read(secrets), endpoints, Unpaced())
