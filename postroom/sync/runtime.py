"""What the jobs of one worker share: the HTTP session and the blob store."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from django.conf import settings

from postroom.providers.http import open_session
from postroom.vault.blobs import BlobStore


@dataclass(frozen=True, slots=True)
class Runtime:
    session: aiohttp.ClientSession
    blobs: BlobStore


@asynccontextmanager
async def open_runtime() -> AsyncIterator[Runtime]:
    async with open_session() as session:
        yield Runtime(session, BlobStore(settings.POSTROOM.blob_url))
