"""Grants: sealed at rest, never logged, and renewed once however many ask."""

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings as django_settings
from django.db import connection, connections

from postroom.connector.grants import GrantTokens, read_grant, save_grant
from postroom.connector.models import Grant, Mailbox
from postroom.connector.secrets import client_of
from postroom.errors import AuthorizationLost, Misconfigured, Unavailable
from postroom.organisations.models import Account
from postroom.providers.base import TokenSet
from postroom.providers.http import open_session
from postroom.sandbox.google import GoogleSandbox
from postroom.sync.sources import oauth_of
from postroom.vault.secrets import Sealer, new_key
from tests.sync.conftest import make_mailbox, make_rep

RITA = "rita@northwind.example"
ONE_RENEWAL = """
import asyncio, sys, django
django.setup()
from postroom.connector.grants import GrantTokens
from postroom.connector.models import Mailbox
from postroom.connector.secrets import client_of
from postroom.providers.http import open_session
from postroom.sync.sources import oauth_of

mailbox = Mailbox.objects.get(pk=int(sys.argv[1]))
client = client_of(mailbox.account_id, mailbox.provider)

async def main():
    async with open_session() as session:
        tokens = GrantTokens(mailbox.account_id, mailbox.pk, oauth_of(mailbox.provider, client, session))
        print(await tokens.access_token(rejected=sys.argv[2]))

asyncio.run(main())
"""


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nap(seconds: float) -> None: ...

    monkeypatch.setattr("postroom.providers.http.sleep", nap)


@pytest.fixture
def google(settings) -> Iterator[GoogleSandbox]:
    sandbox = GoogleSandbox()
    sandbox.settings.rotate_refresh_tokens = True
    sandbox.add_client("client.apps.example", "client-secret", ["http://testserver/callback/"])
    with sandbox.run() as origin:
        settings.POSTROOM = replace(settings.POSTROOM, google_url=origin)
        yield sandbox


@pytest.fixture
def mailbox(google: GoogleSandbox, transactional_db) -> Mailbox:
    account = Account.objects.create(name="Northwind", domains=["northwind.example"])
    return make_mailbox(google, make_rep(account, "Rita"))


def held(mailbox: Mailbox) -> TokenSet:
    tokens = read_grant(mailbox)
    assert tokens is not None
    return tokens


def ask(mailbox: Mailbox, rejected: str = "", times: int = 1) -> list[str]:
    """What a process of its own gets, asking ``times`` at once."""
    client = client_of(mailbox.account_id, mailbox.provider)

    async def run() -> list[str]:
        async with open_session() as session:
            tokens = GrantTokens(mailbox.account_id, mailbox.pk, oauth_of(mailbox.provider, client, session))
            return await asyncio.gather(*(tokens.access_token(rejected) for _ in range(times)))

    try:
        return asyncio.run(run())
    finally:
        connections.close_all()


def is_good(google: GoogleSandbox, token: str) -> bool:
    return google.tokens.find_access(token) is not None


def test_a_good_token_is_handed_out_as_it_is(google, mailbox):
    before = google.received
    assert set(ask(mailbox, times=5)) == {held(mailbox).access_token}
    assert google.received == before


def test_many_calls_of_one_process_renew_once(google, mailbox):
    first = held(mailbox)
    before = google.received
    (fresh,) = set(ask(mailbox, rejected=first.access_token, times=20))
    assert google.received - before == 1
    assert is_good(google, fresh)
    assert held(mailbox).refresh_token != first.refresh_token


def test_many_threads_renew_once_and_none_loses_its_authorisation(google, mailbox):
    first = held(mailbox)
    before = google.received
    with ThreadPoolExecutor(12) as threads:
        asked = [threads.submit(ask, mailbox, first.access_token) for _ in range(12)]
        (fresh,) = {token for each in asked for token in each.result()}
    assert google.received - before == 1
    assert is_good(google, fresh)
    assert ask(mailbox, rejected=fresh) != [fresh], "The refresh token that was kept is the live one."


def test_many_processes_renew_once_and_none_loses_its_authorisation(google, mailbox):
    first = held(mailbox)
    before = google.received
    database = connection.settings_dict
    environment = os.environ | {
        "DATABASE_URL": f"postgresql:///{database['NAME']}?host={database['HOST']}&user={database['USER']}",
        "POSTROOM_GOOGLE_URL": django_settings.POSTROOM.google_url,
        "DJANGO_SETTINGS_MODULE": "postroom.site.settings",
    }
    command = [sys.executable, "-c", ONE_RENEWAL, str(mailbox.pk), first.access_token]
    processes = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    answers = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert [process.returncode for process in processes] == [0] * 3
    assert google.received - before == 1
    assert answers == {held(mailbox).access_token}


def test_what_another_process_has_renewed_is_taken_over(google, mailbox):
    """The token in memory is refused by Google; the row has a newer one."""
    client = client_of(mailbox.account_id, mailbox.provider)

    async def run() -> tuple[str, str]:
        async with open_session() as session:
            tokens = GrantTokens(mailbox.account_id, mailbox.pk, oauth_of(mailbox.provider, client, session))
            old = await tokens.access_token()
            await asyncio.to_thread(ask, mailbox, old)
            return old, await tokens.access_token(rejected=old)

    before = google.received
    old, new = asyncio.run(run())
    assert old != new == held(mailbox).access_token
    assert google.received - before == 1


@pytest.mark.parametrize("seconds_left", [-10, 0, 60])
def test_a_token_near_its_end_is_renewed_before_it_is_refused(google, mailbox, seconds_left):
    ending = replace(held(mailbox), expires_at=datetime.now(UTC) + timedelta(seconds=seconds_left))
    save_grant(mailbox, ending)
    (fresh,) = ask(mailbox)
    assert fresh != ending.access_token
    assert is_good(google, fresh)


def test_a_refresh_token_that_is_not_sent_again_is_kept(google, mailbox):
    google.settings.rotate_refresh_tokens = False
    first = held(mailbox)
    ask(mailbox, rejected=first.access_token)
    assert held(mailbox).refresh_token == first.refresh_token
    save_grant(mailbox, replace(first, access_token="ya29.newer", refresh_token=""))
    assert held(mailbox).refresh_token == first.refresh_token


def test_a_fault_leaves_the_grant_as_it_was(google, mailbox):
    first = held(mailbox)
    google.fault("error", method="token", status=503, times=None)
    with pytest.raises(Unavailable):
        ask(mailbox, rejected=first.access_token)
    assert held(mailbox) == first
    google.faults.clear()
    assert is_good(google, ask(mailbox, rejected=first.access_token)[0])


def test_r065_a_revoked_grant_is_lost_and_not_asked_for_twice(google, mailbox):
    first = held(mailbox)
    google.revoke(RITA)
    before = google.received
    with pytest.raises(AuthorizationLost):
        ask(mailbox, rejected=first.access_token)
    assert google.received - before == 1


def test_no_grant_no_token(google, mailbox):
    Grant.objects.all().delete()
    assert read_grant(mailbox) is None
    with pytest.raises(AuthorizationLost, match="Reconnect"):
        ask(mailbox)


def test_another_account_cannot_read_it(google, mailbox):
    other = Account.objects.create(name="Harbour", domains=["harbour.example"])
    mailbox.account_id = other.pk
    assert read_grant(mailbox) is None
    with pytest.raises(AuthorizationLost):
        ask(mailbox)


def test_a_key_that_was_lost_is_told_with_what_to_do(google, mailbox, monkeypatch):
    monkeypatch.setattr("postroom.connector.grants.sealer", lambda: Sealer([new_key()]))
    with pytest.raises(Misconfigured, match="POSTROOM_SECRET_KEYS"):
        ask(mailbox)


def secrets_of(mailbox: Mailbox, *more: str) -> list[str]:
    tokens = held(mailbox)
    return [tokens.access_token, tokens.refresh_token, *more]


def test_no_table_holds_a_token_that_can_be_read(google, mailbox):
    tokens = secrets_of(mailbox)
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'select t::text from "{table}" t')
            for (row,) in cursor.fetchall():
                for token in tokens:
                    assert token not in row
                    assert token.encode().hex() not in row


def test_no_token_is_ever_logged(google, mailbox, caplog):
    caplog.set_level(logging.DEBUG)
    first = secrets_of(mailbox, "client-secret")
    ask(mailbox, rejected=first[0])
    second = secrets_of(mailbox)
    google.fault("error", method="token", status=503, times=None)
    with pytest.raises(Unavailable):
        ask(mailbox, rejected=second[0])
    google.faults.clear()
    google.revoke(RITA)
    with pytest.raises(AuthorizationLost) as lost:
        ask(mailbox, rejected=second[0])
    said = [record.getMessage() + repr(record.args) for record in caplog.records]
    said += [str(lost.value), repr(lost.value.__cause__)]
    for token in (*first, *second):
        assert not [each for each in said if token in each]
