"""LeadSquared's stand-in in a process of its own, on a clock that runs faster; prints where it is as JSON.

Usage: python -m bench.leadsquared BEGAN SPEED PLAN
"""

import json
import sys
import time
from dataclasses import asdict

from postroom.sandbox.leadsquared import FieldOfType, LeadSquaredSandbox

SENT, RECEIVED = 201, 202
FIELDS = {"mx_Custom_1": "subject", "mx_Custom_2": "key"}


def faster(began: float, speed: float) -> float:
    """Seconds since the epoch on a clock that has run ``speed`` times as fast since ``began``."""
    return began + (time.time() - began) * speed


def main(began: str, speed: str, plan: str) -> None:
    sandbox = LeadSquaredSandbox()
    sandbox.clock.now = lambda: faster(float(began), float(speed))  # type: ignore[method-assign]
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
                counts = {name: asdict(each) for name, each in sandbox.ledger.counts.items()}
                keys = [each.values.get("mx_Custom_2") for each in sandbox.activities]
                told = {
                    "calls": counts,
                    "leads": len(sandbox.leads),
                    "activities": len(keys),
                    "once": len(set(keys)),
                }
                print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
