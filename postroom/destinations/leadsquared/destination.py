"""LeadSquared as a kind of destination, and an opened one."""

from collections.abc import Mapping, Sequence

from postroom.destinations.base import Event, Limit, Opening, Outcome, Parcel
from postroom.destinations.leadsquared import catalogue
from postroom.destinations.leadsquared.activities import Activities
from postroom.destinations.leadsquared.batch import Place
from postroom.destinations.leadsquared.client import Keys, LeadSquaredClient
from postroom.destinations.leadsquared.endpoints import Endpoints
from postroom.destinations.leadsquared.plans import SECONDS
from postroom.destinations.leadsquared.refusals import NotAccepted
from postroom.destinations.leadsquared.sending import send
from postroom.destinations.leadsquared.settings import read_settings
from postroom.errors import Misconfigured

NOT_ALLOWED = (
    "LeadSquared does not show users, activity types and lead fields to these keys; use an administrator's."
)


class LeadSquared:
    """The kind."""

    name = "leadsquared"
    label = "LeadSquared"
    events = frozenset(Event)
    batch = 250
    """Ten bulk calls: few of them are not full, and a plan with one in five seconds has time for them."""

    def limits(self, settings: Mapping[str, object]) -> Mapping[str, Limit]:
        """ "" counts every call, "bulk" those of the bulk APIs among them, "day" all of a day
        ("Rate Limits")."""
        chosen = read_settings(settings)
        return {
            "": Limit(chosen.calls_allowed, SECONDS),
            "bulk": Limit(chosen.bulk_allowed, SECONDS),
            "day": Limit(chosen.allowed_a_day, 24 * 3600.0),
        }

    def receiver(self, opening: Opening) -> "LeadSquaredReceiver":
        """Raises ``Misconfigured`` where keys or settings are missing."""
        return LeadSquaredReceiver(opening)


class LeadSquaredReceiver:
    """One account there, opened with one user's keys."""

    def __init__(self, opening: Opening) -> None:
        self._settings = read_settings(opening.settings)
        self._keys = Keys.read(opening.secrets)
        self._endpoints = Endpoints.of(self._settings.region, opening.config.leadsquared_url)
        self._files = opening.files
        self._client = LeadSquaredClient(opening.session, self._keys, self._endpoints, opening.pace)
        self._leads: dict[int, str] = {}

    async def deliver(self, parcels: Sequence[Parcel]) -> list[Outcome]:
        """See ``Receiver``."""
        try:
            known = await catalogue.known_of(self._client, self._keys, self._endpoints.api, self._settings)
        except NotAccepted as error:
            raise Misconfigured(f"{NOT_ALLOWED} {error}") from error
        place = Place(self._client, self._settings, known, self._files, self._leads)
        return await send(place, parcels)

    async def check(self) -> str:
        """Signs in and looks whether the chosen activity types are there."""
        try:
            return await self._check()
        except NotAccepted as error:
            raise Misconfigured(f"{NOT_ALLOWED} {error}") from error

    async def _check(self) -> str:
        types = {each.code: each.name for each in await Activities(self._client).types()}
        chosen = {self._settings.sent_code, self._settings.received_code}
        if missing := sorted(chosen - set(types)):
            raise Misconfigured(f"LeadSquared answered, but has no activity type with code {missing[0]}.")
        users = await catalogue.users(self._client)
        names = " and ".join(f"“{types[code]}”" for code in sorted(chosen))
        return f"LeadSquared answered: {len(users)} active users; mail becomes {names}."
