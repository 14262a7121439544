"""Renewing a grant when whoever asks is cancelled, and when it is lost."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from postroom.connector import mailboxes
from postroom.connector.grants import GrantTokens, read_grant, save_grant
from postroom.connector.models import Mailbox, Provider
from postroom.errors import AuthorizationLost
from postroom.organisations.models import Account
from postroom.providers.base import TokenSet
from tests.connector.conftest import consent, make_person


@pytest.fixture
def expired(transactional_db) -> Mailbox:
    """A mailbox whose access token has ended."""
    account = Account.objects.create(name="Northwind", domains=["northwind.example"])
    rita = make_person(account, "Rita")
    mailbox = mailboxes.connect(rita, Provider.GMAIL, consent(rita.email))
    save_grant(mailbox, replace(held(mailbox), expires_at=datetime.now(UTC)))
    return mailbox


def held(mailbox: Mailbox) -> TokenSet:
    tokens = read_grant(mailbox)
    assert tokens is not None
    return tokens


class SlowRotation:
    """A provider that has rotated the refresh token, and whose answer is still on its way."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def refresh(self, refresh_token: str) -> TokenSet:
        self.asked.set()
        await asyncio.sleep(0.3)
        return TokenSet("access-2", datetime.now(UTC) + timedelta(hours=1), "refresh-2")


class Refusal:
    """A provider that takes the refresh token no more."""

    def __init__(self) -> None:
        self.asked = 0

    async def refresh(self, refresh_token: str) -> TokenSet:
        self.asked += 1
        raise AuthorizationLost


def test_r007_a_pass_that_is_cancelled_keeps_the_rotated_refresh_token(expired):
    async def run() -> None:
        oauth = SlowRotation()
        asking = asyncio.create_task(GrantTokens(expired.account_id, expired.pk, oauth).access_token())
        await oauth.asked.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(run())
    assert held(expired).refresh_token == "refresh-2"


def test_r065_a_lost_grant_is_asked_for_once_however_many_wait(expired):
    oauth = Refusal()

    async def run() -> list[object]:
        tokens = GrantTokens(expired.account_id, expired.pk, oauth)
        return list(await asyncio.gather(*(tokens.access_token() for _ in range(10)), return_exceptions=True))

    assert [type(each) for each in asyncio.run(run())] == [AuthorizationLost] * 10
    assert oauth.asked == 1
