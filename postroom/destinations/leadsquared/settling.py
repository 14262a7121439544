"""Leads: found there or made, filled in, and changed.

They are made by their mail address, which is unique there, so that repeating it makes none twice.
"""

from collections.abc import Mapping, Sequence

from postroom.destinations.base import Delivered, LeadData, Outcome, Refused
from postroom.destinations.leadsquared.batch import Batch, Place, Work, chunks, work_of
from postroom.destinations.leadsquared.leads import BULK, EMAIL, Leads, Settled
from postroom.destinations.leadsquared.mapping import lead_fields, source_fields
from postroom.destinations.leadsquared.refusals import AnswerLost, NotAccepted
from postroom.errors import AuthorizationLost, Throttled, Unavailable

NOT_MADE = "LeadSquared has no lead with this address, and Postroom is set to make none there."
NO_ADDRESS = "The lead has no mail address, by which LeadSquared could know it."
THERE = "LeadSquared had this lead already; its values stay."


class Settling:
    """The leads of one batch."""

    def __init__(self, place: Place, batch: Batch) -> None:
        self.stale: set[int] = set()
        """Leads whose id there LeadSquared knows no more: deleted there, or merged into another."""
        self._place = place
        self._batch = batch
        self._leads = Leads(place.client)
        self._refused: dict[int, str] = {}
        """Leads that LeadSquared does not take, with the reason."""
        self._made: set[int] = set()
        self._unfilled: dict[str, str] = {}
        """Leads there that were made, but whose fields LeadSquared does not take, with the reason."""

    async def settle(self, these: Sequence[int]) -> None:
        """Learn the ids there of the parcels' leads, making those that are missing."""
        by_lead: dict[int, list[int]] = {}
        for at in these:
            lead = self._batch.lead(at)
            if lead.remote_id and lead.id not in self.stale:
                self._place.leads[lead.id] = lead.remote_id
            if lead.id not in self._place.leads and lead.id not in self._refused:
                by_lead.setdefault(lead.id, []).append(at)
        for remote, ats in list(by_lead.items()):
            if not self._batch.lead(ats[0]).email:
                self._refused[remote] = NO_ADDRESS
                del by_lead[remote]
        for some in chunks(list(by_lead.values()), BULK if self._place.settings.create_leads else 1):
            await self._settle_some(some)
        for at in these:
            lead = self._batch.lead(at)
            if at not in self._batch.outcomes and lead.id in self._refused:
                self._batch.note(at, self._without_lead(at, self._refused[lead.id]))

    def _without_lead(self, at: int, reason: str) -> Outcome:
        """A lead that is not wanted there is no fault; mail that has no lead there is."""
        left = reason in {NOT_MADE, NO_ADDRESS} and work_of(self._batch.parcels[at]) is not Work.POST
        return Delivered(said=reason) if left else Refused(reason)

    async def _settle_some(self, some: Sequence[list[int]]) -> None:
        these = [at for ats in some for at in ats]
        if self._batch.stopped(these):
            return
        work = self._make if self._place.settings.create_leads else self._find
        try:
            await self._batch.guarded(these, lambda: work(some))
        except NotAccepted as error:
            if len(some) == 1:
                self._refused[self._batch.lead(these[0]).id] = str(error)
                return
            middle = len(some) // 2
            for half in (some[:middle], some[middle:]):
                await self._settle_some(half)

    async def _find(self, some: Sequence[list[int]]) -> None:
        lead = self._batch.lead(some[0][0])
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
        leads = [self._batch.lead(ats[0]) for ats in some]
        settled = await self._leads.settle([{EMAIL: lead.email} for lead in leads])
        fill = {one.id: lead for lead, one in zip(leads, settled, strict=True) if one.created}
        look = {
            one.id: lead
            for lead, ats, one in zip(leads, some, settled, strict=True)
            if one.id and not one.created and any(self._batch.parcels[at].maybe_sent for at in ats)
        }
        try:
            await self._fill({remote: self._filled(lead) for remote, lead in fill.items()})
            await self._fill(await self._missing(look))
        except (AuthorizationLost, Throttled, Unavailable) as error:
            # The leads are made and not filled in, which the next try has to know.
            self._batch.fault = error
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

    def note_made(self, at: int) -> None:
        if at in self._batch.outcomes:
            return
        lead = self._batch.lead(at)
        remote = self._place.leads[lead.id]
        if remote in self._unfilled:
            self._batch.note(
                at, Refused(f"LeadSquared made the lead without its fields: {self._unfilled[remote]}")
            )
            return
        said = "" if lead.id in self._made else THERE
        self._batch.note(at, Delivered(remote, remote, said=said))

    async def change(self, these: Sequence[int]) -> None:
        """Write what was changed here; of several changes of a lead, all hold its present values."""
        by_lead: dict[str, list[int]] = {}
        for at in these:
            by_lead.setdefault(self._place.leads[self._batch.lead(at).id], []).append(at)
        for some in chunks(list(by_lead.items()), BULK):
            await self._change_some(dict(some))

    async def _change_some(self, some: Mapping[str, list[int]]) -> None:
        async def write() -> None:
            refused = await self._leads.update(
                {remote: self._changed(ats[-1]) for remote, ats in some.items()}
            )
            for remote, ats in some.items():
                for at in ats:
                    reason = refused.get(remote)
                    self._batch.note(
                        at, Refused(f"LeadSquared says: {reason}") if reason else Delivered(remote, remote)
                    )

        these = [at for ats in some.values() for at in ats]
        if self._batch.stopped(these):
            return
        try:
            await self._batch.guarded(these, write)
        except NotAccepted as error:
            if len(some) == 1:
                for at in these:
                    self._batch.note(at, Refused(str(error), error.request_id))
                return
            for remote, ats in some.items():
                await self._change_some({remote: ats})

    def _changed(self, at: int) -> dict[str, str]:
        lead = self._batch.lead(at)
        fields = lead_fields(lead, self._place.settings, self._place.known)
        kept = source_fields(self._place.settings)
        address = {EMAIL: lead.email} if lead.email else {}
        return address | {name: value for name, value in fields.items() if name not in kept}
