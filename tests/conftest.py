"""A PostgreSQL for the tests: `DATABASE_URL` where it is set, else an embedded server of their own."""

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.environment import HOME


def pytest_configure(config: pytest.Config) -> None:
    """Trade durability for speed in a server that lives for one test run.

    Where tests run in several processes, each has a server of its own, and the one that hands them out none.
    """
    from django.conf import settings

    hands_out = config.getoption("dist", "no") != "no" and not hasattr(config, "workerinput")
    if os.environ.get("DATABASE_URL") or hands_out:
        return
    database = settings.DATABASES["default"]
    with psycopg.connect(
        host=database["HOST"], user=database["USER"], dbname=database["NAME"], autocommit=True
    ) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"alter system set {setting} = off")
        connection.execute("select pg_reload_conf()")


class ByFile(LoadScopeScheduling):
    """Where tests run in several processes, those of a file stay together, and all that use a browser."""

    def _split_scope(self, nodeid: str) -> str:
        return "browser" if nodeid.startswith("tests/browser/") else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    return ByFile(config, log)


def pytest_unconfigure() -> None:
    from django.db import connections

    from postroom.site.database import release_embedded

    connections.close_all()
    release_embedded(HOME)
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Real and malformed mail for tests, where it is present beside the repository."""
    folder = Path(__file__).parent.parent.parent / "shared" / "corpus"
    if not folder.is_dir():
        pytest.skip("There is no ../shared/corpus here.")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    return tmp_path


@pytest.fixture(autouse=True)
def people_are_asked_for_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests add people and sync within the second for which the colleagues are held."""
    monkeypatch.setattr("postroom.connector.people.TRUSTED_SECONDS", 0.0)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """Let go of the connections of threads that have ended, before the test database is dropped."""
    if nextitem is None:
        gc.collect()
