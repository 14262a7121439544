"""What was deleted, merged or changed in a way that LeadSquared does not know."""

from postroom.destinations.base import Delivered, Event, Outcome, Refused
from postroom.destinations.leadsquared.activities import Activities
from postroom.destinations.leadsquared.answers import moment, text
from postroom.destinations.leadsquared.batch import Batch, Place
from postroom.destinations.leadsquared.leads import Leads
from postroom.destinations.leadsquared.refusals import NotAccepted

LEFT = "Left as it is in LeadSquared."
LEFT_ACTIVITY = "LeadSquared changes neither type nor lead of an activity; it stays as it was posted."
LEFT_MERGE = "LeadSquared merges no leads for others; both stay, and can be merged there."


class Ending:
    """The ends of one batch, one after another."""

    def __init__(self, place: Place, batch: Batch) -> None:
        self._place = place
        self._batch = batch
        self._leads = Leads(place.client)
        self._activities = Activities(place.client)

    async def end(self, at: int) -> None:
        parcel = self._batch.parcels[at]
        if self._batch.must_wait(at):
            return
        if parcel.event == Event.ACTIVITY_UPDATED:
            self._batch.note(at, Delivered(said=LEFT_ACTIVITY))
        elif parcel.event == Event.LEAD_MERGED:
            self._batch.note(at, Delivered(said=LEFT_MERGE))
        elif self._place.settings.on_delete == "leave":
            self._batch.note(at, Delivered(said=LEFT))
        else:
            await self._delete(at)

    async def _delete(self, at: int) -> None:
        gone = self._batch.parcels[at].gone
        lead, activity = gone.get("remote_lead_id", ""), gone.get("remote_activity_id", "")
        if self._batch.parcels[at].event == Event.LEAD_DELETED:
            activity = ""
        elif not activity:
            lead = ""
        if not lead:
            self._batch.note(at, Delivered(said="It is not known to be in LeadSquared."))
            return

        async def delete() -> None:
            if activity:
                self._batch.note(at, await self._delete_activity(lead, activity))
            else:
                await self._leads.delete(lead)
                self._batch.note(at, Delivered(lead, lead))

        try:
            await self._batch.guarded([at], delete)
        except NotAccepted as error:
            self._batch.note(at, Refused(str(error), error.request_id))

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
