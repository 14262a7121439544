"""Postroom on the command line: run it, set it up, check it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from postroom.errors import Misconfigured, PostroomError

if TYPE_CHECKING:
    from postroom.config import Config

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
out = Console(highlight=False)

Port = Annotated[int, typer.Option(help="Port to listen on.")]
Host = Annotated[str, typer.Option(help="Address to listen on.")]


def setup_django() -> None:
    """Bring Django up; a bad setting is told in one sentence."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "postroom.site.settings")
    try:
        django.setup()
    except Misconfigured as error:
        out.print(f"[red]{error}[/red]")
        raise typer.Exit(2) from error


def django_settings() -> "Config":
    """The deployment's settings, once Django is up."""
    from django.conf import settings

    return settings.POSTROOM


def main() -> None:
    """Run a command; a database that is gone is told in a sentence rather than a traceback."""
    from django.db import OperationalError

    try:
        app()
    except OperationalError as error:
        out.print(f"[red]The database cannot be reached: {error}[/red]")
        out.print("`postroom doctor` tells more; DATABASE_URL says which database it is.")
        sys.exit(2)


@app.command()
def migrate() -> None:
    """Create or update the database tables."""
    setup_django()
    from postroom.site.migrating import migrate as apply

    apply(verbosity=1)


@app.command()
def web(host: Host = "127.0.0.1", port: Port = 8000, workers: int = 1) -> None:
    """Serve the pages and take in pushes."""
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "postroom.site.settings")
    setup_django()
    Granian(
        "postroom.site.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=8,
        log_access=False,
        # Its advice on threads is for work that computes; ours waits for the database.
        log_level=LogLevels.error,
        websockets=False,
    ).serve()


@app.command()
def worker(
    concurrency: Annotated[int, typer.Option(help="Mailboxes synced at a time.")] = 20,
) -> None:
    """Run the jobs: sync passes, polling, watch renewal. Any number of workers may run, anywhere."""
    import asyncio

    setup_django()
    from postroom.sync.worker import run_worker

    asyncio.run(run_worker(concurrency))


@app.command()
def up(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Everything on one machine: database, tables, web and worker."""
    migrate()
    out.print(f"Postroom is at [bold]{os.environ.get('POSTROOM_URL') or f'http://{host}:{port}'}[/bold]")
    with running(["web", "--host", host, "--port", str(port)], ["worker"]) as processes:
        wait_for_any(processes)


@app.command()
def add_admin(
    email: Annotated[str, typer.Argument(help="Their mail address, with which they sign in.")],
    company: Annotated[str, typer.Option(prompt=True, help="The organisation whose account it is.")],
    domain: Annotated[list[str], typer.Option(help="Its mail domain; may be given several times.")],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)],
    name: Annotated[str, typer.Option(help="Their name.")] = "",
) -> None:
    """Make an account and its first administrator, who sets up the rest in the browser."""
    setup_django()
    from postroom.organisations.first_admin import add_administrator
    from postroom.site.migrating import migrate as apply

    apply(verbosity=0)
    try:
        user = add_administrator(email, name, password, company, domain)
    except Misconfigured as error:
        out.print(f"[red]{error}[/red]")
        raise typer.Exit(1) from error
    out.print(f"{user.email} administers {user.account}. Sign in at {django_settings().public_url}.")


@app.command()
def doctor() -> None:
    """Check database, tables, keys, blob store and provider settings, and say what to fix."""
    setup_django()
    from postroom.sync.doctor import examine

    findings = list(examine())
    for finding in findings:
        mark = "[green]ok[/green]  " if finding.ok else "[red]fix[/red] "
        out.print(f"{mark} {finding.subject}: {finding.said}")
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


@app.command()
def replay(address: Annotated[str, typer.Argument(help="Address of the mailbox.")]) -> None:
    """Fetch and decide a mailbox's set-aside mails once more."""
    import asyncio

    setup_django()
    from postroom.connector.models import Mailbox
    from postroom.sync.passes import Report, replay_set_aside
    from postroom.sync.runtime import open_runtime

    mailboxes = list(Mailbox.objects.filter(address__iexact=address))
    if not mailboxes:
        out.print(f"[red]There is no mailbox {address}.[/red]")
        raise typer.Exit(1)

    async def run(mailbox: Mailbox) -> Report:
        async with open_runtime() as runtime:
            return await replay_set_aside(mailbox.pk, runtime.session, runtime.blobs)

    for mailbox in mailboxes:
        report = asyncio.run(run(mailbox))
        out.print(f"{mailbox.address}: {report.synced} synced, {report.skipped} not.")


@app.command()
def deliveries() -> None:
    """Show every destination with what waits for it, what was given up, and its last fault."""
    setup_django()
    from postroom.destinations.managing import all_destinations

    table = Table(
        "Id", "Account", "Destination", "State", "Waiting", "Given up", "Last delivered", "Last fault"
    )
    for place in all_destinations():
        counts = [str(getattr(place, name)) for name in ("waiting", "given_up")]
        delivered = f"{place.last_delivered_at:%Y-%m-%d %H:%M}" if place.last_delivered_at else "never"
        row = (
            str(place.pk),
            place.account.name,
            place.name,
            place.state,
            *counts,
            delivered,
            place.last_error,
        )
        table.add_row(*(Text(cell) for cell in row))
    out.print(table)


@app.command()
def redeliver(
    destination: Annotated[str, typer.Argument(help="Its id or name; see `postroom deliveries`.")],
    since: Annotated[
        datetime | None, typer.Option(help="Also what was delivered, from this time on (UTC).")
    ] = None,
    until: Annotated[datetime | None, typer.Option(help="Only what came up before this time (UTC).")] = None,
) -> None:
    """Send again what was given up; with --since everything of that time. Keys stay the same."""
    setup_django()
    from postroom.destinations.managing import all_destinations
    from postroom.destinations.models import DeliveryState
    from postroom.sync.delivering import send_again

    found = [place for place in all_destinations() if destination in {str(place.pk), place.name}]
    if len(found) != 1:
        what = "several destinations" if found else "no destination"
        out.print(Text(f"There is {what} {destination}; `postroom deliveries` shows their ids.", "red"))
        raise typer.Exit(1)
    states = [DeliveryState.GIVEN_UP, *([DeliveryState.DELIVERED] if since else [])]
    began = since.replace(tzinfo=UTC) if since else None
    ended = until.replace(tzinfo=UTC) if until else None
    number = send_again(found[0], None, since=began, until=ended, states=states)
    out.print(f"{number} deliveries to {found[0].name} are sent again.")


@app.command()
def explain(
    file: Annotated[Path, typer.Argument(help="The mail, as an .eml file.")],
    as_: Annotated[str, typer.Option("--as", help="Address of the rep in whose mailbox it would be.")],
    json: Annotated[bool, typer.Option("--json", help="As data.")] = False,
) -> None:
    """Say what becomes of a mail and why: the rule, the setting, and everything that was tested."""
    setup_django()
    from postroom.sync.explain import explain_file, shown, to_data

    try:
        found = explain_file(file, as_)
    except PostroomError as error:
        out.print(Text(str(error), "red"))
        raise typer.Exit(2) from error
    if json:
        out.print_json(data=to_data(found))
    else:
        out.print(shown(found))


@app.command()
def new_key() -> None:
    """Print a fresh key for POSTROOM_SECRET_KEYS; put it before the present ones."""
    from postroom.vault.secrets import new_key as fresh

    out.print(fresh())


@app.command()
def reseal() -> None:
    """Seal every stored secret with the newest key, after which older keys are not needed to open any."""
    setup_django()
    from postroom.sync.resealing import reseal_all

    try:
        number = reseal_all()
    except Misconfigured as error:
        out.print(Text(str(error), "red"))
        raise typer.Exit(1) from error
    out.print(f"{number} secrets are sealed with the newest key.")


@app.command()
def demo(
    port: Port = 8000,
    mail: Annotated[bool, typer.Option(help="Let customers write while the demo runs.")] = True,
    set_up: Annotated[bool, typer.Option("--set-up", help="Begin with the administrator's set-up.")] = False,
) -> None:
    """Postroom at work on this machine alone, with stand-ins for Google and Microsoft and sample mail."""
    from postroom.demo import run_demo

    run_demo(port=port, mail=mail, set_up=set_up)


@contextmanager
def running(*commands: list[str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run `postroom COMMAND` processes; all are stopped at the end, however it comes."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    processes = [
        subprocess.Popen([sys.executable, "-m", "postroom", *command], start_new_session=True)  # noqa: S603
        for command in commands
    ]
    try:
        yield processes
    except KeyboardInterrupt:
        out.print("\nStopping.")
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            _await_end(process)


def wait_for_any(processes: list[subprocess.Popen[bytes]]) -> None:
    """Return when the first of the processes ends."""
    while all(process.poll() is None for process in processes):
        try:
            processes[0].wait(1)
        except subprocess.TimeoutExpired:
            continue


def _await_end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(25)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
