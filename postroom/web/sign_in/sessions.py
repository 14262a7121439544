"""Sessions in the database, of no use to whoever has only the database.

A row is found by a hash of what the cookie holds, and its content is sealed: a backup, or a look at the
tables, signs nobody in and tells nothing of what sessions hold.
"""

import logging
from hashlib import sha256
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.contrib.sessions.models import Session
from django.utils import timezone

from postroom.connector.secrets import sealer
from postroom.errors import Misconfigured

log = logging.getLogger(__name__)
_LONGEST = 40
"""Characters of ``Session.session_key``: 160 bits of the hash."""


class SessionStore(db.SessionStore):
    """Django's, with other keys and content in the rows."""

    def exists(self, session_key: str) -> bool:
        return super().exists(_row_of(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        row = super().create_model_instance(data)
        row.session_key = _row_of(row.session_key)
        return row

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key:
            super().delete(_row_of(key))

    def encode(self, session_dict: dict[str, Any]) -> str:
        held = self.serializer().dumps(session_dict).decode("latin-1")
        return sealer().seal({"session": held}).decode()

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        """Empty, so that nobody is signed in, where no key opens it."""
        sealed = session_data.encode() if isinstance(session_data, str) else session_data
        try:
            held = str(sealer().unseal(sealed)["session"])
        except Misconfigured:
            log.info("A session was sealed with a key that is gone; it has ended.")
            return {}
        return self.serializer().loads(held.encode("latin-1"))

    def _get_session_from_db(self) -> Session | None:
        key = self.session_key or ""
        found = Session.objects.filter(session_key=_row_of(key), expire_date__gt=timezone.now()).first()
        if found is None:
            self._session_key = None
        return found


def _row_of(key: str) -> str:
    return sha256(key.encode()).hexdigest()[:_LONGEST]
