"""``python -m postroom.sandbox [google|microsoft|leadsquared]``: serve a sandbox until interrupted.

Prints one line of JSON with the origin once it answers, so that a program that starts it knows where.
"""

import argparse
import asyncio
import json
import sys
from email.utils import parseaddr
from pathlib import Path

from .google import GoogleSandbox, Settings
from .leadsquared import PLANS, WELL_KNOWN, LeadSquaredSandbox
from .leadsquared import Settings as LeadSquaredSettings
from .microsoft import MicrosoftSandbox
from .microsoft import Settings as MicrosoftSettings
from .server import StandIn


def main(arguments: list[str] | None = None) -> None:
    options = _options().parse_args(arguments)
    sandbox = prepare(options)
    try:
        asyncio.run(_serve(sandbox, options.host, options.port))
    except KeyboardInterrupt:
        sys.exit(0)


def prepare(options: argparse.Namespace) -> StandIn:
    """A sandbox with the people, the application and the mail that the options name."""
    if options.provider == "leadsquared":
        return _leadsquared(options)
    sandbox = _google(options) if options.provider == "google" else _microsoft(options)
    for person in options.account:
        name, address = parseaddr(person)
        sandbox.add_account(address, name)
    for person in options.personal:
        name, address = parseaddr(person)
        sandbox.add_account(address, name, personal=True)
    for entry in options.load:
        address, _, folder = entry.partition("=")
        sandbox.load(address, Path(folder))
    return sandbox


def _google(options: argparse.Namespace) -> GoogleSandbox:
    settings = Settings(issuer=options.issuer or "https://accounts.google.com", latency=options.latency)
    sandbox = GoogleSandbox(settings, seed=options.seed)
    sandbox.add_client(
        options.client_id or "sandbox.apps.googleusercontent.com",
        options.client_secret or "GOCSPX-sandbox",
        options.redirect_uri,
        project=options.project,
    )
    if options.push_endpoint:
        sandbox.subscribe(options.push_endpoint)
    sandbox.limit(options.quota)
    return sandbox


def _microsoft(options: argparse.Namespace) -> MicrosoftSandbox:
    """Push is asked for by the application, with each subscription's own address."""
    settings = MicrosoftSettings(
        issuer=options.issuer or "https://login.microsoftonline.com", latency=options.latency
    )
    sandbox = MicrosoftSandbox(settings, seed=options.seed)
    well_known = {"client_id": options.client_id, "client_secret": options.client_secret}
    given = {name: value for name, value in well_known.items() if value}
    sandbox.add_app(redirect_uris=options.redirect_uri, **given)
    for person in options.admin:
        name, address = parseaddr(person)
        sandbox.add_account(address, name, admin=True)
    sandbox.limit(enforced=options.quota != "off")
    return sandbox


def _leadsquared(options: argparse.Namespace) -> LeadSquaredSandbox:
    """Its users are the people, its keys the client's id and secret."""
    sandbox = LeadSquaredSandbox(LeadSquaredSettings(latency=options.latency), seed=options.seed)
    sandbox.add_key(options.client_id or WELL_KNOWN[0], options.client_secret or WELL_KNOWN[1])
    for role, people in (("Administrator", options.admin), ("Sales_User", options.account)):
        for person in people:
            name, address = parseaddr(person)
            sandbox.add_user(address, name, role)
    sandbox.limit(options.plan)
    return sandbox


async def _serve(sandbox: StandIn, host: str, port: int) -> None:
    async with sandbox.serve(host, port) as origin:
        sys.stdout.write(json.dumps({"origin": origin}) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m postroom.sandbox",
        description="A local stand-in for Google, Microsoft or LeadSquared.",
    )
    parser.add_argument(
        "provider", nargs="?", choices=("google", "microsoft", "leadsquared"), default="google"
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8025, help="0 picks a free one")
    parser.add_argument(
        "--account",
        action="append",
        default=[],
        metavar="'Name <address>'",
        help="with a work mailbox; LeadSquared: a sales user",
    )
    parser.add_argument(
        "--admin",
        action="append",
        default=[],
        metavar="'Name <address>'",
        help="Microsoft: may consent for all; LeadSquared: an administrator",
    )
    parser.add_argument("--personal", action="append", default=[], metavar="'Name <address>'")
    parser.add_argument(
        "--load", action="append", default=[], metavar="ADDRESS=FOLDER", help="deliver .eml files"
    )
    parser.add_argument("--client-id", default="", help="LeadSquared: the access key")
    parser.add_argument("--client-secret", default="", help="LeadSquared: the secret key")
    parser.add_argument("--plan", choices=sorted(PLANS), default="", help="LeadSquared: whose limits hold")
    parser.add_argument("--redirect-uri", action="append", default=[])
    parser.add_argument("--project", default="", help="Google: topics to watch must be of this project")
    parser.add_argument("--push-endpoint", default="", help="Google: where notifications are POSTed")
    parser.add_argument("--issuer", default="", help='"origin" for the own address')
    parser.add_argument("--quota", choices=("off", "2026", "legacy"), default="off")
    parser.add_argument(
        "--latency", type=float, default=0.0, help="seconds before each answer of the mail API"
    )
    parser.add_argument("--seed", type=int, default=1, help="for ids and chances")
    return parser


if __name__ == "__main__":
    main()
