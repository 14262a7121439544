"""What a parcel is in LeadSquared's terms; pure.

Values that have a field of their own go there; the others make up the activity's note, which ends with
Postroom's id unless a field holds that. By the id a repetition is told, so it is never cut.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from postroom.destinations.base import ActivityData, LeadData, Parcel
from postroom.destinations.leadsquared.answers import stamp
from postroom.destinations.leadsquared.settings import CUSTOM, OWNER, LeadSquaredSettings

NOTE = "ActivityEvent_Note"
"""The note's schema name in the metadata of an activity type."""
NOTE_LENGTH = 3000
FIELD_LENGTH = 200
"""Characters that are taken, where LeadSquared's metadata does not say; samples there say 200 for text."""
CUT = "… [cut]"
"""What stands where the rest did not fit."""
ID_LINE = "Postroom-ID: "

Json = dict[str, object]
Lengths = Mapping[str, int]
"""Characters a field takes, by schema name."""


@dataclass(frozen=True, slots=True)
class Link:
    """An attachment's name, and where LeadSquared has it; "" where it was not uploaded."""

    filename: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the customer's account there."""

    users: Mapping[str, str] = field(default_factory=dict)
    """Ids of the active users by address, in lower case."""
    lengths: Mapping[int, Lengths] = field(default_factory=dict)
    """Of the fields of activity types, by code."""
    lead_lengths: Lengths = field(default_factory=dict)
    unique: frozenset[str] = frozenset()
    """Lead fields that no two leads there have the same value in, such as the phone number."""


def activity_body(
    parcel: Parcel, lead: str, settings: LeadSquaredSettings, known: Known, links: Sequence[Link] = ()
) -> Json:
    """The body of one activity on the lead with this id ("Post Activities on Leads in Bulk")."""
    activity = _activity(parcel)
    code, fields = settings.code(activity.kind), settings.fields(activity.kind)
    lengths = known.lengths.get(code, {})
    values = activity_values(activity, links) | {"key": parcel.key}
    body: Json = {
        "RelatedProspectId": lead,
        "ActivityEvent": code,
        "ActivityDateTime": stamp(activity.happened_at),
        "ActivityNote": note(values, set(fields.values()), lengths.get(NOTE, NOTE_LENGTH)),
        "Fields": [
            {"SchemaName": name, "Value": cut(values[value], lengths.get(name, FIELD_LENGTH))}
            for name, value in fields.items()
            if values[value]
        ],
    }
    owner = next((rep for rep in activity.reps if rep.casefold() in known.users), "")
    return body | {"ActivityOwnerEmail": owner} if owner and settings.owner_by_rep else body


def activity_values(activity: ActivityData, links: Sequence[Link] = ()) -> dict[str, str]:
    """Every value of ``ACTIVITY_VALUES`` but the key; "" where the mail, or the policy, has none."""
    named = links or [Link(each.filename) for each in activity.files]
    files = [f"{each.filename} {each.url}".strip() for each in named]
    values = {
        "subject": activity.subject,
        "from": _people([activity.from_]),
        "to": _people(activity.to),
        "cc": _people(activity.cc),
        "bcc": _people(activity.bcc),
        "text": activity.text,
        "html": activity.html,
        "rep": activity.reps[0] if activity.reps else "",
        "reps": ", ".join(activity.reps),
        "files": ", ".join(files),
        "message_id": activity.message_id,
        "conversation": activity.conversation,
    }
    return {name: value.replace("\x00", "").strip() for name, value in values.items()}


def note(values: Mapping[str, str], mapped: set[str], length: int) -> str:
    """The subject, then what has no field of its own, of at most ``length`` characters."""
    lines = [values["subject"]]
    for name, label in (
        ("from", "From"),
        ("to", "To"),
        ("cc", "Cc"),
        ("bcc", "Bcc"),
        ("files", "Attachments"),
    ):
        if name not in mapped and values[name]:
            lines.append(f"{label}: {values[name]}")
    if not mapped & {"text", "html"} and values["text"]:
        lines += ["", values["text"]]
    tail = "" if "key" in mapped else f"\n\n{ID_LINE}{values['key']}"
    return (cut("\n".join(lines).strip(), length - len(tail)) + tail).strip()


def lead_fields(lead: LeadData, settings: LeadSquaredSettings, known: Known) -> dict[str, str]:
    """The mapped fields of a lead by schema name, the empty ones as ""; the owner only where a user there
    has that address."""
    found: dict[str, str] = {}
    for name, value in settings.lead_fields.items():
        words = _lead_value(lead, value)
        if name == OWNER:
            words = known.users.get(words.casefold(), "")
            if not words:
                continue
        found[name] = words[: known.lead_lengths.get(name, FIELD_LENGTH)]
    return found


def source_fields(settings: LeadSquaredSettings) -> set[str]:
    """The fields that tell where a lead comes from: never overwritten on one that is there (R-045)."""
    return {name for name, value in settings.lead_fields.items() if value == "source"}


def cut(words: str, length: int) -> str:
    """At most ``length`` characters, with a mark where something is missing and there is room for it."""
    if len(words) <= length:
        return words
    if length < 2 * len(CUT):
        return words[: max(length, 0)]
    return words[: length - len(CUT)].rstrip() + CUT


def holds_key(row: object, key: str) -> bool:
    """Whether an activity that LeadSquared tells of carries this id, in whatever field."""
    waiting = [row]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str) and key in value:
            return True
        if isinstance(value, Mapping):
            waiting += cast("Mapping[str, object]", value).values()
        elif isinstance(value, list):
            waiting += cast("list[object]", value)
    return False


def _activity(parcel: Parcel) -> ActivityData:
    if parcel.activity is None:
        raise ValueError(f"{parcel.event} without an activity")
    return parcel.activity


def _lead_value(lead: LeadData, value: str) -> str:
    if value.startswith(CUSTOM):
        return lead.custom.get(value.removeprefix(CUSTOM), "").strip()
    return str(getattr(lead, value)).replace("\x00", "").strip()


def _people(people: Sequence[tuple[str, str]]) -> str:
    return ", ".join(
        f"{name} <{address}>" if name else address for address, name in people if address or name
    )
