"""Asking a destination whether it can be reached, before it is saved or at any time after."""

import asyncio
from collections.abc import Mapping

from asgiref.sync import async_to_sync
from django.conf import settings

from postroom.destinations.base import Opening
from postroom.destinations.draining import AccountFiles
from postroom.destinations.managing import secrets_of
from postroom.destinations.models import Destination
from postroom.destinations.pacing import Unpaced
from postroom.destinations.registry import KINDS
from postroom.errors import Unavailable
from postroom.providers.http import open_session
from postroom.vault.blobs import BlobStore

SECONDS = 25


def check(destination: Destination) -> str:
    """A sentence with what answered; raises as ``base.Receiver``."""
    return check_values(
        destination.account_id, destination.kind, destination.settings, secrets_of(destination)
    )


def check_values(
    account_id: int, kind: str, values: Mapping[str, object], secrets: Mapping[str, object]
) -> str:
    """As ``check``, for what was not saved yet."""

    async def ask() -> str:
        async with open_session() as session:
            opening = Opening(
                settings=values,
                secrets=secrets,
                session=session,
                pace=Unpaced(),
                files=AccountFiles(BlobStore(settings.POSTROOM.blob_url), account_id),
                config=settings.POSTROOM,
            )
            try:
                async with asyncio.timeout(SECONDS):
                    return await KINDS[kind].receiver(opening).check()
            except TimeoutError as error:
                raise Unavailable("The destination did not answer in time.") from error

    return async_to_sync(ask)()
