"""Activities, their types, and the custom fields of these.

Sources: "Create a Custom Activity Type" (up to 50 fields, ``mx_Custom_1`` to ``mx_Custom_50``; direction 0
is inbound, 1 outbound), "Get Activity Type Details", "Get Activity Details" (fields are 200 characters
long), "Post an Activity on a Lead", "Delete Activities of a Lead". ``Status``, ``Owner`` and the note
(``ActivityEvent_Note``) belong to every type. Left open and chosen: codes of new types begin at 201; a note
has no limit of its own; what an answer calls ``CreatedOn`` is the activity's own time, and ``ModifiedOn``
when it was posted or changed last.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from random import Random

from . import errors, values
from .leads import Lead
from .people import User

_FIRST_CUSTOM = 201
_SCHEMA = re.compile(r"mx_Custom_(?:[1-9]|[1-4]\d|50)")
DATA_TYPES = frozenset(
    ["String", "Number", "Date", "DateTime", "Time", "Email", "Phone", "Website", "Boolean", "Dropdown"]
) | {"SearchableDropdown", "MultiSelect", "File", "User", "Product", "CustomObjectSet", "Text"}


@dataclass(frozen=True, slots=True)
class FieldOfType:
    """A custom field of an activity type."""

    schema: str
    display: str
    data_type: str = "String"
    mandatory: bool = False
    most: int = 200
    """Characters; 0 for no limit."""
    options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.schema not in {"Status", "Owner"} and not _SCHEMA.fullmatch(self.schema):
            raise errors.invalid_input(f"{self.schema} is not one of mx_Custom_1 to mx_Custom_50.")
        if self.data_type not in DATA_TYPES:
            raise errors.invalid_input(f"{self.data_type} is not a data type of activity fields.")


_OF_ALL = (
    FieldOfType("Status", "Status", "SearchableDropdown"),
    FieldOfType("Owner", "Owner", "User"),
)


@dataclass(slots=True)
class ActivityType:
    """What an activity can be."""

    code: int
    id: str
    name: str
    score: int = 0
    description: str = ""
    outbound: bool = False
    allow_attachments: bool = True
    can_delete: bool = True
    fields: tuple[FieldOfType, ...] = ()
    is_custom: bool = True

    def field(self, schema: str) -> FieldOfType:
        """Raises ``LsqError``."""
        found = next((each for each in (*self.fields, *_OF_ALL) if each.schema == schema), None)
        if found is None:
            raise errors.unknown_attributes([schema])
        return found


@dataclass(slots=True)
class Activity:
    """Something that happened with a lead; times in seconds since the epoch."""

    id: str
    type: ActivityType
    lead_id: str
    note: str
    moment: float
    """ActivityDateTime."""
    posted: float
    modified: float
    creator: User
    owner: User
    values: dict[str, str] = field(default_factory=dict)
    """By schema name; without what is empty."""
    attachments: list[dict[str, str]] = field(default_factory=list)


class ActivityStore:
    """All activities and their types."""

    def __init__(self, random: Random) -> None:
        self.types: dict[int, ActivityType] = {}
        self.revision = 0
        """Moves when an activity comes, changes or goes."""
        self._random = random
        self._activities: dict[str, Activity] = {}
        self._of_lead: dict[str, dict[str, Activity]] = {}
        for code, name, outbound in (
            (21, "Inbound Phone Call Activity", False),
            (22, "Outbound Phone Call Activity", True),
        ):
            self._keep(ActivityType(code, values.guid(random), name, outbound=outbound, is_custom=False))

    def __iter__(self) -> Iterator[Activity]:
        return iter(list(self._activities.values()))

    def __len__(self) -> int:
        return len(self._activities)

    def type(self, code: object) -> ActivityType:
        """Raises ``LsqError``."""
        found = self.types.get(values.read_int(code, "ActivityEvent"))
        if found is None:
            raise errors.no_activity_type(code)
        return found

    def add_type(
        self, name: str, fields: tuple[FieldOfType, ...] = (), code: int = 0, **options: object
    ) -> ActivityType:
        """Raises ``LsqError`` where the name is taken."""
        if any(each.name.lower() == name.lower() for each in self.types.values()):
            raise errors.duplicate_type(name)
        code = code or max(_FIRST_CUSTOM - 1, *self.types) + 1
        return self._keep(ActivityType(code, values.guid(self._random), name, fields=fields, **options))  # type: ignore[arg-type]

    def change_type(self, kind: ActivityType, fields: tuple[FieldOfType, ...]) -> None:
        """The fields take the place of those with the same name; the others stay."""
        changed = {each.schema: each for each in kind.fields} | {each.schema: each for each in fields}
        kind.fields = tuple(changed.values())

    def get(self, id: str) -> Activity:
        """Raises ``LsqError``."""
        try:
            return self._activities[id.lower()]
        except KeyError:
            raise errors.no_activity() from None

    def of(self, lead_id: str) -> list[Activity]:
        """Newest first."""
        found = self._of_lead.get(lead_id.lower(), {}).values()
        return sorted(found, key=lambda each: (each.moment, each.posted), reverse=True)

    def post(
        self,
        lead: Lead,
        kind: ActivityType,
        note: str,
        given: Mapping[str, str],
        *,
        user: User,
        owner: User,
        moment: float,
        now: float,
    ) -> Activity:
        """Nothing is compared with what is there: what is posted twice is there twice."""
        new = values.guid(self._random)
        kept = {schema: value for schema, value in given.items() if value}
        activity = Activity(new, kind, lead.id, note, moment, now, now, user, owner, kept)
        self._activities[new] = activity
        self._of_lead.setdefault(lead.id, {})[new] = activity
        self.revision += 1
        _tell(lead, activity)
        return activity

    def update(
        self, activity: Activity, note: str | None, given: Mapping[str, str], owner: User, now: float
    ) -> None:
        """``note`` None leaves it as it is."""
        before = replace(activity, values=dict(activity.values), attachments=list(activity.attachments))
        activity.note = activity.note if note is None else note
        activity.owner = owner
        activity.values = {
            schema: value for schema, value in (activity.values | dict(given)).items() if value
        }
        if activity != before:
            self.revision += 1
        activity.modified = now

    def delete(self, activity: Activity) -> None:
        del self._activities[activity.id]
        del self._of_lead[activity.lead_id][activity.id]
        self.revision += 1

    def delete_all_of(self, lead_id: str) -> None:
        for activity in self.of(lead_id):
            self.delete(activity)

    def _keep(self, kind: ActivityType) -> ActivityType:
        self.types[kind.code] = kind
        return kind


def _tell(lead: Lead, activity: Activity) -> None:
    """What a new activity changes on its lead."""
    lead.touched = activity.posted
    lead.score += activity.type.score
    if lead.first_activity is None or activity.moment < lead.first_activity[1]:
        lead.first_activity = (activity.id, activity.moment)
    if lead.last_activity is None or activity.moment >= lead.last_activity[1]:
        lead.last_activity = (activity.id, activity.moment, activity.type.name)
