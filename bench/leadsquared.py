"""LeadSquared's stand-in in a process of its own, on the clock of its caller; prints where it is as JSON.

Every request says in a header what time it is. Usage: python -m bench.leadsquared PLAN
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict

from postroom.sandbox.leadsquared import FieldOfType, LeadSquaredSandbox, api

SENT, RECEIVED = 201, 202
FIELDS = {"mx_Custom_1": "subject", "mx_Custom_2": "key"}
NOW = "x-bench-now"
"""Seconds since the epoch."""


def main(plan: str) -> None:
    sandbox = LeadSquaredSandbox()
    _follow(sandbox)
    sandbox.add_key()
    sandbox.add_user("rep@northwind.example", "Rep")
    fields = [FieldOfType(name, what) for name, what in FIELDS.items()]
    sandbox.add_activity_type("Email Sent", fields, code=SENT)
    sandbox.add_activity_type("Email Received", fields, code=RECEIVED)
    sandbox.limit(plan)
    with sandbox.run() as origin:
        print(json.dumps({"origin": origin, "mailboxes": {}}), flush=True)
        for line in sys.stdin:
            if line.strip() == "spent":
                print(json.dumps(_spent(sandbox)), flush=True)


def _follow(sandbox: LeadSquaredSandbox) -> None:
    at = 0.0
    answer = api.respond

    async def respond(sandbox: LeadSquaredSandbox, methods: api.Table, inquiry: api.Inquiry) -> api.Answer:
        nonlocal at
        at = max(at, float(inquiry.headers[NOW]))
        return await answer(sandbox, methods, inquiry)

    api.respond = respond
    sandbox.clock.now = lambda: at  # type: ignore[method-assign]


def _spent(sandbox: LeadSquaredSandbox) -> Mapping[str, object]:
    keys = [each.values.get("mx_Custom_2") for each in sandbox.activities]
    return {
        "calls": {name: asdict(each) for name, each in sandbox.ledger.counts.items()},
        "leads": len(sandbox.leads),
        "activities": len(keys),
        "once": len(set(keys)),
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
