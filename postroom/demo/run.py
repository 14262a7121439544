"""Starts the demo: database, company, the providers' stand-ins, web and worker; and lets customers write."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

from rich.console import Console
from rich.panel import Panel

from postroom.cli import running, setup_django, wait_for_any
from postroom.sandbox.google.sandbox import GoogleSandbox
from postroom.sandbox.leadsquared import LeadSquaredSandbox
from postroom.sandbox.microsoft import MicrosoftSandbox

if TYPE_CHECKING:
    from postroom.demo.letters import Letter, Post

CLIENT = ("demo.apps.googleusercontent.example", "demo-secret")
APP = ("7d0c0f7a-3f5e-4a53-9a1e-demo00000001", "demo~secret")
TOPIC = "projects/postroom-demo/topics/gmail"
PUSH_ACCOUNT = "push@postroom-demo.example"
SECONDS_BETWEEN_LETTERS = 10
out = Console(highlight=False)


def run_demo(port: int, *, mail: bool, set_up: bool = False) -> None:
    """Run until it is interrupted.

    ``mail``: whether customers write by themselves; ``set_up``: whether the administrator has to set it up.
    """
    home = Path(tempfile.mkdtemp(prefix="postroom-demo-"))
    url = f"http://127.0.0.1:{_free_port(port)}"
    google, microsoft, leadsquared = GoogleSandbox(), MicrosoftSandbox(), LeadSquaredSandbox()
    try:
        with (
            google.run(port=_free_port(8025)) as gmail,
            microsoft.run(port=_free_port(8026)) as outlook,
            leadsquared.run(port=_free_port(8027)) as crm,
        ):
            os.environ.update(_environment(home, url, gmail, outlook, crm))
            _prepare(google, microsoft, leadsquared, url, is_set_up=not set_up)
            with running(["web", "--port", url.rpartition(":")[2]], ["worker"]) as processes:
                _wait_until_served(url)
                _say(url, gmail, outlook, crm)
                letters = count() if mail else iter(())
                _let_customers_write(google, microsoft, processes, letters)
    except KeyboardInterrupt:
        out.print("\nThe demo has ended; nothing of it was kept.")
    finally:
        _leave(home)


def _environment(home: Path, url: str, gmail: str, outlook: str, crm: str) -> dict[str, str]:
    return {
        "POSTROOM_HOME": str(home),
        "POSTROOM_URL": url,
        "POSTROOM_GOOGLE_URL": gmail,
        "POSTROOM_GOOGLE_CLIENT_ID": CLIENT[0],
        "POSTROOM_GOOGLE_CLIENT_SECRET": CLIENT[1],
        "POSTROOM_GOOGLE_TOPIC": TOPIC,
        "POSTROOM_GOOGLE_PUSH_SERVICE_ACCOUNT": PUSH_ACCOUNT,
        "POSTROOM_MICROSOFT_URL": outlook,
        "POSTROOM_MICROSOFT_CLIENT_ID": APP[0],
        "POSTROOM_MICROSOFT_CLIENT_SECRET": APP[1],
        "POSTROOM_MICROSOFT_TENANT": "",
        "POSTROOM_LEADSQUARED_URL": crm,
        "DATABASE_URL": "",
    }


def _prepare(
    google: GoogleSandbox,
    microsoft: MicrosoftSandbox,
    leadsquared: LeadSquaredSandbox,
    url: str,
    *,
    is_set_up: bool,
) -> None:
    """Tables, company, and the side of it that the providers and the other CRM have."""
    out.print("Starting PostgreSQL and laying out the tables …", style="dim")
    setup_django()
    from django.core.management import call_command
    from django.db import connections

    call_command("migrate", verbosity=0, interactive=False)
    from postroom.demo import company, crm

    account = company.settle(is_set_up=is_set_up)
    crm.open_account(leadsquared)
    if is_set_up:
        crm.deliver_there(account)
    connections.close_all()
    _open_google(google, url)
    _open_microsoft(microsoft, url)
    from postroom.demo import letters

    for rep in letters.LETTERS:
        post = letters.Post(rep)
        for letter, date in letters.earlier_letters(rep, letters.now()):
            _post(google, microsoft, post, letter, date)


def _open_google(google: GoogleSandbox, url: str) -> None:
    from postroom.demo import company

    google.add_client(*CLIENT, [f"{url}/oauth/google/callback/"], name="Postroom", project="postroom-demo")
    google.subscribe(f"{url}/push/google/", audience=f"{url}/push/google/", service_account=PUSH_ACCOUNT)
    google.add_account(company.REP, "Rita Rossi")
    google.add_account("rita.rossi.private@gmail.example", "Rita Rossi", personal=True)


def _open_microsoft(microsoft: MicrosoftSandbox, url: str) -> None:
    from postroom.demo import company

    microsoft.add_app(*APP, [f"{url}/oauth/outlook/callback/"], name="Postroom")
    microsoft.add_account(company.COLLEAGUE, "Sam Suzuki")
    microsoft.add_account(company.ADMINISTRATOR, "Ada Archer", admin=True)
    microsoft.add_account("sam.suzuki.private@outlook.example", "Sam Suzuki", personal=True)


def _post(
    google: GoogleSandbox, microsoft: MicrosoftSandbox, post: "Post", letter: "Letter", date: datetime
) -> None:
    """Let a letter arrive at the rep's provider, or leave from there."""
    from postroom.demo import company

    raw, is_sent = post.mail(letter, date), letter.author[1] == post.rep
    if post.rep == company.REP:
        deliver = google.send if is_sent else google.deliver
        deliver(post.rep, raw, internal_date=int(date.timestamp() * 1000))
    else:
        deliver = microsoft.send if is_sent else microsoft.deliver
        deliver(post.rep, raw, received=date.timestamp())


def _let_customers_write(
    google: GoogleSandbox,
    microsoft: MicrosoftSandbox,
    processes: list[subprocess.Popen[bytes]],
    turns: Iterable[int],
) -> None:
    """Deliver a letter every few seconds; returns when a process of Postroom ends by itself."""
    from postroom.demo import letters

    posts, coming = {rep: letters.Post(rep) for rep in letters.LETTERS}, letters.coming_letters()
    for _ in turns:
        if not _all_run(processes, SECONDS_BETWEEN_LETTERS):
            out.print("[red]A process of Postroom has ended; the demo stops.[/red]")
            return
        rep, letter = next(coming)
        _post(google, microsoft, posts[rep], letter, letters.now())
    wait_for_any(processes)


def _all_run(processes: list[subprocess.Popen[bytes]], seconds: float) -> bool:
    """Whether all are still running after so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if any(process.poll() is not None for process in processes):
            return False
        time.sleep(0.25)
    return True


def _wait_until_served(url: str) -> None:
    """Until the pages answer; raises ``TimeoutError`` after half a minute."""
    for _ in range(150):
        try:
            with urlopen(f"{url}/healthz", timeout=2):  # noqa: S310
                return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(f"Postroom does not answer at {url}.")


def _say(url: str, gmail: str, outlook: str, crm: str) -> None:
    from postroom.demo import company

    out.print(
        Panel.fit(
            f"[bold]{url}[/bold]\n\n"
            f"Sign in as   [bold]{company.REP}[/bold] (Gmail) or [bold]{company.COLLEAGUE}[/bold] (Outlook)\n"
            f"Password     [bold]{company.PASSWORD}[/bold]\n\n"
            "Connect the mailbox, activate it, and watch leads fill with mail:\n"
            f"customers write every {SECONDS_BETWEEN_LETTERS} seconds. To write yourself:\n"
            f"{gmail} (Gmail), {outlook} (Outlook)\n\n"
            f"What becomes an activity goes on to the LeadSquared stand-in: {crm}\n\n"
            f"[dim]The manager is {company.MANAGER}, the administrator {company.ADMINISTRATOR};\n"
            "same password. Ctrl+C ends the demo; nothing of it is kept.[/dim]",
            title="Postroom",
            padding=(1, 2),
        )
    )


def _free_port(wanted: int) -> int:
    """The port itself where it is free, else any that is."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("There is no free port.")


def _leave(home: Path) -> None:
    from postroom.site.database import release_embedded

    release_embedded(home)
    shutil.rmtree(home, ignore_errors=True)
