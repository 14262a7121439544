"""``python -m postroom.sandbox``: serve a Google sandbox until interrupted.

Prints one line of JSON with the origin once it answers, so that a program that starts it knows where.
"""

import argparse
import asyncio
import json
import sys
from email.utils import parseaddr
from pathlib import Path

from .google import GoogleSandbox, Settings


def main(arguments: list[str] | None = None) -> None:
    options = _options().parse_args(arguments)
    sandbox = prepare(options)
    try:
        asyncio.run(_serve(sandbox, options.host, options.port))
    except KeyboardInterrupt:
        sys.exit(0)


def prepare(options: argparse.Namespace) -> GoogleSandbox:
    """A sandbox with the people, the application and the mail that the options name."""
    sandbox = GoogleSandbox(Settings(issuer=options.issuer, latency=options.latency), seed=options.seed)
    sandbox.add_client(
        options.client_id, options.client_secret, options.redirect_uri, project=options.project
    )
    for person in options.account:
        name, address = parseaddr(person)
        sandbox.add_account(address, name)
    for person in options.personal:
        name, address = parseaddr(person)
        sandbox.add_account(address, name, personal=True)
    for entry in options.load:
        address, _, folder = entry.partition("=")
        sandbox.load(address, Path(folder))
    if options.push_endpoint:
        sandbox.subscribe(options.push_endpoint)
    sandbox.limit(options.quota)
    return sandbox


async def _serve(sandbox: GoogleSandbox, host: str, port: int) -> None:
    async with sandbox.serve(host, port) as origin:
        sys.stdout.write(json.dumps({"origin": origin}) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m postroom.sandbox", description="A local stand-in for Google."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8025, help="0 picks a free one")
    parser.add_argument(
        "--account", action="append", default=[], metavar="'Name <address>'", help="Workspace"
    )
    parser.add_argument("--personal", action="append", default=[], metavar="'Name <address>'")
    parser.add_argument(
        "--load", action="append", default=[], metavar="ADDRESS=FOLDER", help="deliver .eml files"
    )
    parser.add_argument("--client-id", default="sandbox.apps.googleusercontent.com")
    parser.add_argument("--client-secret", default="GOCSPX-sandbox")
    parser.add_argument("--redirect-uri", action="append", default=[])
    parser.add_argument("--project", default="", help="topics to watch must be of this Cloud project")
    parser.add_argument("--push-endpoint", default="", help="where notifications are POSTed")
    parser.add_argument(
        "--issuer", default="https://accounts.google.com", help='"origin" for the own address'
    )
    parser.add_argument("--quota", choices=("off", "2026", "legacy"), default="off")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each Gmail answer")
    parser.add_argument("--seed", type=int, default=1, help="for ids and chances")
    return parser


if __name__ == "__main__":
    main()
