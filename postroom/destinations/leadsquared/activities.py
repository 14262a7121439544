"""Calls about activities: post, change, look up, delete; and what types and fields there are."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from postroom.destinations.leadsquared.answers import Row, child, number, rows, stamp, text
from postroom.destinations.leadsquared.client import LeadSquaredClient
from postroom.destinations.leadsquared.refusals import AnswerLost

BULK = 25
"""Activities of one bulk call ("Post Activities on Leads in Bulk (Using Lead Id)")."""
PAGE = 200
"""Activities of a page of a lead's."""

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of one activity of a bulk call."""

    id: str = ""
    reason: str = ""
    """Why it was refused; "" where it was not."""
    kind: str = ""
    """The type of LeadSquared's exception, where it was refused."""
    silent: bool = False
    """Whether the answer does not mention it: nobody knows."""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class ActivityType:
    code: int
    name: str


@dataclass(frozen=True, slots=True)
class ActivityField:
    """A field of an activity type, or of leads."""

    name: str
    """Its schema name, such as ``mx_Custom_1``."""
    label: str
    kind: str
    """LeadSquared's data type, such as ``String``."""
    length: int | None = None
    """Characters it takes, where LeadSquared says so."""
    mandatory: bool = False
    unique: bool = False


class Activities:
    """The calls."""

    def __init__(self, client: LeadSquaredClient) -> None:
        self._client = client

    async def post(self, bodies: Sequence[Json]) -> list[Posted]:
        """Post up to ``BULK`` activities on leads by id, in place ("Post Activities on Leads in Bulk").

        Of what became of each, the page shows a row of the answer: the row's number from 1, whether the
        activity was made, and its id.
        """
        path = "ProspectActivity.svc/Bulk/CustomActivity/Add/ByLeadId"
        answer = await self._client.bulk(path, list(bodies))
        listed = rows(answer.value, "Response")
        if not listed:
            raise AnswerLost("LeadSquared's answer does not say what became of the activities.")
        by_number = {number(row, "RowNumber"): row for row in listed}
        if None in by_number:
            by_number = dict(enumerate(listed, 1)) if len(listed) == len(bodies) else {}
        return [_posted(by_number.get(at, {}), answer.request_id) for at in range(1, len(bodies) + 1)]

    async def of_lead(self, lead: str, code: int) -> AsyncIterator[Row]:
        """Every activity of one type on a lead ("Get Activities of a Lead").

        "Offset" is a page's number there, against its name. Should it count rows after all, pages overlap
        and only what is new of each is handed on.
        """
        seen: set[str] = set()
        page = 0
        while True:
            body = {
                "Parameter": {"ActivityEvent": code},
                "Paging": {"Offset": str(page), "RowCount": str(PAGE)},
            }
            answer = await self._client.query("ProspectActivity.svc/Retrieve", body, {"leadId": lead})
            found = {
                text(row, "Id", "ProspectActivityId"): row for row in rows(answer.value, "ProspectActivities")
            }
            fresh = {activity_id: row for activity_id, row in found.items() if activity_id not in seen}
            for row in fresh.values():
                yield row
            if not fresh or (not page and len(found) < PAGE and _total(answer.value) <= len(found)):
                return
            seen |= set(fresh)
            page += 1

    async def delete(self, lead: str, code: int, at: datetime) -> None:
        """Delete a lead's activities of a type at one second ("Delete Activities of a Lead")."""
        body = {
            "ProspectId": lead,
            "ActivityEventList": [str(code)],
            "FromDate": stamp(at),
            "ToDate": stamp(at),
        }
        await self._client.change("ProspectActivity.svc/DeleteActivities", body)

    async def types(self) -> list[ActivityType]:
        """Every type of activity ("Get List of Activity Types")."""
        answer = await self._client.get("ProspectActivity.svc/ActivityTypes.Get")
        found = [
            ActivityType(code, text(row, "DisplayName", "ActivityTypeName", "ActivityEventName", "Name"))
            for row in rows(answer.value, "ActivityTypes", "List")
            if (code := number(row, "ActivityEvent", "EventCode", "Code")) is not None
        ]
        return sorted(found, key=lambda one: one.name.casefold())

    async def fields(self, code: int) -> list[ActivityField]:
        """The fields of a type ("Get Activity Type Details")."""
        answer = await self._client.get(
            "ProspectActivity.svc/CustomActivity/GetActivitySetting", {"code": str(code)}
        )
        return [read_field(row) for row in rows(answer.value, "Fields")]


def read_field(row: Row) -> ActivityField:
    """A field as the metadata of activities and leads have it."""
    return ActivityField(
        name=text(row, "SchemaName"),
        label=text(row, "DisplayName", "SchemaName"),
        kind=text(row, "DataType"),
        length=number(row, "MaxFieldLength", "MaxLength"),
        mandatory=row.get("IsMandatory") is True,
        unique=row.get("IsLeadIdentifier") is True,
    )


def _posted(row: Row, request_id: str) -> Posted:
    activity_id = text(row, "ProspectActivityId", "ActivityId", "Id")
    reason = text(row, "ExceptionMessage", "ErrorMessage", "ExceptionType")
    if row.get("ActivityCreated") is False or reason:
        return Posted("", reason or "no reason given", text(row, "ExceptionType"), request_id=request_id)
    if not activity_id:
        return Posted(silent=True, request_id=request_id)
    return Posted(activity_id, request_id=request_id)


def _total(value: object) -> int:
    return number(child({"": value}, ""), "RecordCount") or 0
