"""Sending one batch of parcels: as few calls as possible, in order for each lead, an outcome for each.

LeadSquared has no idempotency key. What may have arrived is looked up by Postroom's id before it is sent
again; leads are made by their mail address, which is unique there, so that repeating it makes none twice.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeVar

from postroom.destinations.base import (
    Delivered,
    Event,
    Files,
    Later,
    LeadData,
    Outcome,
    Parcel,
    Refused,
    Unknown,
)
from postroom.destinations.leadsquared.activities import BULK, Activities, Posted
from postroom.destinations.leadsquared.answers import moment, text
from postroom.destinations.leadsquared.client import LeadSquaredClient
from postroom.destinations.leadsquared.leads import EMAIL, Leads, Settled
from postroom.destinations.leadsquared.mapping import (
    Known,
    Link,
    activity_body,
    holds_key,
    lead_fields,
    source_fields,
)
from postroom.destinations.leadsquared.refusals import AnswerLost, NotAccepted
from postroom.destinations.leadsquared.settings import LeadSquaredSettings
from postroom.destinations.leadsquared.uploads import upload
from postroom.errors import (
    AuthorizationLost,
    Misconfigured,
    PostroomError,
    ProviderError,
    Throttled,
    Unavailable,
)

Item = TypeVar("Item")

AT_ONCE = 8
"""Calls under way at the same time; the pace says how many begin within five seconds."""
_NO_LEAD = re.compile(r"InvalidEntity|(lead|prospect)\b.*(does not|doesn't|not) (exist|found)", re.IGNORECASE)
LONGEST = 120.0
"""Seconds after which no further call begins, so that what came of those before can be noted."""
NO_TIME = "There was no time left for it; it goes next."
WAITS = "It waits for what comes before it on this lead."
LEFT = "Left as it is in LeadSquared."
LEFT_ACTIVITY = "LeadSquared changes neither type nor lead of an activity; it stays as it was posted."
LEFT_MERGE = "LeadSquared merges no leads for others; both stay, and can be merged there."
NOT_MADE = "LeadSquared has no lead with this address, and Postroom is set to make none there."
NO_ADDRESS = "The lead has no mail address, by which LeadSquared could know it."


class Work(Enum):
    """What is done for a parcel; parcels of the same work on different leads can share a call."""

    MAKE = auto()
    POST = auto()
    CHANGE = auto()
    END = auto()


WORK: Mapping[Event, Work] = {
    Event.LEAD_CREATED: Work.MAKE,
    Event.ACTIVITY_CREATED: Work.POST,
    Event.LEAD_UPDATED: Work.CHANGE,
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the parcels go."""

    client: LeadSquaredClient
    settings: LeadSquaredSettings
    known: Known
    files: Files
    leads: dict[int, str] = field(default_factory=dict)
    """Ids there by our own, as far as they were learnt since it was opened."""


class Sending:
    """One batch on its way; ``send`` once."""

    def __init__(self, place: Place, parcels: Sequence[Parcel]) -> None:
        self._place = place
        self._parcels = parcels
        self._leads = Leads(place.client)
        self._activities = Activities(place.client)
        self._outcomes: dict[int, Outcome] = {}
        self._waiting: set[object] = set()
        """Leads on which something is still to be sent, so that what follows has to wait."""
        self._refused: dict[int, str] = {}
        """Leads that LeadSquared does not take, with the reason."""
        self._made: set[int] = set()
        self._is_second = False
        """Whether activities are posted once more, on leads that were found anew."""
        self._stale: set[int] = set()
        """Leads whose id there LeadSquared knows no more: deleted there, or merged into another."""
        self._unfilled: dict[str, str] = {}
        """Leads there that were made, but whose fields LeadSquared does not take, with the reason."""
        self._fault: PostroomError | None = None
        """What keeps the rest from being sent."""
        self._deaf: PostroomError | None = None
        """What keeps LeadSquared from being asked what arrived."""
        self._arrived = False
        """Whether a call may have had an effect."""
        self._slots = asyncio.Semaphore(min(AT_ONCE, place.settings.bulk_allowed))
        self._until = asyncio.get_running_loop().time() + LONGEST

    async def send(self) -> list[Outcome]:
        """The outcomes in place. Raises the fault that kept all of them from being sent."""
        for layer in layers_of(self._parcels):
            await self._send(layer)
        unsent = all(isinstance(each, Later) for each in self._outcomes.values())
        fault = self._fault or self._deaf
        if fault and unsent and not self._arrived:
            raise fault
        return [self._outcomes[at] for at in range(len(self._parcels))]

    async def _send(self, layer: Sequence[int]) -> None:
        by_work: dict[Work, list[int]] = {}
        for at in layer:
            if not self._must_wait(at):
                by_work.setdefault(_work(self._parcels[at]), []).append(at)
        made, posted, changed = (by_work.get(work, []) for work in (Work.MAKE, Work.POST, Work.CHANGE))
        await self._settle([*made, *posted, *changed])
        for at in made:
            self._note_made(at)
        await self._post([at for at in posted if at not in self._outcomes])
        await self._change([at for at in changed if at not in self._outcomes])
        for at in by_work.get(Work.END, []):
            await self._end(at)

    # Outcomes

    def _note(self, at: int, outcome: Outcome) -> None:
        self._outcomes[at] = outcome
        if isinstance(outcome, Later | Unknown):
            self._waiting.add(lead_of(self._parcels[at]))

    def _must_wait(self, at: int) -> bool:
        if not self._stopped([at]) and lead_of(self._parcels[at]) in self._waiting:
            self._note(at, Later(WAITS, tried=False))
        return at in self._outcomes

    def _stopped(self, these: Sequence[int]) -> bool:
        """Whether nothing more is to be sent, which is then what became of these."""
        if not self._fault and asyncio.get_running_loop().time() > self._until:
            self._fault = Unavailable(NO_TIME)
        if self._fault:
            for at in these:
                self._note_unsent(at, self._fault)
        return self._fault is not None

    def _note_unsent(self, at: int, fault: PostroomError, *, tried: bool = False) -> None:
        """Nothing of it arrived at this try; whether it did at an earlier one is as open as before."""
        wait = fault.retry_after if isinstance(fault, Throttled) else 0.0
        self._note(at, Later(str(fault), tried=tried and not self._parcels[at].maybe_sent, retry_after=wait))

    async def _guarded(self, these: Sequence[int], call: Callable[[], Awaitable[None]]) -> None:
        """Make a call for parcels; those without an outcome afterwards get that of its fault.

        One that LeadSquared refuses as a whole raises ``NotAccepted``.
        """
        try:
            await call()
            self._arrived = True
        except AnswerLost as error:
            self._arrived = True
            for at in these:
                self._note(at, Unknown(str(error)))
        except NotAccepted:
            raise
        except (ProviderError, Misconfigured) as error:
            self._fault = error
            for at in these:
                self._note_unsent(at, error, tried=True)

    # Leads

    async def _settle(self, these: Sequence[int]) -> None:
        """Learn the ids there of the parcels' leads, making those that are missing."""
        by_lead: dict[int, list[int]] = {}
        for at in these:
            lead = _lead(self._parcels[at])
            if lead.remote_id and lead.id not in self._stale:
                self._place.leads[lead.id] = lead.remote_id
            if lead.id not in self._place.leads and lead.id not in self._refused:
                by_lead.setdefault(lead.id, []).append(at)
        for remote, ats in list(by_lead.items()):
            if not _lead(self._parcels[ats[0]]).email:
                self._refused[remote] = NO_ADDRESS
                del by_lead[remote]
        for some in _chunks(list(by_lead.values()), BULK if self._place.settings.create_leads else 1):
            await self._settle_some(some)
        for at in these:
            lead = _lead(self._parcels[at])
            if at not in self._outcomes and lead.id in self._refused:
                self._note(at, self._without_lead(at, self._refused[lead.id]))

    def _without_lead(self, at: int, reason: str) -> Outcome:
        """A lead that is not wanted there is no fault; mail that has no lead there is."""
        left = reason in {NOT_MADE, NO_ADDRESS} and _work(self._parcels[at]) is not Work.POST
        return Delivered(said=reason) if left else Refused(reason)

    async def _settle_some(self, some: Sequence[list[int]]) -> None:
        these = [at for ats in some for at in ats]
        if self._stopped(these):
            return
        work = self._make if self._place.settings.create_leads else self._find
        try:
            await self._guarded(these, lambda: work(some))
        except NotAccepted as error:
            if len(some) == 1:
                self._refused[_lead(self._parcels[these[0]]).id] = str(error)
                return
            middle = len(some) // 2
            for half in (some[:middle], some[middle:]):
                await self._settle_some(half)

    async def _find(self, some: Sequence[list[int]]) -> None:
        lead = _lead(self._parcels[some[0][0]])
        found = await self._leads.find(lead.email)
        if found:
            self._place.leads[lead.id] = found
        else:
            self._refused[lead.id] = NOT_MADE

    async def _make(self, some: Sequence[list[int]]) -> None:
        """Find or make the leads by address alone, then fill in those that are new.

        So nothing is overwritten on a lead that LeadSquared had. Where an earlier try ended without an
        answer, a lead may be new and not filled in: what is empty on it is.
        """
        leads = [_lead(self._parcels[ats[0]]) for ats in some]
        settled = await self._leads.settle([{EMAIL: lead.email} for lead in leads])
        fill = {one.id: lead for lead, one in zip(leads, settled, strict=True) if one.created}
        look = {
            one.id: lead
            for lead, ats, one in zip(leads, some, settled, strict=True)
            if one.id and not one.created and any(self._parcels[at].maybe_sent for at in ats)
        }
        try:
            await self._fill({remote: self._filled(lead) for remote, lead in fill.items()})
            await self._fill(await self._missing(look))
        except (AuthorizationLost, Throttled, Unavailable) as error:
            # The leads are made and not filled in, which the next try has to know.
            self._fault = error
            raise AnswerLost(str(error)) from error
        for lead, one in zip(leads, settled, strict=True):
            self._note_settled(lead, one)

    def _note_settled(self, lead: LeadData, one: Settled) -> None:
        if one.id:
            self._place.leads[lead.id] = one.id
        else:
            self._refused[lead.id] = f"LeadSquared says: {one.reason}"
        if one.created:
            self._made.add(lead.id)

    async def _missing(self, look: Mapping[str, LeadData]) -> dict[str, dict[str, str]]:
        """Of each lead there the mapped fields that are empty, with our values."""
        if not look:
            return {}
        held = await self._leads.read(list(look), list(self._place.settings.lead_fields))
        return {
            remote: {
                name: value
                for name, value in self._filled(lead).items()
                if not held.get(remote, {}).get(name)
            }
            for remote, lead in look.items()
        }

    async def _fill(self, changes: Mapping[str, dict[str, str]]) -> None:
        wanted = {remote: fields for remote, fields in changes.items() if fields}
        if not wanted:
            return
        try:
            refused = await self._leads.update(wanted)
            # As for a phone number that several people share.
            again = {remote: self._not_unique(wanted[remote]) for remote in refused}
            again = {remote: fields for remote, fields in again.items() if fields != wanted[remote]}
            self._unfilled |= {remote: reason for remote, reason in refused.items() if remote not in again}
            await self._fill(again)
        except NotAccepted as error:
            if len(wanted) == 1:
                self._unfilled |= dict.fromkeys(wanted, str(error))
                return
            for remote, fields in wanted.items():
                await self._fill({remote: fields})

    def _not_unique(self, fields: Mapping[str, str]) -> dict[str, str]:
        return {name: value for name, value in fields.items() if name not in self._place.known.unique}

    def _filled(self, lead: LeadData) -> dict[str, str]:
        fields = lead_fields(lead, self._place.settings, self._place.known)
        return {name: value for name, value in fields.items() if value}

    def _note_made(self, at: int) -> None:
        if at in self._outcomes:
            return
        lead = _lead(self._parcels[at])
        remote = self._place.leads[lead.id]
        if remote in self._unfilled:
            self._note(at, Refused(f"LeadSquared made the lead without its fields: {self._unfilled[remote]}"))
            return
        said = "" if lead.id in self._made else "LeadSquared had this lead already; its values stay."
        self._note(at, Delivered(remote, remote, said=said))

    async def _change(self, these: Sequence[int]) -> None:
        """Write what was changed here; of several changes of a lead, all hold its present values."""
        by_lead: dict[str, list[int]] = {}
        for at in these:
            by_lead.setdefault(self._place.leads[_lead(self._parcels[at]).id], []).append(at)
        for some in _chunks(list(by_lead.items()), BULK):
            await self._change_some(dict(some))

    async def _change_some(self, some: Mapping[str, list[int]]) -> None:
        async def change() -> None:
            refused = await self._leads.update(
                {remote: self._changed(ats[-1]) for remote, ats in some.items()}
            )
            for remote, ats in some.items():
                for at in ats:
                    reason = refused.get(remote)
                    self._note(
                        at, Refused(f"LeadSquared says: {reason}") if reason else Delivered(remote, remote)
                    )

        these = [at for ats in some.values() for at in ats]
        if self._stopped(these):
            return
        try:
            await self._guarded(these, change)
        except NotAccepted as error:
            if len(some) == 1:
                for at in these:
                    self._note(at, Refused(str(error), error.request_id))
                return
            for remote, ats in some.items():
                await self._change_some({remote: ats})

    def _changed(self, at: int) -> dict[str, str]:
        lead = _lead(self._parcels[at])
        fields = lead_fields(lead, self._place.settings, self._place.known)
        kept = source_fields(self._place.settings)
        address = {EMAIL: lead.email} if lead.email else {}
        return address | {name: value for name, value in fields.items() if name not in kept}

    # Activities

    async def _post(self, these: Sequence[int]) -> None:
        await self._look_for([at for at in these if self._parcels[at].maybe_sent])
        rest = [at for at in these if at not in self._outcomes]
        done: dict[object, asyncio.Event] = {}
        async with asyncio.TaskGroup() as tasks:
            for chunk in _chunks(rest, BULK):
                of = {lead_of(self._parcels[at]) for at in chunk}
                before = [done[lead] for lead in of if lead in done]
                over = asyncio.Event()
                done |= dict.fromkeys(of, over)
                tasks.create_task(self._post_after(before, chunk, over))
        if stale := [at for at in rest if at not in self._outcomes]:
            self._is_second = True
            await self._settle(stale)
            await self._look_for(
                [at for at in stale if at not in self._outcomes and self._parcels[at].maybe_sent]
            )
            for chunk in _chunks([at for at in stale if at not in self._outcomes], BULK):
                await self._post_chunk([at for at in chunk if not self._must_wait(at)])
            self._is_second = False

    async def _post_after(
        self, before: Sequence[asyncio.Event], chunk: Sequence[int], over: asyncio.Event
    ) -> None:
        """Post a chunk once earlier ones that share a lead with it are through."""
        try:
            for event in before:
                await event.wait()
            async with self._slots:
                await self._post_chunk([at for at in chunk if not self._must_wait(at)])
        finally:
            over.set()

    async def _post_chunk(self, chunk: Sequence[int]) -> None:
        these = [at for at in chunk if self._is_second or _lead(self._parcels[at]).id not in self._stale]
        if not these:
            return

        async def post() -> None:
            bodies = [
                activity_body(
                    self._parcels[at],
                    self._place.leads[_lead(self._parcels[at]).id],
                    self._place.settings,
                    self._place.known,
                    await self._links(self._parcels[at]),
                )
                for at in these
            ]
            for at, one in zip(these, await self._activities.post(bodies), strict=True):
                if not self._is_stale(at, one.kind, one.reason):
                    self._note(at, self._posted(at, one))

        try:
            await self._guarded(these, post)
        except NotAccepted as error:
            if len(these) == 1:
                if not self._is_stale(these[0], error.kind, str(error)):
                    self._note(these[0], Refused(str(error), error.request_id))
                return
            middle = len(these) // 2
            for half in (these[:middle], these[middle:]):
                await self._post_chunk([at for at in half if not self._must_wait(at)])

    def _is_stale(self, at: int, kind: str, reason: str) -> bool:
        """Whether LeadSquared does not have the lead any more; it is found or made anew, once."""
        lead = _lead(self._parcels[at])
        if self._is_second or not lead.email or not _NO_LEAD.search(f"{kind} {reason}"):
            return False
        self._stale.add(lead.id)
        self._place.leads.pop(lead.id, None)
        return True

    def _posted(self, at: int, one: Posted) -> Outcome:
        if one.silent:
            return Unknown("LeadSquared's answer does not mention this activity.", one.request_id)
        if one.reason:
            return Refused(f"LeadSquared says: {one.reason}", one.request_id)
        return Delivered(one.id, self._place.leads[_lead(self._parcels[at]).id], one.request_id)

    async def _links(self, parcel: Parcel) -> list[Link]:
        activity = parcel.activity
        if not activity or not activity.files or not self._place.settings.attachments:
            return []
        code = self._place.settings.code(activity.kind)
        return await upload(self._place.client, self._place.files, code, activity.files)

    async def _look_for(self, these: Sequence[int]) -> None:
        """Which of these did arrive: each lead's activities of a type are looked through once.

        After a fault no further lead is asked about; what was found to be missing by then is still sent.
        """
        groups: dict[tuple[str, int], list[int]] = {}
        for at in these:
            parcel = self._parcels[at]
            kind = parcel.activity.kind if parcel.activity else ""
            lead = self._place.leads[_lead(parcel).id]
            groups.setdefault((lead, self._place.settings.code(kind)), []).append(at)
        for (lead, code), ats in groups.items():
            open_ = [at for at in ats if not self._must_wait(at)]
            if self._deaf:
                for at in open_:
                    self._note_unsent(at, self._deaf)
            elif open_:
                await self._look_through(lead, code, open_)

    async def _look_through(self, lead: str, code: int, these: Sequence[int]) -> None:
        missing = set(these)
        try:
            async for row in self._activities.of_lead(lead, code):
                for at in sorted(missing):
                    if holds_key(row, self._parcels[at].key):
                        missing.discard(at)
                        remote = text(row, "Id", "ProspectActivityId")
                        self._note(at, Delivered(remote, lead, said="It had arrived at an earlier try."))
                if not missing:
                    return
        except NotAccepted as error:
            for at in missing:
                if self._is_stale(at, error.kind, str(error)):
                    continue
                self._note(at, Unknown(f"LeadSquared does not tell whether it has it: {error}"))
        except (Throttled, Unavailable) as error:
            self._deaf = error
            for at in missing:
                self._note_unsent(at, error)
        except (ProviderError, Misconfigured) as error:
            self._fault = error
            for at in missing:
                self._note_unsent(at, error)

    # What went

    async def _end(self, at: int) -> None:
        parcel = self._parcels[at]
        if self._must_wait(at):
            return
        if parcel.event == Event.ACTIVITY_UPDATED:
            self._note(at, Delivered(said=LEFT_ACTIVITY))
        elif parcel.event == Event.LEAD_MERGED:
            self._note(at, Delivered(said=LEFT_MERGE))
        elif self._place.settings.on_delete == "leave":
            self._note(at, Delivered(said=LEFT))
        else:
            await self._delete(at)

    async def _delete(self, at: int) -> None:
        gone = self._parcels[at].gone
        lead, activity = gone.get("remote_lead_id", ""), gone.get("remote_activity_id", "")
        if self._parcels[at].event == Event.LEAD_DELETED:
            activity = ""
        elif not activity:
            lead = ""
        if not lead:
            self._note(at, Delivered(said="It is not known to be in LeadSquared."))
            return

        async def delete() -> None:
            if activity:
                self._note(at, await self._delete_activity(lead, activity))
            else:
                await self._leads.delete(lead)
                self._note(at, Delivered(lead, lead))

        try:
            await self._guarded([at], delete)
        except NotAccepted as error:
            self._note(at, Refused(str(error), error.request_id))

    async def _delete_activity(self, lead: str, activity: str) -> Outcome:
        """Delete one activity. LeadSquared deletes by type and time: so only where no other shares them."""
        settings = self._place.settings
        for code in sorted({settings.sent_code, settings.received_code}):
            times = {
                text(row, "Id", "ProspectActivityId"): text(row, "CreatedOn", "ActivityDateTime")
                async for row in self._activities.of_lead(lead, code)
            }
            if activity not in times:
                continue
            when = moment(times[activity])
            if when is None or list(times.values()).count(times[activity]) > 1:
                return Refused("LeadSquared deletes by time, and the lead has another activity of that time.")
            await self._activities.delete(lead, code, when)
            return Delivered(activity, lead)
        return Delivered(said="LeadSquared does not have it any more.")


def layers_of(parcels: Sequence[Parcel]) -> list[list[int]]:
    """Indexes of parcels, grouped so that of each lead's the work is the same within a group, and in order
    from group to group."""
    layers: list[list[int]] = []
    last: dict[object, tuple[int, Work]] = {}
    for at, parcel in enumerate(parcels):
        lead, work = lead_of(parcel), _work(parcel)
        depth, before = last.get(lead, (0, work))
        depth += work != before
        last[lead] = depth, work
        while len(layers) <= depth:
            layers.append([])
        layers[depth].append(at)
    return layers


def lead_of(parcel: Parcel) -> object:
    """What keeps order: our lead's id; a parcel without any stands by itself."""
    return parcel.lead.id if parcel.lead else parcel.gone.get("lead_id") or parcel.key


def _work(parcel: Parcel) -> Work:
    return WORK.get(parcel.event, Work.END)


def _lead(parcel: Parcel) -> LeadData:
    if parcel.lead is None:
        raise ValueError(f"{parcel.event} without a lead")
    return parcel.lead


def _chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
