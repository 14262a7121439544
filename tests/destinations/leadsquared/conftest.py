"""A stand-in for LeadSquared on a real socket, with two users, two activity types and keys."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from postroom.destinations.leadsquared import catalogue
from postroom.destinations.leadsquared.settings import LeadSquaredSettings
from postroom.destinations.managing import create_destination
from postroom.destinations.models import Destination
from postroom.organisations.models import Account
from postroom.sandbox.leadsquared import WELL_KNOWN, FieldOfType, LeadSquaredSandbox

SENT, RECEIVED = 201, 202
SUBJECT, KEY = "mx_Custom_1", "mx_Custom_2"
FIELDS = {SUBJECT: "subject", KEY: "key"}
CHOSEN = LeadSquaredSettings(
    sent_code=SENT, received_code=RECEIVED, sent_fields=FIELDS, received_fields=FIELDS
)
SECRETS = {"access_key": WELL_KNOWN[0], "secret_key": WELL_KNOWN[1]}
POST, SETTLE, UPDATE, ASK = (
    "ProspectActivity.svc/Bulk/CustomActivity/Add/ByLeadId",
    "LeadManagement.svc/Lead/Bulk/CreateOrUpdate",
    "LeadManagement.svc/Lead/Bulk/UpdateV2",
    "ProspectActivity.svc/Retrieve",
)


@pytest.fixture
def leadsquared(settings) -> Iterator[LeadSquaredSandbox]:
    sandbox = LeadSquaredSandbox()
    sandbox.add_key()
    sandbox.add_user("rita@northwind.example", "Rita Rep")
    fields = [FieldOfType(SUBJECT, "Subject"), FieldOfType(KEY, "Postroom's id")]
    sandbox.add_activity_type("Email Sent", fields, code=SENT)
    sandbox.add_activity_type("Email Received", fields, code=RECEIVED)
    catalogue.forget()
    with sandbox.run() as origin:
        settings.POSTROOM = replace(settings.POSTROOM, leadsquared_url=origin)
        yield sandbox


@pytest.fixture(autouse=True)
def no_naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that repeated reads would have waited."""
    naps: list[float] = []

    async def nap(seconds: float) -> None:
        naps.append(seconds)

    monkeypatch.setattr("postroom.providers.http.sleep", nap)
    return naps


def open_leadsquared(account: Account, chosen: LeadSquaredSettings = CHOSEN, **more: object) -> Destination:
    return create_destination(
        account, "leadsquared", "LeadSquared", {**chosen.to_json(), **more}, SECRETS, None
    )


def calls(sandbox: LeadSquaredSandbox, *names: str) -> int:
    """How many calls of these methods were made; of all where none is named."""
    counts = sandbox.ledger.counts
    return sum(each.made for name, each in counts.items() if not names or name in names)
