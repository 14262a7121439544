"""A mailbox's OAuth tokens: sealed in the database, renewed by one process at a time."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from django.db import transaction

from postroom.connector.models import Grant, Mailbox
from postroom.connector.secrets import sealer
from postroom.errors import AuthorizationLost
from postroom.providers.base import OAuth, TokenSet
from postroom.threads import in_thread

MARGIN = timedelta(seconds=90)
"""A token this close to its end counts as expired."""
LAST_WORDS = 5.0
"""Seconds for which a renewal under way is waited for when whoever asked for it is cancelled."""
LOST = "Postroom holds no authorisation for this mailbox. Reconnect it."


def save_grant(mailbox: Mailbox, tokens: TokenSet) -> None:
    """Store what consent or a refresh gave; a refresh token that was not sent again is kept."""
    held = Grant.objects.filter(mailbox=mailbox).first()
    refresh_token = tokens.refresh_token or (_read(held).refresh_token if held else "")
    Grant.objects.update_or_create(
        mailbox=mailbox,
        defaults={"account_id": mailbox.account_id, "sealed": _seal(tokens, refresh_token)},
    )


def read_grant(mailbox: Mailbox) -> TokenSet | None:
    held = Grant.objects.filter(mailbox=mailbox, account_id=mailbox.account_id).first()
    return _read(held) if held else None


class GrantTokens:
    """The ``Tokens`` port over the database; of one pass, for a loss is remembered for good."""

    def __init__(self, account_id: int, mailbox_id: int, oauth: OAuth) -> None:
        self._account_id = account_id
        self._mailbox_id = mailbox_id
        self._oauth = oauth
        self._held: TokenSet | None = None
        self._lost = ""
        """Why the grant is lost, once the provider said so: it is not asked again."""
        self._turn = asyncio.Lock()

    async def access_token(self, rejected: str = "") -> str:
        async with self._turn:
            if self._lost:
                raise AuthorizationLost(self._lost)
            if not self._held or not _usable(self._held, rejected):
                try:
                    self._held = await self._renewed(rejected)
                except AuthorizationLost as error:
                    self._lost = str(error)
                    raise
            return self._held.access_token

    async def _renewed(self, rejected: str) -> TokenSet:
        """As ``_renew``; when cancelled, it ends only once a refresh token that was rotated is stored."""
        renewal = asyncio.create_task(in_thread(self._renew, rejected, asyncio.get_running_loop()))
        try:
            return await asyncio.shield(renewal)
        except asyncio.CancelledError:
            with suppress(Exception):
                await asyncio.wait_for(asyncio.shield(renewal), LAST_WORDS)
            raise

    def _renew(self, rejected: str, loop: asyncio.AbstractEventLoop) -> TokenSet:
        """The stored tokens, refreshed where they are of no use.

        The row is locked meanwhile: with a provider that rotates refresh tokens, two refreshes at once
        would cost the mailbox its authorisation.
        """
        with transaction.atomic():
            held = (
                Grant.objects.select_for_update()
                .filter(mailbox_id=self._mailbox_id, account_id=self._account_id)
                .first()
            )
            if held is None:
                raise AuthorizationLost(LOST)
            tokens = _read(held)
            if _usable(tokens, rejected):
                return tokens
            if not tokens.refresh_token:
                raise AuthorizationLost(LOST)
            fresh = asyncio.run_coroutine_threadsafe(self._oauth.refresh(tokens.refresh_token), loop).result()
            held.sealed = _seal(fresh, fresh.refresh_token or tokens.refresh_token)
            held.save(update_fields=["sealed", "updated_at"])
            return _read(held)


def _usable(tokens: TokenSet, rejected: str) -> bool:
    return tokens.access_token != rejected and tokens.expires_at - MARGIN > datetime.now(UTC)


def _seal(tokens: TokenSet, refresh_token: str) -> bytes:
    return sealer().seal(
        {
            "access_token": tokens.access_token,
            "expires_at": tokens.expires_at.isoformat(),
            "refresh_token": refresh_token,
        }
    )


def _read(grant: Grant) -> TokenSet:
    values = sealer().unseal(grant.sealed)
    return TokenSet(
        access_token=str(values["access_token"]),
        expires_at=datetime.fromisoformat(str(values["expires_at"])),
        refresh_token=str(values["refresh_token"]),
    )
