"""Destinations in the hands of the worker and of the command line: from mail to webhook, notices, replay."""

import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest
from django.core import mail as outgoing
from django.db import transaction
from procrastinate.contrib.django.models import ProcrastinateJob
from typer.testing import CliRunner

from postroom.cli import app
from postroom.connector.models import AuditEntry
from postroom.destinations.base import Event
from postroom.destinations.managing import create_destination, resume
from postroom.destinations.models import DeliveryState, Destination, DestinationState
from postroom.errors import AuthorizationLost
from postroom.organisations.models import Role
from postroom.sync import delivering
from postroom.sync.doctor import Finding, examine
from postroom.sync.notices import send_destination_notice, tell_of_trouble
from tests.destinations.contract import drain_all
from tests.destinations.room import post, run_drain
from tests.destinations.webhooks.conftest import listener, open_webhook
from tests.destinations.webhooks.listener import Listener
from tests.mails import mail
from tests.sync.conftest import change_policy, make_rep
from tests.sync.test_kill import environment

__all__ = ["listener"]

MAILS = 60


def worker(google_url: str) -> "subprocess.Popen[bytes]":
    surroundings = environment(google_url) | {"POSTROOM_WEBHOOK_ALLOW": "127.0.0.1"}
    return subprocess.Popen([sys.executable, "-m", "postroom", "worker"], env=surroundings)


def test_r084_mail_reaches_a_webhook_through_workers_that_are_killed(
    google, mailbox, account, listener, settings
):
    change_policy(account, "inbound", capture=True)
    place = open_webhook(listener, account, events=(Event.LEAD_CREATED, Event.ACTIVITY_CREATED))
    for number in range(MAILS):
        google.deliver(
            mailbox.address, mail(from_=f"p{number % 20}@customer.example", subject=f"mail {number}")
        )
    first = worker(settings.POSTROOM.google_url)
    await_requests(listener, 25)
    first.send_signal(signal.SIGKILL)
    first.wait()
    second = worker(settings.POSTROOM.google_url)
    try:
        await_requests(listener, MAILS + 20)
    finally:
        second.terminate()
        assert second.wait(30) == 0
    told = [seen for seen in listener.seen if seen.body["type"] == "activity.created"]
    subjects = {seen.body["data"]["activity"]["subject"] for seen in told}
    assert subjects == {f"mail {number}" for number in range(MAILS)}
    assert len(listener.ids) == MAILS + 20
    assert place.deliveries.filter(state=DeliveryState.DELIVERED).count() == MAILS + 20
    assert place.deliveries.count() == MAILS + 20


def await_requests(listener: Listener, number: int) -> None:
    """Until so many requests came that are none another's repetition."""
    deadline = time.monotonic() + 100
    with listener.arrived:
        while len(listener.ids) < number and time.monotonic() < deadline:
            listener.arrived.wait(1)
    assert len(listener.ids) >= number


def test_administrators_are_told_by_email_once(account, destination, memory, carol, clock):
    ada = make_rep(account, "Ada", Role.ADMINISTRATOR)
    make_rep(account, "Sam")
    memory.fault = AuthorizationLost("Its keys are no longer good.")
    for _ in range(3):
        run_drain(destination, clock, tell_of_trouble)  # type: ignore[arg-type]
    jobs = ProcrastinateJob.objects.filter(task_name="tell_destination")
    assert [job.args for job in jobs] == [{"destination_id": destination.pk, "user_id": ada.pk}]
    send_destination_notice(destination.pk, ada.pk)
    letter = outgoing.outbox[0]
    assert letter.to == [ada.email]
    assert letter.subject == "Postroom stopped delivering to Memory"
    assert "Its keys are no longer good." in letter.body
    assert f"http://testserver/settings/destinations/{destination.pk}/" in letter.body
    ada.language = "de"
    ada.save()
    send_destination_notice(destination.pk, ada.pk)
    assert outgoing.outbox[1].subject == "Postroom stellt an Memory nicht mehr zu"


def test_nobody_is_told_of_what_works_again(account, destination, memory, carol, clock):
    ada = make_rep(account, "Ada", Role.ADMINISTRATOR)
    memory.fault = AuthorizationLost("Its keys are no longer good.")
    run_drain(destination, clock)
    assert destination.state == DestinationState.STOPPED
    resume(destination, ada)
    send_destination_notice(destination.pk, ada.pk)
    assert outgoing.outbox == []


def test_the_doctor_names_a_destination_that_takes_nothing(account, destination, memory, carol, clock):
    def found() -> Finding:
        return next(each for each in examine() if each.subject == "Destinations")

    assert found().said == "1, none stopped or failing"
    memory.fault = AuthorizationLost("Its keys are no longer good.")
    run_drain(destination, clock)
    assert not found().ok
    assert "Memory of Northwind: Its keys are no longer good." in found().said


@pytest.fixture
def command():
    return lambda *arguments: CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})


def test_the_command_line_shows_destinations_and_sends_again(
    account, destination, memory, carol, clock, command
):
    memory.refused = {"Bad"}
    post(carol, "Bad")
    run_drain(destination, clock)
    shown = command("deliveries")
    assert "Memory" in shown.output
    assert "1" in shown.output
    memory.refused = set()
    assert "1 deliveries to Memory are sent again." in command("redeliver", "Memory").output
    drain_all(destination, clock)
    assert memory.said[-1] == "Bad"
    assert "sent again" in AuditEntry.objects.filter(area="destinations").latest("pk").said
    everything = command("redeliver", str(destination.pk), "--since", "2020-01-01")
    assert "2 deliveries" in everything.output


def drains(place: Destination) -> int:
    """Drains of the destination that are queued."""
    jobs = ProcrastinateJob.objects.filter(task_name="drain_destination", status="todo")
    return jobs.filter(args={"destination_id": place.pk}).count()


def test_r084_what_is_sent_again_need_not_wait_for_the_next_look(
    account, destination, memory, carol, clock, command
):
    memory.refused = {"Bad"}
    post(carol, "Bad")
    run_drain(destination, clock)
    assert drains(destination) == 0
    with suppress(Broken), transaction.atomic():
        assert delivering.send_again(destination, None) == 1
        raise Broken
    assert drains(destination) == 0
    command("redeliver", "Memory")
    assert drains(destination) == 1
    delivering.resume(destination, None)
    command("redeliver", "Memory")
    assert drains(destination) == 1


class Broken(Exception):
    """What undoes the transaction of a test."""


def test_nothing_to_send_again_wakes_nobody(account, destination, memory, command):
    assert "0 deliveries" in command("redeliver", "Memory").output
    assert drains(destination) == 0


def test_a_destination_that_is_not_there_or_not_the_only_one(account, destination, memory, command):
    assert command("redeliver", "Nowhere").exit_code == 1
    other = type(account).objects.create(name="Elsewhere")
    create_destination(other, "memory", "Memory", {}, {}, None)
    said = command("redeliver", "Memory")
    assert said.exit_code == 1
    assert "several destinations" in said.output
