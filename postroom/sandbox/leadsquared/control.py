"""The control API under ``/sandbox/``: what the Python API does, by JSON, for programs in other processes.

Answers are JSON; a mistake in the request is 400 with ``{"error": ...}``, an unknown thing 404.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from dataclasses import fields as dataclass_fields
from time import monotonic
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from . import values
from .activities import Activity, FieldOfType
from .errors import LsqError
from .leads import Lead

if TYPE_CHECKING:
    from .sandbox import LeadSquaredSandbox

Json = dict[str, Any]
_Handler = Callable[[web.Request], Awaitable[Any]]
_LOOK_AGAIN = 0.05
"""Seconds."""


def routes(sandbox: "LeadSquaredSandbox") -> list[web.RouteDef]:
    control = Control(sandbox)
    table: list[tuple[str, str, _Handler]] = [
        ("POST", "/sandbox/reset", control.reset),
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
        ("GET", "/sandbox/faults", control.faults),
        ("POST", "/sandbox/faults", control.add_fault),
        ("DELETE", "/sandbox/faults", control.clear_faults),
        ("DELETE", "/sandbox/faults/{id}", control.remove_fault),
        ("GET", "/sandbox/settings", control.settings),
        ("PATCH", "/sandbox/settings", control.change_settings),
        ("PUT", "/sandbox/limits", control.limit),
        ("POST", "/sandbox/clock", control.advance),
    ]
    return [web.route(verb, path, _json(handler)) for verb, path, handler in table]


class Control:
    """The handlers, over one sandbox."""

    def __init__(self, sandbox: "LeadSquaredSandbox") -> None:
        self.sandbox = sandbox

    async def reset(self, request: web.Request) -> Json:
        self.sandbox.reset()
        return {}

    async def users(self, request: web.Request) -> Json:
        return {"users": [asdict(user) for user in self.sandbox.users.values()]}

    async def add_user(self, request: web.Request) -> Json:
        """``email``, ``name``, ``role``."""
        return asdict(self.sandbox.add_user(**await _body(request)))

    async def deactivate(self, request: web.Request) -> Json:
        self.sandbox.deactivate(request.match_info["email"])
        return {}

    async def add_key(self, request: web.Request) -> Json:
        """``access``, ``secret`` and ``user``, the address of whose keys they are; all have defaults."""
        key = self.sandbox.add_key(**await _body(request))
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
        return self._lead(self.sandbox.add_lead(**await _body(request)))

    async def change_lead(self, request: web.Request) -> Json:
        """Fields by schema name."""
        return self._lead(self.sandbox.change_lead(request.match_info["email"], **await _body(request)))

    async def delete_lead(self, request: web.Request) -> Json:
        self.sandbox.delete_lead(request.match_info["email"])
        return {}

    async def activities_of(self, request: web.Request) -> Json:
        found = self.sandbox.activities_of(request.match_info["email"])
        return {"activities": [_activity(each) for each in found]}

    async def add_lead_field(self, request: web.Request) -> Json:
        """The arguments of ``LeadSquaredSandbox.add_lead_field``."""
        wanted = await _body(request)
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
        wanted = await _body(request)
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

    async def faults(self, request: web.Request) -> Json:
        return {"faults": [asdict(fault) for fault in self.sandbox.faults.waiting]}

    async def add_fault(self, request: web.Request) -> Json:
        """``kind`` and the other fields of ``Fault``."""
        return asdict(self.sandbox.fault(**await _body(request)))

    async def clear_faults(self, request: web.Request) -> Json:
        self.sandbox.faults.clear()
        return {}

    async def remove_fault(self, request: web.Request) -> Json:
        self.sandbox.faults.remove(int(request.match_info["id"]))
        return {}

    async def settings(self, request: web.Request) -> Json:
        return asdict(self.sandbox.settings) | {"limits": asdict(self.sandbox.ledger.limits)}

    async def change_settings(self, request: web.Request) -> Json:
        """Any fields of ``Settings``."""
        known = {field.name for field in dataclass_fields(self.sandbox.settings)}
        for name, value in (await _body(request)).items():
            if name not in known:
                raise ValueError(f"no such setting: {name}")
            setattr(self.sandbox.settings, name, value)
        return await self.settings(request)

    async def limit(self, request: web.Request) -> Json:
        """``plan`` and any fields of ``Limits``."""
        return asdict(self.sandbox.limit(**await _body(request)))

    async def advance(self, request: web.Request) -> Json:
        """``seconds``: let that much time pass at once."""
        self.sandbox.clock.advance(float((await _body(request))["seconds"]))
        return {"now": self.sandbox.clock.now()}

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


def _json(handler: _Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Answers what the handler gives, and its mistakes as JSON too."""

    async def handle(request: web.Request) -> web.Response:
        status = 200
        try:
            answer = await handler(request)
        except KeyError as error:
            status, answer = 404, {"error": f"not found or missing: {error.args[0]}"}
        except (TypeError, ValueError, LsqError) as error:
            status, answer = 400, {"error": str(error)}
        return web.Response(body=orjson.dumps(answer), status=status, content_type="application/json")

    return handle


async def _body(request: web.Request) -> Json:
    content = await request.read()
    value = orjson.loads(content) if content else {}
    if not isinstance(value, dict):
        raise ValueError("the body must be a JSON object")
    return value
