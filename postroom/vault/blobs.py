"""Attachment bytes, in a folder or a bucket, named by the SHA-256 of their content.

The same bytes stored again take no more room, so repeated work leaves nothing behind but the blob
itself. Blobs of different accounts never share a name.
"""

import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url

from postroom.errors import Misconfigured, PostroomError

INCOMING = "incoming/"
"""Where bytes are while their SHA-256 is not known yet."""
BUFFER = 5 * 1024 * 1024
"""Bytes held while writing; the least that S3 takes as a part of an upload."""


class StoreUnavailable(PostroomError):
    """Attachments cannot be stored at the moment."""

    code = "store_unavailable"


@dataclass(frozen=True, slots=True)
class Blob:
    """Stored bytes."""

    sha256: str
    size: int


class BlobStore:
    """Blobs under one URL: file:///…, s3://…, gs://… or az://…."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme == "file":
            # Mail of customers: for no other user of the machine.
            Path(unquote(parts.path)).mkdir(mode=0o700, parents=True, exist_ok=True)
            self._store = LocalStore(unquote(parts.path), mkdir=True)
        else:
            self._store = from_url(url)

    async def put(self, account: int, chunks: AsyncIterator[bytes]) -> Blob:
        """Store a stream; only ``BUFFER`` bytes of it are in memory at a time.

        Raises ``StoreUnavailable``, and what the stream itself raises.
        """
        source = _Source(chunks)
        try:
            return await self._put(account, source)
        except (BaseError, OSError) as error:
            if error is source.fault:
                raise
            raise StoreUnavailable(f"Attachments cannot be stored at the moment: {error}") from error

    async def _put(self, account: int, chunks: "_Source") -> Blob:
        incoming = f"{INCOMING}{uuid.uuid4().hex}"
        digest, size = sha256(), 0
        async with obstore.open_writer_async(self._store, incoming, buffer_size=BUFFER) as writer:
            async for chunk in chunks.pieces():
                digest.update(chunk)
                size += len(chunk)
                await writer.write(chunk)
        blob = Blob(digest.hexdigest(), size)
        await obstore.rename_async(self._store, incoming, _path(account, blob.sha256))
        return blob

    def read(self, account: int, digest: str) -> Iterator[bytes]:
        """The bytes in pieces of about 1 MB; raises ``KeyError`` where there is no such blob."""
        try:
            found = obstore.get(self._store, _path(account, digest))
        except FileNotFoundError as error:
            raise KeyError(digest) from error
        return (bytes(chunk) for chunk in found.stream(min_chunk_size=1024 * 1024))

    def delete(self, account: int, digest: str) -> None:
        obstore.delete(self._store, _path(account, digest))

    def sweep(self, before: datetime) -> int:
        """Delete what a process that ended had begun to store before then (aware); returns how many."""
        left = [
            each["path"]
            for page in obstore.list(self._store, INCOMING)  # pyright: ignore[reportUnknownMemberType] overloads
            for each in page
            if each["last_modified"] < before
        ]
        for path in left:
            with suppress(FileNotFoundError):
                obstore.delete(self._store, path)
        return len(left)

    def check(self) -> None:
        """Write, read and delete a small blob; raises ``Misconfigured`` with the store's own words."""
        name = f"{INCOMING}{uuid.uuid4().hex}"
        try:
            obstore.put(self._store, name, b"postroom")
            obstore.get(self._store, name).bytes()
            obstore.delete(self._store, name)
        except (BaseError, OSError) as error:
            raise Misconfigured(f"The blob store cannot be written: {error}") from error


class _Source:
    """A stream, and what it failed by: the store's own faults are of the same kinds."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self.fault: Exception | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._chunks:
                yield chunk
        except (BaseError, OSError) as error:
            self.fault = error
            raise


def _path(account: int, digest: str) -> str:
    return f"{account}/{digest[:2]}/{digest}"
