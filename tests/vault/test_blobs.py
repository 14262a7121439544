"""Blobs are streamed, named by content, and apart for each account."""

import os
import resource
import signal
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from postroom.errors import Misconfigured
from postroom.vault.blobs import BlobStore, StoreUnavailable


async def pieces(*chunks: bytes):
    for chunk in chunks:
        yield chunk


@pytest.fixture
def store(tmp_path) -> BlobStore:
    return BlobStore((tmp_path / "blobs").as_uri())


@pytest.mark.asyncio
async def test_what_is_put_is_read_back(store):
    blob = await store.put(1, pieces(b"ab", b"", b"c" * 3_000_000))
    assert blob.size == 3_000_002
    assert blob.sha256 == sha256(b"ab" + b"c" * 3_000_000).hexdigest()
    assert b"".join(store.read(1, blob.sha256)) == b"ab" + b"c" * 3_000_000


@pytest.mark.asyncio
async def test_the_same_bytes_twice_are_one_blob(store, tmp_path):
    assert await store.put(1, pieces(b"x")) == await store.put(1, pieces(b"x"))
    assert len([path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]) == 1


@pytest.mark.asyncio
async def test_an_empty_attachment_is_a_blob_too(store):
    blob = await store.put(1, pieces())
    assert b"".join(store.read(1, blob.sha256)) == b""


@pytest.mark.asyncio
async def test_one_account_cannot_read_the_blob_of_another(store):
    blob = await store.put(1, pieces(b"secret"))
    with pytest.raises(KeyError):
        store.read(2, blob.sha256)


@pytest.mark.asyncio
async def test_a_stream_that_breaks_off_leaves_no_blob(store, tmp_path):
    async def broken():
        yield b"half"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await store.put(1, broken())
    assert not list((tmp_path / "blobs" / "1").rglob("*"))


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file may grow beyond a kilobyte, which the system tells much as it tells a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, before)


@pytest.mark.asyncio
async def test_a_full_disk_is_told_in_a_sentence(store, full_disk):
    for size in (20_000, 20_000_000):
        with pytest.raises(StoreUnavailable, match=r"cannot be stored at the moment: .*File too large"):
            await store.put(1, pieces(b"x" * size))


@pytest.mark.asyncio
async def test_what_a_process_that_ended_left_is_swept(store, tmp_path):
    kept = await store.put(1, pieces(b"kept"))
    folder = tmp_path / "blobs" / "incoming"
    old, new = folder / "old", folder / "new"
    for file in (old, new):
        file.write_bytes(b"half")
    now = datetime.now(UTC)
    os.utime(old, (now.timestamp() - 90_000,) * 2)
    assert store.sweep(now - timedelta(days=1)) == 1
    assert (old.exists(), new.exists()) == (False, True)
    assert b"".join(store.read(1, kept.sha256)) == b"kept"
    assert BlobStore((tmp_path / "none").as_uri()).sweep(now) == 0


def test_a_store_that_cannot_be_written_is_told(tmp_path):
    store = BlobStore((tmp_path / "blobs").as_uri())
    (tmp_path / "blobs").rmdir()
    (tmp_path / "blobs").write_text("in the way")
    with pytest.raises(Misconfigured, match="cannot be written"):
        store.check()


def test_the_folder_is_for_its_owner_alone(home):
    BlobStore((home / "blobs").as_uri())
    assert stat.S_IMODE(os.stat(home / "blobs").st_mode) == 0o700
