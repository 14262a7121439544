"""A sandbox in a process of its own, with a backlog of mixed mail; prints where it is as JSON.

Usage: python -m bench.google MAILBOXES MAILS LARGE
"""

import json
import random
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from postroom.sandbox.google.sandbox import GoogleSandbox, Settings

CLIENT = ("bench.apps.example", "bench-secret")
CACHE_BYTES = 4 * 1024**3
"""Room for every answer of a backlog: who reads it second is not to wait for the encoding."""
SCOPES = ("openid", "email", "https://www.googleapis.com/auth/gmail.readonly")
WORDS = [
    "offer",
    "order",
    "price",
    "delivery",
    "pallet",
    "season",
    "contract",
    "meeting",
    "thanks",
    "invoice",
    "quarter",
    "sample",
]


def addresses(mailboxes: int) -> list[str]:
    return [f"rep{number}@northwind.example" for number in range(mailboxes)]


def backlog(to: str, mails: int, large: int) -> Iterator[bytes]:
    """70 % short text, 21 % HTML of 10 to 40 kB, 9 % with attachments of 50 to 300 kB, and ``large`` of
    25 MB among them."""
    dice = random.Random(7)
    noise = random.Random(8).randbytes(25_000_000)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    every = max(mails // large, 1) if large else 0
    for number in range(mails):
        kind = dice.random()
        head = (
            f"From: Customer {number % 2000} <customer{number % 2000}@client{number % 400}.example>\r\n"
            f"To: Rep <{to}>\r\n"
            f"Subject: {' '.join(dice.choices(WORDS, k=5))}\r\n"
            f"Date: {format_datetime(start + timedelta(seconds=number))}\r\n"
            f"Message-ID: <bench{number}@client.example>\r\nMIME-Version: 1.0\r\n"
        )
        if every and number % every == every // 2:
            yield with_attachment(head, noise)
        elif kind < 0.70:
            yield f"{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{prose(dice, 300)}".encode()
        elif kind < 0.91:
            yield alternative(head, prose(dice, 200), prose(dice, dice.randint(1500, 6000)))
        else:
            size = dice.randint(50_000, 300_000)
            at = dice.randrange(len(noise) - size)
            yield with_attachment(head, noise[at : at + size])


def prose(dice: random.Random, words: int) -> str:
    return " ".join(dice.choices(WORDS, k=words))


def alternative(head: str, text: str, html: str) -> bytes:
    return (
        f'{head}Content-Type: multipart/alternative; boundary="b"\r\n\r\n'
        f"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
        f"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>{html}</p></body></html>\r\n"
        "--b--\r\n"
    ).encode()


def with_attachment(head: str, content: bytes) -> bytes:
    import base64

    return (
        (
            f'{head}Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
            "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nSee the attachment.\r\n"
            "--b\r\nContent-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n"
            'Content-Disposition: attachment; filename="data.zip"\r\n\r\n'
        ).encode()
        + base64.encodebytes(content)
        + b"\r\n--b--\r\n"
    )


def main() -> None:
    mailboxes, mails, large = map(int, sys.argv[1:4])
    google = GoogleSandbox(Settings(cache_bytes=CACHE_BYTES))
    google.add_client(*CLIENT)
    google.limit("off")
    tokens = {}
    for address in addresses(mailboxes):
        google.add_account(address)
        start = str(google.mailbox(address).history_id)
        for raw in backlog(address, mails, large):
            google.deliver(address, raw)
        tokens[address] = {"token": google.issue_tokens(address, SCOPES).access_token, "start": start}
    with google.run() as origin:
        print(json.dumps({"origin": origin, "mailboxes": tokens}), flush=True)
        for line in sys.stdin:
            command = line.split()
            if command[0] == "push":
                google.subscribe(command[1], audience=command[1], service_account=command[2])
            elif command[0] == "deliver":
                google.deliver(
                    command[1], next(backlog(command[1], 1, 0)).replace(b"bench0@", command[2].encode())
                )
            elif command[0] == "spent":
                spent = google.ledger.total()
                counts = {
                    method: entry.requests
                    for methods in google.ledger.spent.values()
                    for method, entry in methods.items()
                }
                print(json.dumps({"units": spent.units, "bytes": spent.bytes, "calls": counts}), flush=True)
            elif command[0] == "clear":
                google.ledger.clear()
            time.sleep(0)


if __name__ == "__main__":
    main()
