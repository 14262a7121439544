"""Two machines that start at once, with the same database."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.conf import settings


@pytest.fixture
def empty_database(db):
    """The URL of a database without tables."""
    held = settings.DATABASES["default"]
    server = {"host": held["HOST"], "user": held["USER"], "dbname": "postgres", "autocommit": True}
    with psycopg.connect(**server) as connection:
        connection.execute("drop database if exists postroom_empty")
        connection.execute("create database postroom_empty encoding 'utf8' template template0")
        yield f"postgresql:///postroom_empty?host={held['HOST']}&user={held['USER']}"
        connection.execute("drop database postroom_empty with (force)")


@pytest.mark.skipif(bool(os.environ.get("DATABASE_URL")), reason="Makes a database of its own.")
def test_of_two_that_migrate_at_once_one_waits(empty_database):
    def migrate(_: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "postroom", "migrate"]
        environment = os.environ | {"DATABASE_URL": empty_database}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(migrate, range(2)))
    assert [one.returncode for one in done] == [0, 0], [one.stderr[-500:] for one in done]
    assert sorted("No migrations to apply" in one.stdout for one in done) == [False, True]
