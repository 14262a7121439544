"""The control API under ``/sandbox/``: what the Python API does, by JSON, for programs in other processes.

Answers are JSON; a mistake in the request is 400 with ``{"error": ...}``, an unknown thing 404.
"""

import asyncio
from dataclasses import asdict
from time import monotonic
from typing import TYPE_CHECKING

from aiohttp import web

from ..control import CommonControl, Json, Table, read_body, to_routes
from . import values
from .activities import Activity, FieldOfType
from .errors import LsqError
from .leads import Lead

if TYPE_CHECKING:
    from .sandbox import LeadSquaredSandbox

_LOOK_AGAIN = 0.05
"""Seconds."""


def routes(sandbox: "LeadSquaredSandbox") -> list[web.RouteDef]:
    control = Control(sandbox)
    table: Table = [
        *control.table(),
        ("GET", "/sandbox/users", control.users),
        ("POST", "/sandbox/users", control.add_user),
        ("POST", "/sandbox/users/{email}/deactivate", control.deactivate),
        ("POST", "/sandbox/keys", control.add_key),
        ("POST", "/sandbox/keys/{access}/revoke", control.revoke),
        ("POST", "/sandbox/keys/{access}/restore", control.restore),
        ("GET", "/sandbox/leads", control.leads),
        ("POST", "/sandbox/leads", control.add_lead),
        ("PATCH", "/sandbox/leads/{email}", control.change_lead),
        ("DELETE", "/sandbox/leads/{email}", control.delete_lead),
        ("GET", "/sandbox/leads/{email}/activities", control.activities_of),
        ("POST", "/sandbox/lead-fields", control.add_lead_field),
        ("GET", "/sandbox/activities", control.activities),
        ("GET", "/sandbox/activity-types", control.activity_types),
        ("POST", "/sandbox/activity-types", control.add_activity_type),
        ("GET", "/sandbox/stats", control.stats),
        ("DELETE", "/sandbox/stats", control.clear_stats),
        ("PUT", "/sandbox/limits", control.limit),
    ]
    return to_routes(table, mistakes=(TypeError, ValueError, LsqError))


class Control(CommonControl["LeadSquaredSandbox"]):
    """The handlers, over one sandbox."""

    def limits(self) -> Json:
        return {"limits": asdict(self.sandbox.ledger.limits)}

    async def users(self, request: web.Request) -> Json:
        return {"users": [asdict(user) for user in self.sandbox.users.values()]}

    async def add_user(self, request: web.Request) -> Json:
        """``email``, ``name``, ``role``."""
        return asdict(self.sandbox.add_user(**await read_body(request)))

    async def deactivate(self, request: web.Request) -> Json:
        self.sandbox.deactivate(request.match_info["email"])
        return {}

    async def add_key(self, request: web.Request) -> Json:
        """``access``, ``secret`` and ``user``, the address of whose keys they are; all have defaults."""
        key = self.sandbox.add_key(**await read_body(request))
        return {"access": key.access, "secret": key.secret, "user": key.user.email}

    async def revoke(self, request: web.Request) -> Json:
        self.sandbox.revoke(request.match_info["access"])
        return {}

    async def restore(self, request: web.Request) -> Json:
        self.sandbox.restore(request.match_info["access"])
        return {}

    async def leads(self, request: web.Request) -> Json:
        """Every lead, with how many activities it has."""
        with self.sandbox.lock:
            found = [self._lead(lead) for lead in self.sandbox.leads]
        return {"leads": found, "total": len(found)}

    async def add_lead(self, request: web.Request) -> Json:
        """``email``, ``owner``, and fields by schema name."""
        return self._lead(self.sandbox.add_lead(**await read_body(request)))

    async def change_lead(self, request: web.Request) -> Json:
        """Fields by schema name."""
        return self._lead(self.sandbox.change_lead(request.match_info["email"], **await read_body(request)))

    async def delete_lead(self, request: web.Request) -> Json:
        self.sandbox.delete_lead(request.match_info["email"])
        return {}

    async def activities_of(self, request: web.Request) -> Json:
        found = self.sandbox.activities_of(request.match_info["email"])
        return {"activities": [_activity(each) for each in found]}

    async def add_lead_field(self, request: web.Request) -> Json:
        """The arguments of ``LeadSquaredSandbox.add_lead_field``."""
        wanted = await read_body(request)
        wanted |= {"options": tuple(wanted["options"])} if "options" in wanted else {}
        return asdict(self.sandbox.add_lead_field(**wanted))

    async def activities(self, request: web.Request) -> Json:
        """Every activity, and which are there more than once, so that losses and doubles can be counted.

        With ``at_least`` it answers once there are so many, after ``seconds`` (30) at the latest.
        """
        end = monotonic() + float(request.query.get("seconds", 30))
        wanted = int(request.query.get("at_least", 0))
        # They may come from any thread, so there is no event to wait for.
        while len(self.sandbox.activities) < wanted and monotonic() < end:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_AGAIN)
        with self.sandbox.lock:
            found = [_activity(each) for each in self.sandbox.activities]
            doubles = [
                {"email": email, "code": code, "note": note, "times": times}
                for (email, code, note), times in self.sandbox.doubles().items()
            ]
        return {"activities": found, "total": len(found), "doubles": doubles}

    async def activity_types(self, request: web.Request) -> Json:
        return {"types": [asdict(each) for each in self.sandbox.activities.types.values()]}

    async def add_activity_type(self, request: web.Request) -> Json:
        """``name``, ``code`` and the other fields of ``ActivityType``; ``fields`` as of ``FieldOfType``."""
        wanted = await read_body(request)
        fields = [FieldOfType(**each) for each in wanted.pop("fields", ())]
        return asdict(self.sandbox.add_activity_type(wanted.pop("name"), fields, **wanted))

    async def stats(self, request: web.Request) -> Json:
        """Calls by method, and in all: made, refused, limited, wasted, unheard."""
        ledger = self.sandbox.ledger
        methods = {name: asdict(counts) for name, counts in ledger.counts.items()}
        return {"received": self.sandbox.received, "total": asdict(ledger.total()), "methods": methods}

    async def clear_stats(self, request: web.Request) -> Json:
        self.sandbox.ledger.clear()
        return {}

    async def limit(self, request: web.Request) -> Json:
        """``plan`` and any fields of ``Limits``."""
        return asdict(self.sandbox.limit(**await read_body(request)))

    def _lead(self, lead: Lead) -> Json:
        every = self.sandbox.activities.of(lead.id)
        return {
            "id": lead.id,
            "number": lead.number,
            "email": lead.email,
            "owner": lead.owner.email,
            "values": lead.values,
            "activities": len(every),
        }


def _activity(activity: Activity) -> Json:
    return {
        "id": activity.id,
        "lead": activity.lead_id,
        "code": activity.type.code,
        "type": activity.type.name,
        "note": activity.note,
        "moment": values.stamp(activity.moment),
        "owner": activity.owner.email,
        "values": activity.values,
        "attachments": activity.attachments,
    }
