"""The body of a webhook: type, time of the event, and data, as ``docs/webhooks.md`` describes them.

Bytes of attachments do not go along; a receiver fetches what it wants by the API.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

import orjson

from postroom.destinations.base import ActivityData, LeadData, Parcel

LONGEST_TEXT = 200_000
"""Characters of a mail's text; it is cut there. HTML beyond that is left out, for half of it is none."""

Data = dict[str, object]


def body(parcel: Parcel) -> bytes:
    """The same bytes at every attempt, as long as the thing is the same."""
    value = {"type": parcel.event.value, "timestamp": moment(parcel.at), "data": data(parcel)}
    return orjson.dumps(value)


def test_body(now: datetime) -> bytes:
    """What *Send a test* sends."""
    return orjson.dumps({"type": "test", "timestamp": moment(now), "data": {}})


def data(parcel: Parcel) -> Data:
    found: Data = {}
    if parcel.activity:
        found["activity"] = _activity(parcel.activity)
    elif "activity_id" in parcel.gone:
        found["activity"] = {"id": int(parcel.gone["activity_id"])}
    if "into_lead_id" in parcel.gone:
        found["merged"] = {"id": int(parcel.gone["lead_id"])}
        found["lead"] = _lead(parcel.lead) if parcel.lead else {"id": int(parcel.gone["into_lead_id"])}
    elif parcel.lead:
        found["lead"] = _lead(parcel.lead)
    elif "lead_id" in parcel.gone:
        found["lead"] = {"id": int(parcel.gone["lead_id"])}
    return found


def moment(at: datetime) -> str:
    """RFC 3339 in UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _lead(lead: LeadData) -> Data:
    return {
        "id": lead.id,
        "first_name": lead.first_name,
        "last_name": lead.last_name,
        "email": lead.email,
        "phone": lead.phone,
        "company": lead.company,
        "source": lead.source,
        "owner": lead.owner,
        "fields": dict(lead.custom),
    }


def _activity(activity: ActivityData) -> Data:
    return {
        "id": activity.id,
        "kind": activity.kind,
        "happened_at": moment(activity.happened_at),
        "message_id": activity.message_id,
        "conversation": activity.conversation,
        "subject": activity.subject,
        "from": _person(activity.from_),
        "to": [_person(person) for person in activity.to],
        "cc": [_person(person) for person in activity.cc],
        "bcc": [_person(person) for person in activity.bcc],
        "text": activity.text[:LONGEST_TEXT],
        "html": activity.html if len(activity.html) <= LONGEST_TEXT else "",
        "is_cut": max(len(activity.text), len(activity.html)) > LONGEST_TEXT,
        "reps": list(activity.reps),
        "attachments": [
            {
                "filename": file.filename,
                "content_type": file.content_type,
                "size": file.size,
                "sha256": file.sha256,
                "inline": file.inline,
            }
            for file in activity.files
        ],
    }


def _person(person: tuple[str, str]) -> Mapping[str, str]:
    return {"address": person[0], "name": person[1]}
