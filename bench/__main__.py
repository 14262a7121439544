"""Runs the benchmarks and prints one table."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bench import deliveries as leadsquared
from bench import keywords, pages

PUSH_ACCOUNT = "push@bench.example"
LEAST_UNITS_A_MAIL, LEAST_UNITS_AN_ATTACHMENT = 20, 20
"""One get a mail and one an attachment; everything else is overhead."""


class Sandbox:
    """A provider's stand-in, in a process of its own."""

    def __init__(self, module: str, *words: float | str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        ready = json.loads(self._line())
        self.origin: str = ready["origin"]
        self.mailboxes: dict[str, dict[str, str]] = ready["mailboxes"]

    def tell(self, *words: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(" ".join(words) + "\n")
        self._process.stdin.flush()

    def spent(self) -> dict:
        self.tell("spent")
        return json.loads(self._line())

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def _line(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()


def leg(name: str, google: Sandbox, address: str, mails: int, module: str = "bench.legs") -> dict:
    box = google.mailboxes[address]
    command = [
        sys.executable,
        "-m",
        module,
        name,
        google.origin,
        box["token"],
        box["start"],
        str(mails),
    ]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def backlog(table: Table, mails: int) -> None:
    """Throughput, CPU and memory over a backlog, beside the raw loop and the peer."""
    google = Sandbox("bench.google", 1, mails, max(mails // 1000, 1))
    address = next(iter(google.mailboxes))
    try:
        # The stand-in encodes each answer when it is first asked for; that is not what is measured.
        leg("raw", google, address, mails)
        raw = [leg("raw", google, address, mails)]
        google.tell("clear")
        ours = leg("postroom", google, address, mails)
        spent = google.spent()
        raw.append(leg("raw", google, address, mails))
        peer = leg("peer", google, address, min(mails, 2000))
    finally:
        google.close()
    raw_rate = statistics.mean(each["mails"] / each["seconds"] for each in raw)
    rate = ours["mails"] / ours["seconds"]
    cost = ours["cpu"] / ours["mails"] * 1e6
    table.add_row("Backlog", f"{ours['mails']:,} mails committed", "all", "")
    table.add_row("Backlog rate", f"{rate:,.0f} mails/s", "", "worker, database and Google share 2 cores")
    table.add_row("Worker CPU", f"{cost:,.0f} us a mail", "1,000", f"= {1e6 / cost:,.0f} mails/s on one core")
    table.add_row("Ratio to the raw loop", f"{rate / raw_rate:.2f}", "0.50", f"raw: {raw_rate:,.0f} mails/s")
    peer_rate = peer["mails"] / peer["seconds"]
    table.add_row(
        "Ratio to Google's client", f"{rate / peer_rate:.2f}", "", f"fetching only: {peer_rate:,.0f} mails/s"
    )
    table.add_row(
        "Peak memory", f"{ours['megabytes']:,.0f} MB", "250", "with 25 MB attachments in the stream"
    )
    calls = spent["calls"]
    least = (
        calls["messages.get"] * LEAST_UNITS_A_MAIL
        + calls["messages.attachments.get"] * LEAST_UNITS_AN_ATTACHMENT
    )
    table.add_row(
        "Quota units",
        f"{spent['units'] / ours['mails']:.2f} a mail",
        f"{least / ours['mails']:.2f}",
        f"{(spent['units'] / least - 1) * 100:.2f} % above the least possible",
    )


def outlook(table: Table, mails: int) -> None:
    """The same backlog at Outlook, where a page carries its mails, beside the loop of one request a mail."""
    microsoft = Sandbox("bench.microsoft", 1, mails, max(mails // 1000, 1))
    address = next(iter(microsoft.mailboxes))
    try:
        loop = leg("one", microsoft, address, mails, "bench.outlook")
        asked = microsoft.spent()
        microsoft.tell("clear")
        ours = leg("postroom", microsoft, address, mails, "bench.outlook")
        spent = microsoft.spent()
    finally:
        microsoft.close()
    count, rate = ours["mails"], ours["mails"] / ours["seconds"]
    loop_rate = loop["mails"] / loop["seconds"]
    cost = ours["cpu"] / count * 1e6
    table.add_row("Outlook: backlog", f"{count:,} mails committed", "all", f"{rate:,.0f} mails/s")
    table.add_row(
        "Outlook: worker CPU", f"{cost:,.0f} us a mail", "1,000", f"{ours['megabytes']:,.0f} MB peak"
    )
    table.add_row(
        "Outlook: ratio to one request a mail",
        f"{rate / loop_rate:.2f}",
        "",
        f"that loop, fetching only: {loop_rate:,.0f} mails/s",
    )
    attached = sum(number for call, number in spent["calls"].items() if call.startswith("attachments."))
    for_mail, loop_for_mail = spent["requests"] - attached, asked["requests"] - attached
    table.add_row(
        "Outlook: requests for the mail itself",
        f"{for_mail / count:.3f} a mail",
        "0.100",
        f"{loop_for_mail / for_mail:.0f} times fewer than one request a mail",
    )
    table.add_row(
        "Outlook: requests with attachments",
        f"{spent['requests'] / count:.3f} a mail",
        "",
        f"{asked['requests'] / spent['requests']:.1f} times fewer; two for each mail that has any",
    )
    table.add_row(
        "Outlook: bytes",
        f"{spent['bytes'] / count / 1000:,.1f} kB a mail",
        "",
        f"one request a mail: {asked['bytes'] / count / 1000:,.1f} kB, attachments included",
    )


def push(table: Table, samples: int) -> None:
    """From a mail's arrival at Google to the activity that a page can show."""
    import django

    google = Sandbox("bench.google", 10, 1, 0)
    os.environ["POSTROOM_GOOGLE_URL"] = google.origin
    os.environ["DJANGO_SETTINGS_MODULE"] = "postroom.site.settings"
    django.setup()
    from django.db import connection

    from bench.company import ready
    from postroom.connector.models import Mailbox
    from postroom.sync.jobs import sync_soon, watch_soon

    try:
        google.tell("push", f"{os.environ['POSTROOM_URL']}/push/google/", PUSH_ACCOUNT)
        with services():
            for address, box in google.mailboxes.items():
                mailbox = Mailbox.objects.get(pk=ready(address, box["token"], box["start"]))
                watch_soon(mailbox)
                sync_soon(mailbox)
            until(
                connection, "select count(*) = 10 from connector_mailbox where watch_expires_at is not null"
            )
            time.sleep(3)
            waits = sorted(sample(google, connection, number) for number in range(samples))
    finally:
        google.close()
    table.add_row(
        "Push to visible, p50", f"{statistics.median(waits) * 1000:,.0f} ms", "", f"{samples} mails"
    )
    table.add_row("Push to visible, p99", f"{waits[int(samples * 0.99)] * 1000:,.0f} ms", "1,000", "")


def sample(google: Sandbox, connection, number: int) -> float:
    """Seconds until one mail is an activity."""
    addresses = list(google.mailboxes)
    begun = time.perf_counter()
    google.tell("deliver", addresses[number % len(addresses)], f"push{number}@")
    until(
        connection,
        "select exists (select from crm_activity a join crm_storedmessage m on m.id = a.message_id"
        f" where m.message_id = 'push{number}@client.example')",
    )
    waited = time.perf_counter() - begun
    time.sleep(0.13)
    return waited


def until(connection, question: str) -> None:
    for _ in range(15000):
        with connection.cursor() as cursor:
            cursor.execute(question)
            if cursor.fetchone()[0]:
                return
        time.sleep(0.002)
    raise TimeoutError(question)


@contextmanager
def services() -> Iterator[None]:
    commands = (["web", "--port", os.environ["POSTROOM_URL"].rpartition(":")[2]], ["worker"])
    processes = [subprocess.Popen([sys.executable, "-m", "postroom", *command]) for command in commands]
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)


def main(
    mails: Annotated[int, typer.Option(help="Mails in the backlog.")] = 20_000,
    samples: Annotated[int, typer.Option(help="Mails to time from push to page.")] = 200,
    journal_rows: Annotated[int, typer.Option(help="Rows of the journal behind the pages.")] = 1_000_000,
    deliveries: Annotated[int, typer.Option(help="Activities to deliver to LeadSquared.")] = 100_000,
) -> None:
    """Measure Postroom on this machine."""
    home = tempfile.mkdtemp(prefix="postroom-bench-")
    os.environ.update(
        POSTROOM_HOME=home,
        POSTROOM_URL="http://127.0.0.1:8765",
        POSTROOM_GOOGLE_CLIENT_ID="bench.apps.example",
        POSTROOM_GOOGLE_CLIENT_SECRET="bench-secret",
        POSTROOM_MICROSOFT_CLIENT_ID="bench-app",
        POSTROOM_MICROSOFT_CLIENT_SECRET="bench-secret",
        POSTROOM_GOOGLE_TOPIC="projects/sandbox-project/topics/gmail",
        POSTROOM_GOOGLE_PUSH_SERVICE_ACCOUNT=PUSH_ACCOUNT,
        DATABASE_URL=os.environ.get("DATABASE_URL", ""),
    )
    table = Table("What", "Measured", "Aim", "Beside", title="Postroom benchmarks", title_justify="left")
    try:
        subprocess.run([sys.executable, "-m", "postroom", "migrate"], check=True, stdout=subprocess.DEVNULL)
        backlog(table, mails)
        push(table, samples)
        outlook(table, mails)
        for row in keywords.rows():
            table.add_row(*row)
        for row in leadsquared.rows(Sandbox, deliveries):
            table.add_row(*row)
        for row in pages.rows(journal_rows):
            table.add_row(*row)
    finally:
        Console(width=110).print(table)
        from pathlib import Path

        from postroom.site.database import release_embedded

        release_embedded(Path(home))
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    typer.run(main)
