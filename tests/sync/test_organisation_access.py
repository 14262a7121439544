"""Mailboxes that the organisation opened: who is told when that ends, push, keys, doctor."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.core import mail as outbox
from django.db.models import BinaryField
from procrastinate.contrib.django.models import ProcrastinateJob

from postroom.connector import mailboxes
from postroom.connector.models import Grant, Mailbox, MailboxState, OrganisationAccess, Provider
from postroom.connector.organisation_access import (
    delegation_of,
    forget_access,
    save_access,
    take_up_lost,
)
from postroom.connector.secrets import save_client
from postroom.connector.users import deactivate_user
from postroom.errors import AuthorizationLost, Misconfigured
from postroom.organisations.models import Account, Role, User
from postroom.providers.base import Client, Consent
from postroom.providers.gmail.oauth import READ_MAIL
from postroom.providers.http import open_session
from postroom.sandbox.google.sandbox import GoogleSandbox
from postroom.sync import connecting
from postroom.sync.notices import send_access_notice
from postroom.sync.passes import Report
from postroom.sync.resealing import SEALED, reseal_all, sealed_values
from postroom.sync.sources import open_source
from postroom.vault.secrets import Sealer, new_key
from tests.sync.conftest import make_mailbox, make_rep, token_set
from tests.sync.test_doctor import finding

EMAIL = "postroom@sandbox.iam.gserviceaccount.com"
DOMAIN = "northwind.example"
_KEYS: dict[str, dict[str, str]] = {}


@pytest.fixture
def ada(account: Account) -> User:
    return make_rep(account, "Ada", Role.ADMINISTRATOR)


@pytest.fixture
def key(google: GoogleSandbox) -> str:
    account = google.add_service_account(EMAIL)
    if not _KEYS:
        _KEYS["file"] = google.service_account_key(EMAIL)
        _KEYS["public"] = account.keys  # type: ignore[assignment]
    account.keys.update(_KEYS["public"])  # type: ignore[arg-type]
    google.delegate(DOMAIN, account.client_id, [READ_MAIL])
    return json.dumps(_KEYS["file"] | {"client_id": account.client_id})


@pytest.fixture
def opened(
    google: GoogleSandbox, account: Account, key: str, ada: User, rita: User, sam: User
) -> list[Mailbox]:
    """Rita's and Sam's mailboxes, connected by Ada."""
    save_access(account, Provider.GMAIL, key, ada)
    for user in (rita, sam):
        google.add_account(user.email, user.name)
    return [connecting.connect_for(user, Provider.GMAIL, user.email, ada) for user in (rita, sam)]


def told(*about: Mailbox) -> list[tuple[str, int]]:
    """The notices that are queued on the mailboxes: which, and for whom."""
    names = ("tell_access_lost", "tell_reconnect")
    jobs = ProcrastinateJob.objects.filter(task_name__in=names).order_by("pk")
    ids = {mailbox.pk for mailbox in about}
    return [(job.task_name, job.args["user_id"]) for job in jobs if job.args["mailbox_id"] in ids]


def lose(google: GoogleSandbox, *addresses: str) -> None:
    google.undelegate(DOMAIN)
    for address in addresses:
        google.tokens.expire_access(address)


def test_r065_the_administrators_are_told_once_however_many_mailboxes(
    google, opened, ada, rita, sam, sync: Callable[[Mailbox], Report]
):
    lose(google, rita.email, sam.email)
    for mailbox in opened:
        sync(mailbox)
        assert mailbox.state == MailboxState.RECONNECT
        assert "Domain-wide delegation" in mailbox.state_reason
    assert told(*opened) == [("tell_access_lost", ada.pk)]
    send_access_notice(opened[0].pk, ada.pk)
    (notice,) = outbox.outbox
    assert notice.to == [ada.email]
    assert "2 mailboxes" in notice.body
    assert "Domain-wide delegation" in notice.body
    assert "http://testserver/bulk-connect/" in notice.body


def test_r065_a_loss_of_another_day_is_told_again(google, opened, ada, rita, sam, sync):
    lose(google, rita.email)
    sync(opened[0])
    long_ago = datetime.now(UTC) - timedelta(days=2)
    OrganisationAccess.objects.update(told_at=long_ago)
    google.tokens.expire_access(sam.email)
    sync(opened[1])
    assert told(*opened) == [("tell_access_lost", ada.pk)] * 2


def test_nobody_is_told_of_what_was_mended_meanwhile(google, opened, account, ada, rita, key, sync):
    lose(google, rita.email)
    sync(opened[0])
    google.delegate(DOMAIN, json.loads(key)["client_id"], [READ_MAIL])
    assert take_up_lost(account, Provider.GMAIL) == 1
    send_access_notice(opened[0].pk, ada.pk)
    send_access_notice(opened[0].pk, rita.pk)
    assert outbox.outbox == []
    assert OrganisationAccess.objects.get().told_at is None
    sync(opened[0])
    assert opened[0].state == MailboxState.ACTIVE


def test_whoever_may_not_connect_any_more_is_not_taken_up(google, opened, account, ada, rita, sync):
    lose(google, rita.email)
    sync(opened[0])
    deactivate_user(rita, ada)
    assert take_up_lost(account, Provider.GMAIL) == 0


def test_a_grant_of_ones_own_is_told_as_before(google, opened, account, ada, sync):
    lea = make_rep(account, "Lea")
    google.add_account(lea.email)
    own = mailboxes.connect(lea, Provider.GMAIL, Consent(lea.email, token_set(google, lea.email)))
    mailboxes.activate(own, {"history": "1"}, (), importing=False)
    google.revoke(lea.email)
    sync(own)
    assert sorted(told(own, *opened)) == sorted([("tell_reconnect", lea.pk), ("tell_reconnect", ada.pk)])


def test_a_pass_under_way_writes_nothing_after_the_permission_was_removed(opened, account, ada):
    epochs = [mailbox.epoch for mailbox in opened]
    assert forget_access(account, Provider.GMAIL, ada) == 2
    for mailbox, epoch in zip(opened, epochs, strict=True):
        mailbox.refresh_from_db()
        assert mailbox.epoch > epoch
    with pytest.raises(AuthorizationLost, match="removed the permission"):
        delegation_of(account.pk, Provider.GMAIL)


def test_a_paused_mailbox_stays_paused_and_finds_out_when_resumed(opened, account, ada, rita, sync):
    mailboxes.pause(opened[0])
    forget_access(account, Provider.GMAIL, ada)
    opened[0].refresh_from_db()
    assert opened[0].state == MailboxState.PAUSED
    connecting.resume(opened[0])
    sync(opened[0])
    assert opened[0].state == MailboxState.RECONNECT
    assert told(*opened) == []


def test_outlook_without_its_client_is_lost_not_broken(account, ada, rita, sync):
    save_client(account, Provider.OUTLOOK, Client("own", "secret", DOMAIN))
    save_access(account, Provider.OUTLOOK, "", ada)
    mailbox = mailboxes.connect_for(rita, Provider.OUTLOOK, rita.email, ada)
    mailboxes.activate(mailbox, {}, (), importing=False)
    save_client(account, Provider.OUTLOOK, Client("own", "secret", ""))
    sync(mailbox)
    assert mailbox.state == MailboxState.RECONNECT
    assert "which organisation" in mailbox.state_reason


def test_removing_revokes_nothing_but_stops_the_push(google, opened, ada, settings):
    """No grant is there to be given back; the watch is the mailbox's own."""
    settings.POSTROOM = replace(settings.POSTROOM, google_topic="projects/sandbox/topics/gmail")
    ask_for_push(opened[0])
    assert google.push.watches.get(opened[0].address)
    assert connecting.remove(opened[0], ada) == ""
    assert not google.push.watches.get(opened[0].address)
    assert not Grant.objects.exists()
    assert google.tokens.access, "the token of the organisation lives on"


def ask_for_push(mailbox: Mailbox) -> None:
    async def watch() -> None:
        async with open_session() as session:
            assert await (await open_source(mailbox, session)).watch() is not None

    asyncio.run(watch())


# Keys


def test_every_sealed_column_is_sealed_anew(google, opened, account, ada, mailbox_of_lea, monkeypatch):
    save_client(account, Provider.GMAIL, Client("own", "secret"))
    key = delegation_of(account.pk, Provider.GMAIL).key
    fresh = new_key()
    present = (Path(django_settings.POSTROOM.home) / "secret-keys").read_text().split()
    both, only_new = Sealer([fresh, *present]), Sealer([fresh])
    monkeypatch.setattr("postroom.sync.resealing.sealer", lambda: both)
    assert reseal_all() == len(list(sealed_values())) == 3
    for sealed in sealed_values():
        only_new.unseal(sealed)
    monkeypatch.setattr("postroom.connector.organisation_access.sealer", lambda: only_new)
    assert delegation_of(account.pk, Provider.GMAIL).key == key
    monkeypatch.setattr("postroom.sync.resealing.sealer", lambda: Sealer([new_key()]))
    with pytest.raises(Misconfigured, match="cannot be opened"):
        reseal_all()


def test_no_sealed_column_is_forgotten():
    found = {
        (model, field.name)
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if isinstance(field, BinaryField) and field.name.startswith("sealed")
    }
    assert found == set(SEALED)


@pytest.fixture
def mailbox_of_lea(google: GoogleSandbox, account: Account) -> Mailbox:
    """One with a grant of its own."""
    return make_mailbox(google, make_rep(account, "Lea"))


# Doctor


def test_doctor_looks_at_the_permissions(opened, google, account, rita, ada, sync):
    assert finding("Connected by administrators").said.startswith("2 mailboxes, 0 of them")
    lose(google, rita.email)
    sync(opened[0])
    assert "1 of them" in finding("Connected by administrators").said
    OrganisationAccess.objects.update(sealed_key=Sealer([new_key()]).seal({"key": "x"}))
    assert not finding("Connected by administrators").ok
    assert not finding("Keys").ok
