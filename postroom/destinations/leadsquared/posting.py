"""Activities: posted 25 a call, in order for each lead, and looked up first where they may have arrived."""

import asyncio
import re
from collections.abc import Coroutine, Sequence

from postroom.destinations.base import Delivered, Outcome, Parcel, Refused, Unknown
from postroom.destinations.leadsquared.activities import BULK, Activities, Posted
from postroom.destinations.leadsquared.answers import text
from postroom.destinations.leadsquared.batch import Batch, Place, chunks, lead_of
from postroom.destinations.leadsquared.mapping import Link, activity_body, holds_key
from postroom.destinations.leadsquared.refusals import NotAccepted
from postroom.destinations.leadsquared.settling import Settling
from postroom.destinations.leadsquared.uploads import upload
from postroom.destinations.together import all_or_first_fault
from postroom.errors import Misconfigured, ProviderError, Throttled, Unavailable

AT_ONCE = 8
"""Calls under way at the same time; the pace says how many begin within five seconds."""
_NO_LEAD = re.compile(r"InvalidEntity|(lead|prospect)\b.*(does not|doesn't|not) (exist|found)", re.IGNORECASE)


class Posting:
    """The activities of one batch, on leads that are settled."""

    def __init__(self, place: Place, batch: Batch, settling: Settling) -> None:
        self._place = place
        self._batch = batch
        self._settling = settling
        self._activities = Activities(place.client)
        self._is_second = False
        """Whether activities are posted once more, on leads that were found anew."""
        self._slots = asyncio.Semaphore(min(AT_ONCE, place.settings.bulk_allowed))

    async def post(self, these: Sequence[int]) -> None:
        """Post activities whose leads are settled; on leads that are gone there, after finding them anew."""
        await self._look_for(these)
        rest = self._batch.open(these)
        await self._post_all(rest)
        if gone := self._batch.open(rest):
            await self._post_again(gone)

    async def _post_all(self, these: Sequence[int]) -> None:
        done: dict[object, asyncio.Event] = {}
        work: list[Coroutine[None, None, None]] = []
        for chunk in chunks(these, BULK):
            of = {lead_of(self._batch.parcels[at]) for at in chunk}
            before = [done[lead] for lead in of if lead in done]
            over = asyncio.Event()
            done |= dict.fromkeys(of, over)
            work.append(self._post_after(before, chunk, over))
        await all_or_first_fault(work)

    async def _post_again(self, these: Sequence[int]) -> None:
        self._is_second = True
        await self._settling.settle(these)
        await self._look_for(self._batch.open(these))
        for chunk in chunks(self._batch.open(these), BULK):
            await self._post_chunk([at for at in chunk if not self._batch.must_wait(at)])
        self._is_second = False

    async def _post_after(
        self, before: Sequence[asyncio.Event], chunk: Sequence[int], over: asyncio.Event
    ) -> None:
        """Post a chunk once earlier ones that share a lead with it are through."""
        try:
            for event in before:
                await event.wait()
            async with self._slots:
                await self._post_chunk([at for at in chunk if not self._batch.must_wait(at)])
        finally:
            over.set()

    async def _post_chunk(self, chunk: Sequence[int]) -> None:
        these = [at for at in chunk if self._is_second or self._batch.lead(at).id not in self._settling.stale]
        if not these:
            return

        async def write() -> None:
            bodies = [
                activity_body(
                    self._batch.parcels[at],
                    self._place.leads[self._batch.lead(at).id],
                    self._place.settings,
                    self._place.known,
                    await self._links(self._batch.parcels[at]),
                )
                for at in these
            ]
            for at, one in zip(these, await self._activities.post(bodies), strict=True):
                if not self._is_stale(at, one.kind, one.reason):
                    self._batch.note(at, self._posted(at, one))

        try:
            await self._batch.guarded(these, write)
        except NotAccepted as error:
            if len(these) == 1:
                if not self._is_stale(these[0], error.kind, str(error)):
                    self._batch.note(these[0], Refused(str(error), error.request_id))
                return
            middle = len(these) // 2
            for half in (these[:middle], these[middle:]):
                await self._post_chunk([at for at in half if not self._batch.must_wait(at)])

    def _is_stale(self, at: int, kind: str, reason: str) -> bool:
        """Whether LeadSquared does not have the lead any more; it is found or made anew, once."""
        lead = self._batch.lead(at)
        if self._is_second or not lead.email or not _NO_LEAD.search(f"{kind} {reason}"):
            return False
        self._settling.stale.add(lead.id)
        self._place.leads.pop(lead.id, None)
        return True

    def _posted(self, at: int, one: Posted) -> Outcome:
        if one.silent:
            return Unknown("LeadSquared's answer does not mention this activity.", one.request_id)
        if one.reason:
            return Refused(f"LeadSquared says: {one.reason}", one.request_id)
        return Delivered(one.id, self._place.leads[self._batch.lead(at).id], one.request_id)

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
            parcel = self._batch.parcels[at]
            if not parcel.maybe_sent:
                continue
            kind = parcel.activity.kind if parcel.activity else ""
            lead = self._place.leads[self._batch.lead(at).id]
            groups.setdefault((lead, self._place.settings.code(kind)), []).append(at)
        for (lead, code), ats in groups.items():
            open_ = [at for at in ats if not self._batch.must_wait(at)]
            if self._batch.deaf:
                for at in open_:
                    self._batch.note_unsent(at, self._batch.deaf)
            elif open_:
                await self._look_through(lead, code, open_)

    async def _look_through(self, lead: str, code: int, these: Sequence[int]) -> None:
        missing = set(these)
        try:
            async for row in self._activities.of_lead(lead, code):
                for at in sorted(missing):
                    if holds_key(row, self._batch.parcels[at].key):
                        missing.discard(at)
                        remote = text(row, "Id", "ProspectActivityId")
                        self._batch.note(
                            at, Delivered(remote, lead, said="It had arrived at an earlier try.")
                        )
                if not missing:
                    return
        except NotAccepted as error:
            for at in missing:
                if self._is_stale(at, error.kind, str(error)):
                    continue
                self._batch.note(at, Unknown(f"LeadSquared does not tell whether it has it: {error}"))
        except (Throttled, Unavailable) as error:
            self._batch.deaf = error
            for at in missing:
                self._batch.note_unsent(at, error)
        except (ProviderError, Misconfigured) as error:
            self._batch.fault = error
            for at in missing:
                self._batch.note_unsent(at, error)
