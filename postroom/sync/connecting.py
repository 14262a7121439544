"""What a rep does with a mailbox, where it reaches the provider: connect, activate, resume, remove."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import aiohttp
from asgiref.sync import async_to_sync
from authlib.common.security import generate_token
from django.db import transaction

from postroom.connector import mailboxes
from postroom.connector.audit import record
from postroom.connector.forgetting import begin_removal
from postroom.connector.grants import read_grant
from postroom.connector.jobs import remove_soon
from postroom.connector.models import AuditArea, Mailbox, Provider
from postroom.connector.secrets import client_of
from postroom.connector.setting_up import refuse_until_open
from postroom.errors import NotRevocable, PostroomError
from postroom.organisations.models import Account, User
from postroom.providers.base import Consent, Cursor, MailSource, OAuth
from postroom.providers.http import open_session
from postroom.providers.registry import PROVIDERS
from postroom.sync.jobs import sync_soon, watch_soon
from postroom.sync.sources import oauth_of, open_by_organisation, open_source

log = logging.getLogger(__name__)
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Begun:
    """A consent under way: where to send the rep, and what to keep in their session meanwhile."""

    url: str
    state: str
    verifier: str


def begin(user: User, provider: Provider, redirect_uri: str) -> Begun:
    """Start a consent.

    Raises ``Misconfigured`` where there is no OAuth client, ``AccountRefused`` where the user cannot connect
    now: ``NotOpenYet``, ``ProviderOff``, ``SyncSwitchedOff``.
    """
    refuse_until_open(user, provider)
    with transaction.atomic():
        mailboxes.refuse_while_stopped(user.account)
    mailboxes.refuse_connected_for(user)
    client = client_of(user.account_id, provider)
    state, verifier = generate_token(32), generate_token(64)

    async def url(session: aiohttp.ClientSession) -> str:
        return oauth_of(provider, client, session).authorization_url(
            redirect_uri=redirect_uri, state=state, verifier=verifier, hint=user.email
        )

    return Begun(_online(url), state, verifier)


def approval(account_id: int, provider: Provider, redirect_uri: str) -> Begun | None:
    """Start an administrator's consent for all users (R-020); None where the provider has no such page.

    Raises ``Misconfigured`` where there is no OAuth client.
    """
    state = generate_token(32)

    async def url(oauth: OAuth) -> str:
        return oauth.admin_consent_url(redirect_uri=redirect_uri, state=state)

    found = _with_oauth(account_id, provider, url)
    return Begun(found, state, "") if found else None


def complete(user: User, provider: Provider, code: str, verifier: str, redirect_uri: str) -> Mailbox:
    """Redeem the code and keep the mailbox, to be activated or going on from where it stopped.

    Raises ``AccountRefused`` and the rest of ``ProviderError``; nothing is kept then.
    """
    refuse_until_open(user, provider)

    async def redeem(oauth: OAuth) -> Consent:
        return await oauth.exchange(code=code, redirect_uri=redirect_uri, verifier=verifier)

    consent = _with_oauth(user.account_id, provider, redeem)
    mailbox = mailboxes.connect(user, provider, consent)
    if mailbox.is_syncing:
        _take_up(mailbox)
    return mailbox


def connect_for(user: User, provider: Provider, given: str, by: User, import_days: int = 0) -> Mailbox:
    """Connect and activate a mailbox for its user, by what the organisation gave; ``given`` is its address.

    The same rules hold as where the user connects it. Raises ``AccountRefused`` and the rest of
    ``ProviderError``; nothing is kept then.
    """
    refuse_until_open(user, provider)
    with transaction.atomic():
        mailboxes.refuse_while_stopped(user.account)
        mailboxes.checked_address(user, given)
    since = datetime.now(UTC) - timedelta(days=import_days) if import_days else None
    address, cursor, aliases = look_in(user.account, provider, given, since)
    with transaction.atomic():
        mailbox = mailboxes.connect_for(user, provider, address, by)
        mailboxes.activate(mailbox, cursor, (given, *aliases), importing=bool(since), since=since)
        _take_up(mailbox)
    return mailbox


def look_in(
    account: Account, provider: Provider, given: str, since: datetime | None = None
) -> tuple[str, Cursor, tuple[str, ...]]:
    """Open a mailbox by what the organisation gave: its own address, a cursor to begin at, other addresses.

    Raises ``ProviderError``, whose sentence says what an administrator has to mend.
    """

    async def look(session: aiohttp.ClientSession) -> tuple[str, Cursor, tuple[str, ...]]:
        key = f"{account.pk}:{given}"
        source = await open_by_organisation(account.pk, provider, given, session, key=key)
        return await source.address(), await source.start(since), await source.aliases()

    return _online(look)


def activate(mailbox: Mailbox, import_days: int = 0) -> None:
    """Sync from this moment on, or from ``import_days`` ago.

    Raises ``ProviderError`` and ``SyncSwitchedOff``.
    """
    since = datetime.now(UTC) - timedelta(days=import_days) if import_days else None

    async def first_look(source: MailSource) -> tuple[dict[str, object], tuple[str, ...]]:
        return await source.start(since), await source.aliases()

    cursor, aliases = _with_source(mailbox, first_look)
    with transaction.atomic():
        mailboxes.activate(mailbox, cursor, aliases, importing=bool(since), since=since)
        _take_up(mailbox)


def resume(mailbox: Mailbox, by: User | None = None) -> None:
    """Go on from the cursor; what came during the pause is synced."""
    with transaction.atomic():
        mailboxes.resume(mailbox, by)
        _take_up(mailbox)


def reactivate(mailbox: Mailbox, by: User) -> None:
    """Go on from the cursor after an administrator had deactivated the mailbox (R-073)."""
    with transaction.atomic():
        mailboxes.reactivate(mailbox, by)
        _take_up(mailbox)


def remove(mailbox: Mailbox, by: User | None = None) -> str:
    """Forget the mailbox and its tokens at once, then stop push and revoke upstream.

    Returns a sentence on what could not be undone at the provider, "" where all was.
    """
    grant = read_grant(mailbox)
    _stop_push(mailbox)
    mailboxes.remove(mailbox, by)
    if grant is None:
        return ""

    async def revoke(oauth: OAuth) -> None:
        await oauth.revoke(grant.refresh_token or grant.access_token)

    try:
        _with_oauth(mailbox.account_id, mailbox.provider, revoke)
    except NotRevocable as error:
        return str(error)
    except PostroomError as error:
        log.warning("The grant of mailbox %s was not revoked: %s", mailbox.pk, error)
        kind = PROVIDERS[mailbox.provider]
        return (
            f"The mailbox was removed here, but {kind.company} could not be told. Remove Postroom's access at"
            f" {kind.permissions_page} too."
        )
    return ""


def remove_mail(user: User, by: User) -> None:
    """Have the user's synced mail taken out of the CRM, too (R-063, R-074)."""
    with transaction.atomic():
        removal = begin_removal(user)
        if removal:
            remove_soon(removal)
            said = f"Had the synced mail of {user} deleted."
            record(user.account, by, AuditArea.MAILBOX, said, about=user)


def _stop_push(mailbox: Mailbox) -> None:
    async def unwatch(source: MailSource) -> None:
        await source.unwatch()

    try:
        mailboxes.pause(mailbox)
        _with_source(mailbox, unwatch)
    except PostroomError as error:
        log.info("Push of mailbox %s was not stopped and runs out by itself: %s", mailbox.pk, error)


def _take_up(mailbox: Mailbox) -> None:
    sync_soon(mailbox)
    watch_soon(mailbox)


def _with_oauth(account_id: int, provider: str, work: Callable[[OAuth], Awaitable[Result]]) -> Result:
    client = client_of(account_id, provider)

    async def run(session: aiohttp.ClientSession) -> Result:
        return await work(oauth_of(provider, client, session))

    return _online(run)


def _with_source(mailbox: Mailbox, work: Callable[[MailSource], Awaitable[Result]]) -> Result:
    async def run(session: aiohttp.ClientSession) -> Result:
        return await work(await open_source(mailbox, session))

    return _online(run)


def _online(work: Callable[[aiohttp.ClientSession], Awaitable[Result]]) -> Result:
    """Run async provider code from a page, with a session of its own."""

    async def run() -> Result:
        async with open_session() as session:
            return await work(session)

    return async_to_sync(run)()
