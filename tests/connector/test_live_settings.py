"""Settings held in memory: forgotten everywhere when they change, and not trusted without a listener."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from django.db import connection, transaction

from postroom.connector.live_settings import LiveSettings
from postroom.connector.policies import current_settings, save_rep_settings, save_settings
from postroom.organisations.models import Account
from postroom.policy.settings import RepDirection, RepSettings, Settings
from tests.connector.conftest import make_person
from tests.sync.test_kill import environment

ANOTHER_PROCESS = """
import sys, django
django.setup()
from postroom.connector.live_settings import live

with live.listening():
    for line in sys.stdin:
        account, user = map(int, line.split())
        print(live.of(account, user).version, flush=True)
"""


@pytest.fixture
def account(transactional_db) -> Account:
    return Account.objects.create(name="Northwind")


@pytest.fixture
def live() -> Iterator[LiveSettings]:
    settings = LiveSettings()
    with settings.listening():
        yield settings


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that must come true."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "It never came true."
        time.sleep(0.005)


def save(account: Account, source: str) -> int:
    now = current_settings(account.pk)
    return save_settings(account, replace(now, inbound=replace(now.inbound, lead_source=source)), None)


def is_held(live: LiveSettings, account: Account, user: int) -> bool:
    """Whether a look-up needs no database."""
    return live.of(account.pk, user) is live.of(account.pk, user)


def test_what_is_held_is_not_read_again(account, live, django_assert_num_queries):
    save(account, "One")
    until(lambda: is_held(live, account, 7))
    with django_assert_num_queries(0):
        assert live.of(account.pk, 7).inbound.lead_source == "One"


def test_a_change_is_known_to_the_next_look_up_that_hears_of_it(account, live):
    for number in range(20):
        version = save(account, f"Source {number}")
        until(lambda version=version: live.of(account.pk, 7).version == version)


def test_what_a_rep_adds_is_told_as_well(account, live):
    rita = make_person(account, "Rita")
    allowing = replace(Settings().inbound, user_exclusions=True)
    save_settings(account, replace(Settings(), inbound=allowing), None)
    until(lambda: is_held(live, account, rita.pk))
    own = RepSettings(inbound=RepDirection(excluded=frozenset({"bank.example"})))
    save_rep_settings(rita, own, rita)
    until(lambda: "bank.example" in live.of(account.pk, rita.pk).inbound.excluded)


def test_without_a_listener_every_question_goes_to_the_database(account):
    live = LiveSettings()
    assert live.of(account.pk, 7).version == 0
    save(account, "One")
    assert live.of(account.pk, 7).version == 1


def test_a_listener_that_is_cut_off_is_not_trusted_and_comes_back(account, live):
    until(lambda: is_held(live, account, 7))
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where query in ('select 1', 'listen postroom_settings') and pid <> pg_backend_pid()"
        )
    version = save(account, "Cut off")
    until(lambda: live.of(account.pk, 7).version == version)
    until(lambda: is_held(live, account, 7))
    version = save(account, "Back")
    until(lambda: live.of(account.pk, 7).version == version)


def test_a_rollback_changes_nothing_for_anyone(account, live):
    with transaction.atomic():
        save(account, "Never")
        transaction.set_rollback(True)
    assert live.of(account.pk, 7).version == 0


def test_r046_another_process_follows_every_change(account, settings):
    process = subprocess.Popen(
        [sys.executable, "-c", ANOTHER_PROCESS],
        env=environment("") | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:

        def version_there() -> int:
            process.stdin.write(f"{account.pk} 7\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        assert version_there() == 0
        for number in range(1, 4):
            assert save(account, f"Source {number}") == number
            until(lambda number=number: version_there() == number)
    finally:
        process.stdin.close()
        assert process.wait(20) == 0
