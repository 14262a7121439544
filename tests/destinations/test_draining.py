"""The drain: who holds a destination, what stops it, how it comes through being killed (R-084)."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction

from postroom.crm.editing import save_lead
from postroom.crm.giving_way import again_if_broken_off
from postroom.crm.models import Activity
from postroom.destinations import ledger
from postroom.destinations.base import Delivered, Limit, Unknown
from postroom.destinations.draining import Tools, drain
from postroom.destinations.managing import (
    counts_of,
    delivered_to,
    drop,
    pause,
    remove,
    replay,
    save_destination,
)
from postroom.destinations.models import (
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    Destination,
    DestinationState,
    RemoteActivity,
    RemoteLead,
)
from postroom.destinations.tidying import tidy
from postroom.errors import Misconfigured, Throttled, Unavailable
from postroom.providers.http import open_session
from postroom.vault.blobs import BlobStore
from tests.destinations.contract import drain_all
from tests.destinations.room import post, run_drain
from tests.destinations.webhooks.conftest import listener, webhook
from tests.sync.conftest import make_lead

__all__ = ["listener", "webhook"]


def test_only_one_drain_holds_a_destination(destination, carol, clock):
    held = ledger.hold(destination.pk, clock.now())
    assert held is not None
    assert ledger.hold(destination.pk, clock.now()) is None
    assert run_drain(destination, clock).tried == 0
    ledger.let_go(held, clock.now())
    assert run_drain(destination, clock).delivered == 1


def test_a_drain_that_was_taken_over_sends_no_more(destination, memory, carol, clock):
    held = ledger.hold(destination.pk, clock.now())
    assert held is not None
    clock.forward(seconds=31)
    assert ledger.hold(destination.pk, clock.now()) is not None
    with pytest.raises(ledger.HoldLost):
        ledger.take(held, 10, clock.now())
    with pytest.raises(ledger.HoldLost):
        ledger.keep(held, clock.now())


def test_a_late_answer_counts_unless_it_was_tried_again(destination, memory, carol, clock):
    held = ledger.hold(destination.pk, clock.now())
    assert held is not None
    taken = ledger.take(held, 10, clock.now())
    clock.forward(seconds=31)
    ledger.hold(destination.pk, clock.now())
    assert Delivery.objects.get().state == DeliveryState.UNKNOWN
    call = ledger.Call(taken, [Delivered("there")], clock.now(), 5)
    ledger.settle(held, call, clock.now(), lambda _: None)
    assert Delivery.objects.get().state == DeliveryState.DELIVERED


@pytest.mark.parametrize("change", ["pause", "remove", "save"])
def test_a_change_meanwhile_lets_only_the_call_under_way_end(destination, memory, carol, dave, clock, change):
    memory.batch = 1

    def meddle() -> None:
        if change == "pause":
            pause(destination, None)
        elif change == "remove":
            remove(destination, None)
        else:
            save_destination(destination, version=1, by=None, name="Another")

    memory.during = lambda: in_a_thread(meddle)
    run_drain(destination, clock)
    assert len(memory.parcels) == 1
    assert Delivery.objects.filter(state=DeliveryState.DELIVERED).count() == 1
    assert Delivery.objects.filter(state=DeliveryState.WAITING).count() == 1


def in_a_thread(work) -> None:
    thread = threading.Thread(target=closing(work))
    thread.start()
    thread.join()


def test_one_leads_trouble_holds_up_no_other(destination, memory, carol, dave, clock):
    memory.stuck = {"Stuck"}
    memory.batch = 4
    run_drain(destination, clock)
    post(carol, "Stuck")
    for number in range(20):
        post(carol, f"After {number}")
    for number in range(20):
        post(dave, f"Dave {number}")
    run_drain(destination, clock)
    assert memory.said[2:] == [f"Dave {number}" for number in range(20)]
    memory.stuck = set()
    clock.forward(minutes=2)
    run_drain(destination, clock)
    assert memory.said[22:] == ["Stuck", *(f"After {number}" for number in range(20))]
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {1, 2}


def test_after_three_days_it_is_given_up_and_the_rest_goes_on(destination, memory, carol, clock):
    memory.stuck = {"Stuck"}
    post(carol, "Stuck")
    post(carol, "After")
    began = clock.now()
    drain_all_slowly(destination, clock)
    stuck = Delivery.objects.get(state=DeliveryState.GIVEN_UP)
    assert (stuck.attempts, stuck.said) == (ledger.MOST_ATTEMPTS, "Not now.")
    assert timedelta(days=2) < clock.now() - began < timedelta(days=4)
    assert memory.said == ["lead.created", "After"]
    counts = counts_of(destination)
    assert (counts.waiting, counts.given_up, counts.delivered) == (0, 1, 2)


def drain_all_slowly(destination: Destination, clock) -> None:
    for _ in range(400):
        run_drain(destination, clock)
        if ledger.is_drained(destination):
            return
        clock.forward(minutes=15)
    pytest.fail("It does not end.")


def test_what_was_given_up_can_be_dropped(destination, memory, carol, clock):
    memory.refused = {"Bad"}
    post(carol, "Bad")
    run_drain(destination, clock)
    assert drop(destination, None) == 1
    assert replay(destination, None) == 0
    assert Delivery.objects.get(event="activity.created").state == DeliveryState.DROPPED


def test_a_time_range_is_sent_again_with_the_same_keys(destination, memory, carol, clock):
    run_drain(destination, clock)
    keys = memory.keys
    memory.parcels = []
    since = datetime.now(UTC) - timedelta(minutes=5)
    assert replay(destination, None, since=since, states=[DeliveryState.DELIVERED]) == 1
    assert replay(destination, None, until=since, states=[DeliveryState.DELIVERED]) == 0
    run_drain(destination, clock)
    assert memory.keys == keys


def test_a_change_under_way_is_waited_for_and_not_missed(destination, memory, carol, clock):
    """The drain leaves a lead alone that somebody is changing right now, and sends it with the change."""
    with transaction.atomic():
        save_lead(carol, {"company": "Customer Ltd"})
        in_a_thread(lambda: run_drain(Destination.objects.get(pk=destination.pk), clock))
        assert memory.parcels == []
    run_drain(destination, clock)
    assert [parcel.lead.company for parcel in memory.parcels if parcel.lead] == ["Customer Ltd"]


def test_a_change_while_it_is_sent_is_told_afterwards(destination, memory, carol, clock):
    memory.during = lambda: in_a_thread(lambda: save_lead(carol, {"company": "Customer Ltd"}))
    run_drain(destination, clock)
    run_drain(destination, clock)
    told = [(parcel.event.value, parcel.lead.company) for parcel in memory.parcels if parcel.lead]
    assert told == [("lead.created", ""), ("lead.updated", "Customer Ltd")]


def test_an_answer_is_noted_though_a_merge_is_in_the_way(
    account, rita, destination, memory, carol, dave, clock
):
    """The merge holds the rows of both deliveries, too, in the other order: one gives way, none is lost."""
    first, second = post(dave, "First"), post(dave, "Second")
    held = ledger.hold(destination.pk, clock.now())
    assert held is not None
    taken = ledger.take(held, 10, clock.now())
    call = ledger.Call(taken, [Delivered(str(row.pk)) for row in taken], clock.now(), 5)
    settling = threading.Thread(
        target=closing(lambda: ledger.settle(held, call, clock.now(), lambda _: None))
    )

    @transaction.atomic
    def merge_like() -> None:
        Activity.objects.filter(pk=second.pk).update(lead=carol)
        if settling.ident is None:
            settling.start()
            while not is_somebody_waiting():
                continue
        Activity.objects.filter(pk=first.pk).update(lead=carol)

    again_if_broken_off(merge_like)
    settling.join()
    rows = Delivery.objects.filter(pk__in=[row.pk for row in taken])
    assert set(rows.values_list("state", flat=True)) == {DeliveryState.DELIVERED}
    assert DeliveryAttempt.objects.count() == len(taken)
    assert set(Activity.objects.values_list("lead_id", flat=True)) == {carol.pk}


def is_somebody_waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("select exists (select from pg_locks where not granted)")
        return bool(cursor.fetchone()[0])


def closing(work):
    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    return run


def test_content_follows_the_destinations_settings(account, destination, memory, carol, clock):
    save_destination(destination, version=1, by=None, settings={"body": False})
    post(carol, "Hello", text="Secret words")
    run_drain(destination, clock)
    activity = memory.parcels[-1].activity
    assert activity is not None
    assert (activity.subject, activity.text) == ("Hello", "")


def test_what_they_call_our_things_is_kept(account, destination, memory, carol, clock):
    activity = post(carol, "Hello")
    run_drain(destination, clock)
    assert RemoteLead.objects.get().remote_id == f"lead-{carol.pk}"
    assert RemoteActivity.objects.get().activity_id == activity.pk
    assert delivered_to(account, [activity.pk]) == {activity.pk: [destination]}


def test_settings_that_cannot_work_stop_it(destination, memory, carol, clock, told):
    memory.plan = [Misconfigured("Choose an activity type.")]
    run_drain(destination, clock, told)
    assert destination.state == DestinationState.STOPPED
    assert told.names == ["Memory: Choose an activity type."]
    save_destination(destination, version=1, by=None, settings={"type": 201})
    destination.refresh_from_db()
    assert destination.state == DestinationState.ON
    assert run_drain(destination, clock, told).delivered == 1


def test_people_are_told_of_a_quarter_of_an_hour_of_trouble_and_again_only_after_it_worked(
    destination, memory, carol, clock, told
):
    memory.fault = Unavailable("It is down.")
    for _ in range(40):
        run_drain(destination, clock, told)
        clock.forward(minutes=1)
    assert told.names == ["Memory: It is down."]
    memory.fault = None
    clock.forward(minutes=11)
    run_drain(destination, clock, told)
    assert (destination.failing_since, destination.told_at) == (None, None)


def test_a_drain_that_is_broken_off_leaves_what_it_sent_unknown(destination, memory, carol, clock):
    async def broken_off() -> None:
        async with open_session() as session:
            tools = Tools(session, BlobStore(django_settings.POSTROOM.blob_url), lambda _: None, clock.now)
            task = asyncio.create_task(drain(destination.pk, tools))
            memory.reached = asyncio.Event()
            memory.hangs = True
            await memory.reached.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(broken_off())
    memory.hangs = False
    assert Delivery.objects.get().state == DeliveryState.SENDING
    clock.forward(seconds=1)
    assert ledger.due_destinations(clock.now()) == [destination.pk]
    assert run_drain(destination, clock).delivered == 1
    assert memory.parcels[0].maybe_sent


def test_due_destinations_are_those_that_take_something(account, destination, memory, carol, clock):
    assert ledger.due_destinations(clock.now()) == [destination.pk]
    memory.plan = [Throttled(retry_after=60)]
    run_drain(destination, clock)
    assert ledger.due_destinations(clock.now()) == []
    clock.forward(seconds=61)
    assert ledger.due_destinations(clock.now()) == [destination.pk]
    pause(destination, None)
    assert ledger.due_destinations(clock.now()) == []


def test_limits_are_kept_and_little_of_them_is_wasted(destination, memory, account, clock):
    memory.limit, memory.batch = Limit(10, 5.0), 1
    for number in range(60):
        make_lead(account, f"p{number}@customer.example")
    began = clock.now()
    drain_all(destination, clock)
    times = sorted(memory.times)
    for first, eleventh in zip(times, times[10:], strict=False):
        assert eleventh - first >= 5.0
    took = (clock.now() - began).total_seconds()
    # Sixty calls at ten in five seconds: the last ten begin after five windows.
    assert 25 <= took < 25 * 1.02 + 4


def test_old_deliveries_and_removed_destinations_go(destination, memory, carol, dave, clock):
    activity = post(carol, "Hello")
    run_drain(destination, clock)
    Delivery.objects.filter(lead_id=dave.pk).update(created_at=datetime.now(UTC) - timedelta(days=91))
    DeliveryAttempt.objects.filter(delivery__lead_id=dave.pk).update(
        at=datetime.now(UTC) - timedelta(days=91)
    )
    tidy(datetime.now(UTC))
    assert set(Delivery.objects.values_list("lead_id", flat=True)) == {carol.pk}
    assert DeliveryAttempt.objects.count() == 2
    assert RemoteActivity.objects.get().activity_id == activity.pk
    remove(destination, None)
    tidy(datetime.now(UTC))
    assert not Destination.objects.exists()
    assert not Delivery.objects.exists()
    assert not RemoteLead.objects.exists()


def test_an_answer_nobody_waited_for_counts_as_unknown(destination, memory, carol, clock):
    memory.plan = [Unknown]
    run_drain(destination, clock)
    row = Delivery.objects.get()
    assert (row.state, row.is_maybe_sent) == (DeliveryState.UNKNOWN, True)
    drain_all(destination, clock)
    assert len(memory.parcels) == 1
