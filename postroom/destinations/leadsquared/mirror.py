"""Reading LeadSquared's leads into ours, so that mail finds them without asking for each (R-044, R-084).

First all of them, by their number; then what changed, by time. Applying a page, and how far the mirror has
come, are one transaction; so a restart repeats a page at the most, which changes nothing.

LeadSquared's values win in the mirrored fields, except where a change made here waits to be delivered; what
is empty there empties nothing here. A lead there with the address of one of ours is linked to it. Leads that
were deleted or merged here, and people who were erased, are not brought back; a lead deleted there stays.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

import aiohttp
from django.conf import settings
from django.db import IntegrityError, connection

from postroom.connector.erasing import erased_among
from postroom.crm.capture import NewLead, capture_leads, sources_named
from postroom.crm.editing import TEXTS
from postroom.crm.fields import FieldRefused, Value, fields_of, read_value
from postroom.crm.giving_way import again_if_broken_off
from postroom.crm.models import Lead, LeadAddress, LeadField
from postroom.crm.writing import index_addresses, update_leads
from postroom.destinations.base import Event
from postroom.destinations.leadsquared.client import Keys, LeadSquaredClient
from postroom.destinations.leadsquared.destination import LeadSquared
from postroom.destinations.leadsquared.endpoints import Endpoints
from postroom.destinations.leadsquared.leads import EMAIL, PAGE, Leads, RemoteLeadData
from postroom.destinations.leadsquared.settings import CUSTOM, OWNER, LeadSquaredSettings, read_settings
from postroom.destinations.managing import secrets_of
from postroom.destinations.models import TO_DO, Delivery, Destination, DestinationState, RemoteLead
from postroom.destinations.outbox import coming_from
from postroom.destinations.pacing import SharedPace, Sleep
from postroom.errors import Misconfigured, PostroomError, ProviderError
from postroom.mail.addresses import make_address
from postroom.organisations.models import User
from postroom.policy.settings import EMAIL_FIELD
from postroom.threads import in_thread

log = logging.getLogger(__name__)

OWNER_ADDRESS = "OwnerIdEmailAddress"
"""The column that has the owner's address ("Get Leads in Bulk by Ids")."""
PAGES = 20
"""Pages of one run; then others have their turn."""
LONGEST_ID = 100
"""Characters of ``RemoteLead.remote_id``; LeadSquared's have 36."""
SLACK = timedelta(minutes=10)
"""How far LeadSquared's clock may be from ours when the first reading begins."""
EVERY = timedelta(minutes=2)
"""Between two looks for changes: 720 calls a day, where nothing changes."""


class MirrorChanged(PostroomError):
    """The destination was changed, or another worker mirrors; this run ends."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a mirror has come; as JSON it is ``Destination.mirror``."""

    phase: str = "all"
    """"all" while every lead is read once, "changes" from then on."""
    after: int = 0
    """Number of the last lead read, while all are."""
    since: str = ""
    """Time up to which changes were read, in UTC (ISO 8601)."""
    page: int = 1
    """Of the changes at ``since``, where more than one page has the same second."""
    read: int = 0
    made: int = 0
    linked: int = 0
    changed: int = 0
    left_out: int = 0
    """Without an address, erased, or deleted here."""
    complete_at: str = ""
    """When all had been read."""
    looked_at: str = ""
    said: str = ""
    """Why the last look failed; "" where it did not."""


def progress_of(destination: Destination) -> Progress:
    """For the page; also while nothing was read yet."""
    known = Progress.__dataclass_fields__
    return Progress(**{name: value for name, value in destination.mirror.items() if name in known})


def due_mirrors(now: datetime) -> list[int]:
    """Destinations whose leads are to be looked at, by id."""
    rows = Destination.objects.open(now).filter(kind=LeadSquared.name, settings__mirror=True)
    return [row.pk for row in rows.only("pk", "mirror") if _is_due(progress_of(row), now)]


def _is_due(progress: Progress, now: datetime) -> bool:
    if not progress.looked_at or (progress.phase == "all" and not progress.said):
        return True
    return datetime.fromisoformat(progress.looked_at) <= now - EVERY


async def mirror(
    destination_id: int,
    session: aiohttp.ClientSession,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Sleep | None = None,
    pages: int = PAGES,
) -> bool:
    """Read some pages; True where there is more to read right away."""
    destination = await in_thread(_open, destination_id, now())
    if destination is None:
        return False
    try:
        reader = await in_thread(_reader, destination, session, now, sleep)
        for _ in range(pages):
            if await _step(destination, reader, now):
                return False
    except MirrorChanged:
        return True
    except (ProviderError, Misconfigured) as error:
        log.info("The mirror of destination %s waits: %s", destination_id, error)
        await in_thread(_note_fault, destination, str(error), now())
        return False
    return True


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads pages with the columns that the mirror needs."""

    leads: Leads
    columns: Sequence[str]

    async def read(self, progress: Progress, now: datetime) -> tuple[list[RemoteLeadData], Progress, bool]:
        """A page, how far the mirror is after it, and whether it has caught up then."""
        if progress.phase == "all":
            return await self._read_all(progress, now)
        since = datetime.fromisoformat(progress.since)
        page = await self.leads.modified(since, self.columns, progress.page)
        # A time to come is none: by it every later change would be passed over.
        times = (lead.modified_at for lead in page if lead.modified_at)
        newest = max((at for at in times if at <= now + SLACK), default=since)
        caught_up = len(page) < PAGE
        if caught_up and newest + SLACK < now:
            # Nothing more can come of that second, and all of it was read.
            return page, replace(progress, since=(newest + timedelta(seconds=1)).isoformat(), page=1), True
        if newest > since:
            return page, replace(progress, since=newest.isoformat(), page=1), caught_up
        return page, replace(progress, page=1 if caught_up else progress.page + 1), caught_up

    async def _read_all(
        self, progress: Progress, now: datetime
    ) -> tuple[list[RemoteLeadData], Progress, bool]:
        begun = replace(progress, since=progress.since or (now - SLACK).isoformat())
        page = await self.leads.after(progress.after, self.columns)
        last = max((lead.number for lead in page), default=0)
        if last <= progress.after:
            return [], replace(begun, phase="changes", page=1, complete_at=now.isoformat()), False
        return page, replace(begun, after=last), False


async def _step(destination: Destination, reader: Reader, now: Callable[[], datetime]) -> bool:
    """Read a page and apply it; True once the mirror has caught up. Raises ``MirrorChanged``."""
    page, after, caught_up = await reader.read(progress_of(destination), now())
    after = replace(after, looked_at=now().isoformat(), said="")
    await in_thread(apply, destination, page, after)
    return caught_up


def _open(destination_id: int, now: datetime) -> Destination | None:
    rows = Destination.objects.open(now).filter(pk=destination_id, settings__mirror=True)
    return rows.select_related("account").first()


def _reader(
    destination: Destination, session: aiohttp.ClientSession, now: Callable[[], datetime], sleep: Sleep | None
) -> Reader:
    """Raises ``Misconfigured`` where keys or settings cannot be read."""
    chosen = read_settings(destination.settings)
    pace = SharedPace(
        destination,
        LeadSquared().limits(destination.settings),
        clock=lambda: now().timestamp(),
        sleep=sleep or asyncio.sleep,
    )
    endpoints = Endpoints.of(chosen.region, settings.POSTROOM.leadsquared_url)
    keys = Keys.read(secrets_of(destination))
    columns = [name for name, value in chosen.lead_fields.items() if value != "id" and name != OWNER]
    wants_owner = "owner" in chosen.lead_fields.values()
    return Reader(
        Leads(LeadSquaredClient(session, keys, endpoints, pace)),
        [*columns, *([OWNER_ADDRESS] if wants_owner else [])],
    )


def apply(destination: Destination, page: Sequence[RemoteLeadData], after: Progress) -> None:
    """Write a page into our leads, and how far the mirror is; what comes from there is not told to it again.

    Raises ``MirrorChanged``; nothing is written then.
    """

    def write() -> Progress:
        with coming_from(destination):
            _take(destination)
            done = Page(destination, page).write(after) if page else after
            Destination.objects.filter(pk=destination.pk, account_id=destination.account_id).update(
                mirror=asdict(done)
            )
            return done

    try:
        done = again_if_broken_off(write)
    except IntegrityError as error:
        # Somebody gave an address to another lead at this very moment.
        raise MirrorChanged from error
    destination.mirror = asdict(done)


def _take(destination: Destination) -> None:
    """Lock the row, if it is still as this run knows it."""
    rows = Destination.objects.of(destination.account).select_for_update(no_key=True)
    held = rows.filter(
        pk=destination.pk, state=DestinationState.ON, version=destination.version, mirror=destination.mirror
    )
    if held.first() is None:
        raise MirrorChanged


def _note_fault(destination: Destination, said: str, now: datetime) -> None:
    faulty = replace(progress_of(destination), said=said, looked_at=now.isoformat())
    rows = Destination.objects.of(destination.account)
    rows.filter(pk=destination.pk, mirror=destination.mirror).update(mirror=asdict(faulty))


class Page:
    """One page of LeadSquared's leads against ours."""

    def __init__(self, destination: Destination, page: Sequence[RemoteLeadData]) -> None:
        self._destination = destination
        self._account = destination.account_id
        self._settings: LeadSquaredSettings = read_settings(destination.settings)
        self._page = {remote.id: remote for remote in page if 0 < len(remote.id) <= LONGEST_ID}
        self._keys = {
            remote.id: address.key
            for remote in self._page.values()
            if (address := make_address(remote.fields.get(EMAIL, "")))
        }
        self._own = {one.name: one for one in fields_of(self._account)}

    def write(self, after: Progress) -> Progress:
        """Make, link and change leads; a dozen statements. Returns the progress with its counts."""
        links = self._links()
        known, merged = self._leads_at(set(self._keys.values()))
        alive = self._alive(set(links.values()))
        sources = sources_named(self._account, {self._value(one, "source") for one in self._page.values()})
        erased = erased_among(self._destination.account, set(self._keys.values()) - set(known))
        chosen: dict[str, int] = {}
        new: dict[str, str] = {}
        for id_ in self._page:
            key = self._keys.get(id_, "")
            if id_ in links and links[id_] in alive:
                chosen[id_] = links[id_]
            elif key in known:
                chosen[id_] = known[key]
            elif key and id_ not in links and key not in erased | merged:
                new.setdefault(key, id_)
        made = self._make(new)
        linked = sum(1 for id_ in chosen if id_ not in links)
        chosen |= {new[key]: pk for key, pk in made.items()}
        changed = self._change(chosen, sources, fresh=set(made.values()))
        self._link(chosen)
        return replace(
            after,
            read=after.read + len(self._page),
            made=after.made + len(made),
            linked=after.linked + linked,
            changed=after.changed + changed,
            left_out=after.left_out + len(self._page) - len(chosen),
        )

    def _links(self) -> dict[str, int]:
        """Our leads by their id there; some may be gone."""
        rows = RemoteLead.objects.filter(
            account_id=self._account, destination=self._destination, remote_id__in=list(self._page)
        )
        return dict(rows.values_list("remote_id", "lead_id"))

    def _alive(self, ids: set[int]) -> set[int]:
        return set(Lead.objects.filter(account_id=self._account, pk__in=ids).values_list("pk", flat=True))

    def _leads_at(self, keys: set[str]) -> tuple[dict[str, int], set[str]]:
        """Our leads by their address, and the addresses that a lead got by a merge: whose lead went."""
        rows = LeadAddress.objects.filter(account_id=self._account, key__in=keys, field=EMAIL_FIELD)
        found = list(rows.values_list("key", "lead_id", "merge_id"))
        known = {key: lead for key, lead, merge in found if merge is None}
        return known, {key for key, _, _ in found} - set(known)

    def _make(self, new: Mapping[str, str]) -> dict[str, int]:
        """Make leads, by key; names and all the rest come with the change that follows."""
        people = [
            NewLead(key, self._page[id_].fields[EMAIL], "", "", self._value(self._page[id_], "source"))
            for key, id_ in new.items()
        ]
        capture_leads(self._account, people)
        rows = Lead.objects.filter(account_id=self._account, email_key__in=list(new))
        return dict(rows.values_list("email_key", "pk"))

    def _change(self, chosen: Mapping[str, int], sources: Mapping[str, int], fresh: set[int]) -> int:
        """Write LeadSquared's values; returns how many leads of ours changed that were there before."""
        waiting = self._waiting(set(chosen.values()))
        owners = self._owners()
        by_lead = {pk: self._page[id_] for id_, pk in chosen.items() if pk not in waiting}
        rows = Lead.objects.filter(account_id=self._account, pk__in=by_lead).order_by("pk")
        leads = list(rows.select_for_update(no_key=True))
        free = self._free_addresses(leads, by_lead)
        changed: list[Lead] = []
        own: dict[int, Mapping[str, Value]] = {}
        for lead in leads:
            remote = by_lead[lead.pk]
            before = self._state(lead)
            self._set_standard(lead, remote, sources, owners)
            self._set_address(lead, remote, free)
            own[lead.pk] = self._own_values(remote)
            lead.custom = {**lead.custom, **own[lead.pk]}
            if self._state(lead) != before:
                changed.append(lead)
        if changed:
            update_leads(self._account, changed)
            index_addresses(self._account, {lead.pk: own[lead.pk] for lead in changed})
        return sum(1 for lead in changed if lead.pk not in fresh)

    def _waiting(self, ids: set[int]) -> set[int]:
        """Leads with a change made here that LeadSquared is still to hear of."""
        rows = Delivery.objects.filter(
            account_id=self._account,
            destination=self._destination,
            lead_id__in=ids,
            event=Event.LEAD_UPDATED,
            state__in=TO_DO,
        )
        return set(rows.values_list("lead_id", flat=True))

    def _owners(self) -> dict[str, int]:
        if "owner" not in self._settings.lead_fields.values():
            return {}
        rows = User.objects.filter(account_id=self._account).values_list("email", "pk")
        return {email.casefold(): pk for email, pk in rows}

    def _free_addresses(self, leads: Sequence[Lead], by_lead: Mapping[int, RemoteLeadData]) -> set[str]:
        """Keys of new addresses that no lead of ours has."""
        keys = {self._keys.get(by_lead[lead.pk].id, "") for lead in leads} - {
            lead.email_key for lead in leads
        }
        known, merged = self._leads_at(keys)
        return keys - set(known) - merged - {""}

    def _set_standard(
        self, lead: Lead, remote: RemoteLeadData, sources: Mapping[str, int], owners: Mapping[str, int]
    ) -> None:
        for name, most in TEXTS.items():
            if value := self._value(remote, name)[:most]:
                setattr(lead, name, value)
        if source := self._value(remote, "source"):
            lead.source_id = sources.get(source, lead.source_id)
        if owner := remote.fields.get(OWNER_ADDRESS, "").casefold():
            lead.owner_id = owners.get(owner, lead.owner_id)

    def _set_address(self, lead: Lead, remote: RemoteLeadData, free: set[str]) -> None:
        key = self._keys.get(remote.id, "")
        if key in free:
            free.discard(key)
            lead.email, lead.email_key = remote.fields[EMAIL], key

    def _own_values(self, remote: RemoteLeadData) -> dict[str, Value]:
        """Values of the account's own fields; one that does not fit its field stays out."""
        found: dict[str, Value] = {}
        for schema, value in self._settings.lead_fields.items():
            field = self._own.get(value.removeprefix(CUSTOM)) if value.startswith(CUSTOM) else None
            if field and (words := remote.fields.get(schema, "")):
                read = _read(field, words)
                if read is not None:
                    found[field.name] = read
        return found

    def _value(self, remote: RemoteLeadData, value: str) -> str:
        """The first field there that is mapped to ``value``; fit for ours."""
        for schema, mapped in self._settings.lead_fields.items():
            if mapped == value and (words := remote.fields.get(schema, "")):
                return " ".join(words.replace("\x00", "").split())[:200]
        return ""

    @staticmethod
    def _state(lead: Lead) -> tuple[object, ...]:
        return (
            *(getattr(lead, name) for name in TEXTS),
            *(lead.email, lead.source_id, lead.owner_id, lead.custom),
        )

    def _link(self, chosen: Mapping[str, int]) -> None:
        """Note what LeadSquared calls our leads, and when each last changed there."""
        with connection.cursor() as cursor:
            cursor.execute(
                _LINK,
                [
                    self._account,
                    self._destination.pk,
                    list(chosen.values()),
                    list(chosen),
                    [self._page[id_].modified_at for id_ in chosen],
                ],
            )


_LINK = """
    insert into destinations_remotelead (account_id, destination_id, lead_id, remote_id, modified_at)
    select %s, %s, n.lead_id, n.remote_id, n.modified_at
    from unnest(%s::bigint[], %s::text[], %s::timestamptz[]) as n(lead_id, remote_id, modified_at)
    order by n.remote_id
    on conflict (account_id, destination_id, remote_id) do update
        set lead_id = excluded.lead_id, modified_at = excluded.modified_at
        where (destinations_remotelead.lead_id, destinations_remotelead.modified_at)
            is distinct from (excluded.lead_id, excluded.modified_at)
"""


def _read(field: LeadField, words: str) -> Value:
    try:
        return read_value(field, words)
    except FieldRefused:
        return None
