"""A program that asks the API, and an account for it to ask about."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from postroom.api.models import ApiToken
from postroom.api.scopes import Scope
from postroom.api.tokens import make_token
from postroom.connector import mailboxes
from postroom.connector.models import JournalEntry, Mailbox, Outcome, Provider
from postroom.crm.fields import define_field
from postroom.crm.models import (
    Activity,
    ActivityKind,
    Attachment,
    FieldType,
    Lead,
    LeadSource,
    MessageBody,
    MessageCopy,
    StoredMessage,
)
from postroom.destinations.models import Delivery, DeliveryAttempt, Destination
from postroom.organisations.models import Account, User
from postroom.vault.blobs import BlobStore
from tests.connector.conftest import consent
from tests.sync.conftest import make_lead

EVERYTHING = tuple(Scope.values)


@dataclass(frozen=True)
class Program:
    """Asks with a token; a path is what follows ``/api/v1``."""

    token: ApiToken
    secret: str

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.ask("GET", path, None, **headers)

    def post(self, path: str, body: object = None, **headers: str) -> HttpResponse:
        return self.ask("POST", path, body, **headers)

    def patch(self, path: str, body: object, **headers: str) -> HttpResponse:
        return self.ask("PATCH", path, body, **headers)

    def put(self, path: str, body: object, **headers: str) -> HttpResponse:
        return self.ask("PUT", path, body, **headers)

    def delete(self, path: str, **headers: str) -> HttpResponse:
        return self.ask("DELETE", path, None, **headers)

    def ask(self, method: str, path: str, body: object, **headers: str) -> HttpResponse:
        return ask(method, path, body, Authorization=f"Bearer {self.secret}", **headers)


def ask(method: str, path: str, body: object = None, **headers: str) -> HttpResponse:
    """One request, with no token but the one in ``headers``, whose ``_`` stands for ``-``."""
    content = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
    content_type = headers.pop("content_type", "application/json" if content else "")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    client = Client(raise_request_exception=False)
    answer: Any = client.generic(method, f"/api/v1{path}", content, content_type, headers=named)
    return answer


def program(user: User, *scopes: str, lifetime: timedelta | None = None) -> Program:
    """With the scopes, or all of them."""
    return Program(*make_token(user, "Program", scopes or EVERYTHING, lifetime))


@dataclass(frozen=True)
class Filed:
    """One of everything."""

    lead: Lead
    other: Lead
    source: LeadSource
    activity: Activity
    attachment: Attachment
    entry: JournalEntry
    mailbox: Mailbox
    destination: Destination
    delivery: Delivery


def file_everything(account: Account, rep: User) -> Filed:
    """A mail of Carol's in the rep's mailbox, on her lead, logged and delivered."""
    mailbox = mailboxes.connect(rep, Provider.GMAIL, consent(rep.email))
    mailboxes.activate(mailbox, {"history": "1"}, (), importing=False)
    source = LeadSource.objects.create(account=account, name="Fair")
    define_field(account, "Size", FieldType.NUMBER)
    define_field(account, "VIP", FieldType.BOOLEAN, name="vip")
    lead, other = make_lead(account, "carol@customer.example"), make_lead(account, "dave@customer.example")
    Lead.objects.filter(pk=lead.pk).update(owner=rep, source=source, first_name="Carol")
    lead.refresh_from_db()
    activity, attachment = _mail(account, rep, lead)
    entry = JournalEntry.objects.create(
        account=account,
        mailbox=mailbox,
        user=rep,
        provider_id="1",
        direction="received",
        happened_at=activity.happened_at,
        outcome=Outcome.SYNCED,
        rule="synced",
        reason="Synced to lead Carol.",
        settings_version=0,
        subject="Plan",
        counterpart="carol@customer.example",
        lead=lead,
    )
    return Filed(lead, other, source, activity, attachment, entry, mailbox, *_delivery(account, lead))


def _mail(account: Account, rep: User, lead: Lead) -> tuple[Activity, Attachment]:
    message = StoredMessage.objects.create(
        account=account,
        identity="a" * 64,
        message_id="plan@customer.example",
        conversation="c",
        happened_at=datetime.now(UTC) - timedelta(hours=1),
        subject="Plan",
        from_address="carol@customer.example",
        from_name="Carol",
        to=[[rep.email, rep.name]],
        details=["subject", "body", "attachments", "cc", "bcc"],
    )
    html = '<p>See <b>the plan</b><script>alert(1)</script><img src="https://spy.example/x.png"></p>'
    MessageBody.objects.create(account=account, message=message, html=html, preview="See the plan")
    MessageCopy.objects.create(account=account, message=message, user=rep, sent=False)
    blob = asyncio.run(_stored(account))
    attachment = Attachment.objects.create(
        account=account,
        message=message,
        part="2",
        filename="plän.txt",
        content_type="text/plain",
        size=8,
        blob=blob,
    )
    activity = Activity.objects.create(
        account=account,
        lead=lead,
        message=message,
        kind=ActivityKind.RECEIVED,
        happened_at=message.happened_at,
    )
    return activity, attachment


async def _stored(account: Account) -> str:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"the plan"

    return (await BlobStore(settings.POSTROOM.blob_url).put(account.pk, chunks())).sha256


def _delivery(account: Account, lead: Lead) -> tuple[Destination, Delivery]:
    now = datetime.now(UTC)
    destination = Destination.objects.create(account=account, kind="memory", name="Elsewhere")
    delivery = Delivery.objects.create(
        account=account,
        destination=destination,
        event="lead.created",
        lead_id=lead.pk,
        subject_id=lead.pk,
        due_at=now,
    )
    DeliveryAttempt.objects.create(account=account, delivery=delivery, at=now, outcome="later", said="Busy.")
    return destination, delivery
