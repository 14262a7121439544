"""Sealing of secrets with Fernet (AES-128-CBC and HMAC-SHA256), with key rotation.

Keys come from ``POSTROOM_SECRET_KEYS`` (comma-separated, newest first) or else from the file
``secret-keys`` in the home folder, one a line, made on first use. The first key seals; all unseal.
"""

import hmac
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import cast

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from postroom.errors import Misconfigured


class Sealer:
    """Seals and unseals small JSON objects."""

    def __init__(self, keys: list[str]) -> None:
        self._keys = keys
        if not keys:
            raise Misconfigured("There is no secret key: set POSTROOM_SECRET_KEYS or remove the empty file.")
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError as error:
            raise Misconfigured(
                "A secret key is not 32 bytes in URL-safe base64; `postroom new-key` prints one that is."
            ) from error

    def seal(self, value: Mapping[str, object]) -> bytes:
        return self._fernet.encrypt(orjson.dumps(value))

    def unseal(self, sealed: bytes) -> dict[str, object]:
        """Raises ``Misconfigured`` where none of the keys fits."""
        try:
            return cast("dict[str, object]", orjson.loads(self._fernet.decrypt(bytes(sealed))))
        except InvalidToken as error:
            raise Misconfigured(
                "A stored secret cannot be opened with the present keys. Put the key it was sealed with"
                " back at the end of POSTROOM_SECRET_KEYS (or of the file secret-keys)."
            ) from error

    def reseal(self, sealed: bytes) -> bytes:
        """The same secret under the newest key. Raises ``Misconfigured`` where none of the keys fits."""
        return self.seal(self.unseal(sealed))

    def derived(self, purpose: str) -> tuple[bytes, ...]:
        """A secret for ``purpose`` from each key, newest first: make with the first, accept all."""
        return tuple(hmac.digest(key.encode(), purpose.encode(), "sha256") for key in self._keys)


def new_key() -> str:
    return Fernet.generate_key().decode()


def load_sealer(home: Path) -> Sealer:
    """The sealer of this deployment; makes its first key file where there is none."""
    given = os.environ.get("POSTROOM_SECRET_KEYS", "")
    if given:
        return Sealer([key.strip() for key in given.split(",") if key.strip()])
    path = home / "secret-keys"
    if not path.exists():
        _make_key_file(path)
    return Sealer(path.read_text().split())


def _make_key_file(path: Path) -> None:
    """Put it there whole, or not at all where another process is faster."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix="secret-keys.")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(new_key() + "\n")
        with suppress(FileExistsError):
            os.link(unfinished, path)
    finally:
        os.unlink(unfinished)
