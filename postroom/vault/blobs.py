"""Attachment bytes, in a folder or a bucket, named by the SHA-256 of their content.

The same bytes stored again take no more room, so repeated work leaves nothing behind but the blob
itself. Blobs of different accounts never share a name.
"""

import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url

from postroom.errors import Misconfigured

BUFFER = 5 * 1024 * 1024
"""Bytes held while writing; the least that S3 takes as a part of an upload."""


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
        """Store a stream; only ``BUFFER`` bytes of it are in memory at a time."""
        incoming = f"incoming/{uuid.uuid4().hex}"
        digest, size = sha256(), 0
        async with obstore.open_writer_async(self._store, incoming, buffer_size=BUFFER) as writer:
            async for chunk in chunks:
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

    def check(self) -> None:
        """Write, read and delete a small blob; raises ``Misconfigured`` with the store's own words."""
        name = f"incoming/{uuid.uuid4().hex}"
        try:
            obstore.put(self._store, name, b"postroom")
            obstore.get(self._store, name).bytes()
            obstore.delete(self._store, name)
        except (BaseError, OSError) as error:
            raise Misconfigured(f"The blob store cannot be written: {error}") from error


def _path(account: int, digest: str) -> str:
    return f"{account}/{digest[:2]}/{digest}"
