"""Sending one batch of parcels: as few calls as possible, in order for each lead, an outcome for each.

LeadSquared has no idempotency key. What may have arrived is looked up by Postroom's id before it is sent
again; leads are made by their mail address, which is unique there.
"""

from collections.abc import Sequence

from postroom.destinations.base import Outcome, Parcel
from postroom.destinations.leadsquared.batch import Batch, Place, Work, layers_of, work_of
from postroom.destinations.leadsquared.ending import Ending
from postroom.destinations.leadsquared.posting import Posting
from postroom.destinations.leadsquared.settling import Settling


async def send(place: Place, parcels: Sequence[Parcel]) -> list[Outcome]:
    """The outcomes in place. Raises the fault that kept all of them from being sent."""
    batch = Batch(parcels)
    settling, ending = Settling(place, batch), Ending(place, batch)
    posting = Posting(place, batch, settling)
    for layer in layers_of(parcels):
        by_work: dict[Work, list[int]] = {work: [] for work in Work}
        for at in layer:
            if not batch.must_wait(at):
                by_work[work_of(parcels[at])].append(at)
        made, posted, changed = by_work[Work.MAKE], by_work[Work.POST], by_work[Work.CHANGE]
        await settling.settle([*made, *posted, *changed])
        for at in made:
            settling.note_made(at)
        await posting.post(batch.open(posted))
        await settling.change(batch.open(changed))
        for at in by_work[Work.END]:
            await ending.end(at)
    return batch.ended()
