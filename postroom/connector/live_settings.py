"""The settings in force, held in memory by a worker and forgotten the moment they change anywhere.

A trigger notifies channel ``postroom_settings`` in the transaction that saves a version; a thread listens
on a connection of its own. What is held is used only while that connection has proved itself within the
last second: when it breaks, or hangs, every question goes to the database. Whether a mailbox may sync at
all never depends on this: pause and the switch of R-051 are kept by the fence of the commit.

Source: PostgreSQL documentation, NOTIFY and LISTEN.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import psycopg
from django.db import connection

from postroom.connector.policies import current_rep_settings, current_settings, joined
from postroom.policy.settings import Settings

log = logging.getLogger(__name__)

CHANNEL = "postroom_settings"
HEARTBEAT_SECONDS = 0.3
TRUSTED_SECONDS = 1.0
"""How long after the connection last answered what is held counts as true."""
MOST_HELD = 10_000
"""Reps, and accounts, whose settings are held; those loaded longest ago are dropped."""

Key = tuple[int, int]


class LiveSettings:
    """Settings by account and rep; read from the database unless ``listening``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of_accounts: OrderedDict[int, Settings] = OrderedDict()
        self._of_reps: OrderedDict[Key, Settings] = OrderedDict()
        self._changes = 0
        self._heard_at = float("-inf")

    def of(self, account_id: int, user_id: int) -> Settings:
        """The settings in force for a rep; at most a second old."""
        key = (account_id, user_id)
        with self._lock:
            held = self._of_reps.get(key) if self._is_trusted() else None
            changes = self._changes
            shared = self._of_accounts.get(account_id) if self._is_trusted() else None
        if held:
            return held
        account = shared or current_settings(account_id)
        loaded = joined(account, current_rep_settings(account_id, user_id))
        self._hold(key, account, loaded, changes)
        return loaded

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hold settings in memory meanwhile."""
        done = threading.Event()
        params = {**connection.get_connection_params(), "connect_timeout": 5}
        thread = threading.Thread(target=self._listen, args=(params, done), name="settings", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join(5)
            self._forget()

    def _hold(self, key: Key, account: Settings, loaded: Settings, changes: int) -> None:
        """Keep what was loaded, unless something changed since."""
        with self._lock:
            if changes != self._changes or not self._is_trusted():
                return
            self._of_accounts[key[0]] = account
            self._of_reps[key] = loaded
            for held in (self._of_accounts, self._of_reps):
                while len(held) > MOST_HELD:
                    held.popitem(last=False)

    def _is_trusted(self) -> bool:
        return monotonic() - self._heard_at < TRUSTED_SECONDS

    def _listen(self, params: dict[str, object], done: threading.Event) -> None:
        while not done.is_set():
            try:
                self._listen_once(params, done)
            except psycopg.Error as error:
                log.warning("Settings are read from the database until it can be listened to: %s", error)
            self._forget()
            done.wait(HEARTBEAT_SECONDS)

    def _listen_once(self, params: dict[str, object], done: threading.Event) -> None:
        keep = {name: value for name, value in params.items() if name not in {"context", "cursor_factory"}}
        with psycopg.connect(**keep, autocommit=True) as listener:  # pyright: ignore[reportArgumentType]
            listener.execute(f"listen {CHANNEL}")
            self._forget()
            while not done.is_set():
                asked_at = monotonic()
                listener.execute("select 1")
                # What was notified before the answer was sent is dropped before it is trusted again.
                for note in listener.notifies(timeout=0):
                    self._drop(int(note.payload))
                self._heard_at = asked_at
                for note in listener.notifies(timeout=HEARTBEAT_SECONDS):
                    self._drop(int(note.payload))

    def _drop(self, account_id: int) -> None:
        with self._lock:
            self._changes += 1
            self._of_accounts.pop(account_id, None)
            for key in [key for key in self._of_reps if key[0] == account_id]:
                del self._of_reps[key]

    def _forget(self) -> None:
        with self._lock:
            self._changes += 1
            self._heard_at = float("-inf")
            self._of_accounts.clear()
            self._of_reps.clear()


live = LiveSettings()
"""The worker's own."""
