"""Calls about leads: find, make, change, delete, and read all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from postroom.destinations.leadsquared.answers import child, flat, moment, number, rows, stamp, text
from postroom.destinations.leadsquared.client import LeadSquaredClient
from postroom.destinations.leadsquared.refusals import AnswerLost

BULK = 25
"""Leads of one bulk call ("Create or Update Leads in Bulk", "Update Leads in Bulk v2")."""
PAGE = 1000
"""Leads of a page: about a megabyte."""
EMAIL, ID, NUMBER, MODIFIED = "EmailAddress", "ProspectID", "ProspectAutoId", "ModifiedOn"

Fields = Mapping[str, str]
"""Values by schema name."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one lead of a bulk call."""

    id: str = ""
    created: bool = False
    reason: str = ""
    """Why it was refused; "" where it was not."""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class RemoteLeadData:
    """A lead as LeadSquared has it."""

    id: str
    number: int
    """Counts up with every new lead (``ProspectAutoId``)."""
    modified_at: datetime | None
    fields: Fields


class Leads:
    """The calls; each of ``settle`` and ``update`` takes up to ``BULK`` leads."""

    def __init__(self, client: LeadSquaredClient) -> None:
        self._client = client

    async def settle(self, leads: Sequence[Fields]) -> list[Settled]:
        """Find or make leads by their mail address, in place ("Create or Update Leads in Bulk").

        Repeating it makes none twice. Of a lead that is there the fields given are overwritten.
        """
        path = "LeadManagement.svc/Lead/Bulk/CreateOrUpdate"
        body = [[*_pairs(fields), {"Attribute": "SearchBy", "Value": EMAIL}] for fields in leads]
        answer = await self._client.bulk(path, body)
        found = {number(row, "RowNumber"): row for row in rows(answer.value, "Response", "Leads")}
        if not found:
            raise AnswerLost("LeadSquared's answer does not say what became of the leads.")
        return [_settled(found.get(at, {}), answer.request_id) for at in range(1, len(leads) + 1)]

    async def update(self, leads: Mapping[str, Fields]) -> dict[str, str]:
        """Change leads by id; the reason by id for each that was refused ("Update Leads in Bulk v2")."""
        listed = [{"Fields": _pairs({"ProspectId": lead_id, **fields})} for lead_id, fields in leads.items()]
        body = {"SearchByKey": "ProspectId", "LeadPropertiesList": listed}
        answer = await self._client.bulk("LeadManagement.svc/Lead/Bulk/UpdateV2", body)
        details = child(answer.value, "Details")
        failed = [*rows(details, "FailedLeads"), *rows(details, "UnProcessedLeads")]
        reasons = {
            text(row, "IdentifierValue").casefold(): text(row, "Reason") or "no reason given"
            for row in failed
        }
        return {lead_id: reasons[lead_id.casefold()] for lead_id in leads if lead_id.casefold() in reasons}

    async def find(self, email: str) -> str:
        """The id of the lead with this address, "" where there is none ("Get a Lead by Email Id")."""
        answer = await self._client.get("LeadManagement.svc/Leads.GetByEmailaddress", {"emailaddress": email})
        return next((text(row, ID, "ProspectId") for row in rows(answer.value)), "")

    async def read(self, ids: Sequence[str], columns: Sequence[str]) -> dict[str, Fields]:
        """Leads by id with the columns wanted ("Get Leads in Bulk by Ids": up to 10,000)."""
        body = {
            "SearchParameters": {"LeadIds": list(ids)},
            "Columns": {"Include_CSV": ",".join(dict.fromkeys([ID, *columns]))},
            "Paging": {"PageIndex": 1, "PageSize": len(ids)},
        }
        answer = await self._client.query("LeadManagement.svc/Leads/Retrieve/ByIds", body)
        found = [flat(row) for row in rows(answer.value, "Leads")]
        return {lead_id: fields for fields in found if (lead_id := text(fields, ID, "ProspectId"))}

    async def delete(self, lead_id: str) -> None:
        """ "Delete a Lead"; LeadSquared's support switches it on for an account."""
        await self._client.change_by_get("LeadManagement.svc/Lead/Delete/ById", {"leadId": lead_id})

    async def after(self, number: int, columns: Sequence[str]) -> list[RemoteLeadData]:
        """The page of leads whose number follows ``number``.

        By number and not by page: a lead that comes, changes or goes meanwhile moves no other to a page that
        was read already.
        """
        return await self._search(NUMBER, ">", str(number), columns, 1)

    async def modified(self, since: datetime, columns: Sequence[str], page: int = 1) -> list[RemoteLeadData]:
        """The page of leads that changed since then, the longest ago first.

        "Get Leads by Date Range" would do for that as well, but there the time is moved by activities, too,
        such as each of those that are delivered.
        """
        return await self._search(MODIFIED, ">=", stamp(since), columns, page)

    async def _search(
        self, name: str, operator: str, value: str, columns: Sequence[str], page: int
    ) -> list[RemoteLeadData]:
        """ "Search Leads by Criteria", in rising order of what is searched for."""
        body = {
            "Parameter": {"LookupName": name, "LookupValue": value, "SqlOperator": operator},
            "Columns": {"Include_CSV": ",".join(dict.fromkeys([ID, NUMBER, EMAIL, MODIFIED, *columns]))},
            "Sorting": {"ColumnName": name, "Direction": "0"},
            "Paging": {"PageIndex": page, "PageSize": PAGE},
        }
        answer = await self._client.query("LeadManagement.svc/Leads.Get", body)
        return [_remote(flat(row)) for row in rows(answer.value, "Leads")]


def _pairs(fields: Fields) -> list[dict[str, str]]:
    return [{"Attribute": name, "Value": value} for name, value in fields.items()]


def _settled(row: Mapping[str, object], request_id: str) -> Settled:
    lead_id = text(row, "LeadId", "ProspectId", "Id")
    reason = text(row, "ExceptionMessage", "ErrorMessage", "ExceptionType")
    if lead_id and not reason:
        return Settled(lead_id, row.get("LeadCreated") is True, "", request_id)
    return Settled("", False, reason or "nothing about this lead", request_id)


def _remote(fields: Fields) -> RemoteLeadData:
    return RemoteLeadData(
        fields.get(ID) or fields.get("ProspectId", ""),
        number(fields, NUMBER) or 0,
        moment(fields.get(MODIFIED, "")),
        fields,
    )
