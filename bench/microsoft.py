"""A stand-in for Microsoft in a process of its own, with the same backlog; prints where it is as JSON.

Usage: python -m bench.microsoft MAILBOXES MAILS LARGE
"""

import json
import sys
import time

from bench.google import addresses, backlog
from postroom.sandbox.microsoft import MicrosoftSandbox

APP = ("bench-app", "bench-secret")
DAYS_AGO = 3
"""The mail is old, so that it is imported rather than followed; one a second."""


def main() -> None:
    mailboxes, mails, large = map(int, sys.argv[1:4])
    microsoft = MicrosoftSandbox()
    microsoft.add_app(*APP)
    microsoft.limit(enforced=False)
    tokens = {}
    begin = time.time() - DAYS_AGO * 86_400
    for address in addresses(mailboxes):
        microsoft.add_account(address)
        for number, raw in enumerate(backlog(address, mails, large)):
            microsoft.deliver(address, raw, received=begin + number)
        tokens[address] = {"token": microsoft.issue_tokens(address).access_token, "start": str(DAYS_AGO + 1)}
    with microsoft.run() as origin:
        print(json.dumps({"origin": origin, "mailboxes": tokens}), flush=True)
        for line in sys.stdin:
            if line.split()[0] == "clear":
                microsoft.ledger.clear()
            elif line.split()[0] == "spent":
                spent = microsoft.ledger.total()
                calls = {
                    method: entry.requests
                    for methods in microsoft.ledger.spent.values()
                    for method, entry in methods.items()
                }
                print(
                    json.dumps({"requests": spent.requests, "bytes": spent.bytes, "calls": calls}), flush=True
                )


if __name__ == "__main__":
    main()
