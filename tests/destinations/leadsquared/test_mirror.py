"""LeadSquared's leads in ours: all of them once, then what changes, without echoes and without doubles."""

import asyncio
from dataclasses import replace

import pytest

from postroom.connector.erasing import begin_erasure, run_erasure
from postroom.connector.merging import merge
from postroom.crm.editing import create_lead, save_lead
from postroom.crm.fields import define_field
from postroom.crm.matching import leads_at
from postroom.crm.models import FieldType, Lead, LeadAddress
from postroom.destinations.leadsquared import leads as remote_leads
from postroom.destinations.leadsquared.mirror import Progress, due_mirrors, mirror, progress_of
from postroom.destinations.leadsquared.settings import LEAD_FIELDS
from postroom.destinations.managing import create_destination, pause
from postroom.destinations.models import Delivery, Destination, RemoteLead
from postroom.organisations.models import Account
from postroom.providers.http import open_session
from postroom.sandbox.leadsquared import LeadSquaredSandbox
from tests.destinations.contract import drain_all
from tests.destinations.leadsquared.conftest import CHOSEN, SETTLE, SUBJECT, calls, open_leadsquared
from tests.destinations.room import Clock, post
from tests.mails import mail
from tests.sync.conftest import make_lead

CAROL, DAVE = "carol@customer.example", "dave@customer.example"
SEARCH = "LeadManagement.svc/Leads.Get"


@pytest.fixture
def place(leadsquared: LeadSquaredSandbox, account: Account) -> Destination:
    fields = {**LEAD_FIELDS, "mx_City": "custom:city", "mx_Zip": "custom:size"}
    define_field(account, "City", FieldType.TEXT)
    define_field(account, "Size", FieldType.NUMBER)
    return open_leadsquared(account, replace(CHOSEN, mirror=True, lead_fields=fields))


@pytest.fixture
def sandbox_time(leadsquared: LeadSquaredSandbox, clock: Clock) -> Clock:
    """The stand-in's clock goes with the tests'."""
    leadsquared.clock.now = lambda: clock.now().timestamp()
    return clock


def read(place: Destination, clock: Clock, pages: int = 50) -> Progress:
    """One run of the mirror."""

    async def run() -> bool:
        async with open_session() as session:
            return await mirror(place.pk, session, now=clock.now, sleep=clock.sleep, pages=pages)

    asyncio.run(run())
    place.refresh_from_db()
    return progress_of(place)


def lead_at(email: str) -> Lead:
    return Lead.objects.get(email_key=email)


def test_a_mirror_of_five_thousand_leads_and_one_page_for_what_changes(
    leadsquared, place, account, sandbox_time
):
    for number in range(5000):
        leadsquared.add_lead(f"p{number}@customer.example", FirstName=f"P{number}", Company="Customer Ltd")
    done = read(place, sandbox_time)
    assert (done.phase, done.made, done.left_out) == ("changes", 5000, 0)
    assert Lead.objects.filter(account=account, company="Customer Ltd").count() == 5000
    assert LeadAddress.objects.filter(account=account).count() == 5000
    assert RemoteLead.objects.filter(destination=place).count() == 5000
    sandbox_time.forward(minutes=20)
    read(place, sandbox_time)
    before = calls(leadsquared)
    leadsquared.change_lead("p7@customer.example", FirstName="Seven")
    sandbox_time.forward(minutes=2)
    read(place, sandbox_time)
    assert lead_at("p7@customer.example").first_name == "Seven"
    assert calls(leadsquared) - before == 1


def test_mail_to_a_mirrored_lead_is_delivered_by_its_id_without_any_look_up(
    leadsquared, place, account, sandbox_time
):
    leadsquared.add_lead(CAROL, FirstName="Carol")
    read(place, sandbox_time)
    assert [lead.id for lead in leads_at(account.pk, [CAROL])[CAROL]] == [lead_at(CAROL).pk]
    post(lead_at(CAROL), "Hello")
    drain_all(place, sandbox_time)
    assert len(leadsquared.activities_of(CAROL)) == 1
    assert calls(leadsquared, SETTLE) == 0


def test_all_mirrored_values_arrive(leadsquared, place, account, rita, sandbox_time):
    leadsquared.add_lead(
        CAROL,
        owner=rita.email,
        FirstName="Carol",
        LastName="Customer",
        Phone="+49301",
        Company="Customer Ltd",
        Source="Fair",
        mx_City="Berlin",
        mx_Zip="not a number",
    )
    read(place, sandbox_time)
    carol = lead_at(CAROL)
    assert (carol.first_name, carol.last_name, carol.phone, carol.company) == (
        "Carol",
        "Customer",
        "+49301",
        "Customer Ltd",
    )
    assert carol.source is not None
    assert (carol.source.name, carol.owner, carol.custom) == ("Fair", rita, {"city": "Berlin"})


def test_what_comes_from_there_is_not_told_there_but_to_others(
    leadsquared, place, account, sandbox_time, memory
):
    other = create_destination(account, "memory", "Memory", {}, {}, None)
    leadsquared.add_lead(CAROL, FirstName="Carol")
    read(place, sandbox_time)
    leadsquared.change_lead(CAROL, FirstName="Caroline")
    sandbox_time.forward(minutes=2)
    read(place, sandbox_time)
    assert lead_at(CAROL).first_name == "Caroline"
    assert not Delivery.objects.filter(destination=place).exists()
    assert {each.event for each in Delivery.objects.filter(destination=other)} == {"lead.created"}


def test_our_own_changes_come_back_without_an_echo(leadsquared, place, account, sandbox_time):
    lead = create_lead(account, {"first_name": "Carol", "email": CAROL})
    drain_all(place, sandbox_time)
    sandbox_time.forward(minutes=1)
    save_lead(lead, {"company": "Customer Ltd"})
    drain_all(place, sandbox_time)
    queued = Delivery.objects.count()
    read(place, sandbox_time)
    sandbox_time.forward(minutes=5)
    read(place, sandbox_time)
    assert Delivery.objects.count() == queued
    assert Lead.objects.count() == 1


def test_a_lead_of_ours_with_the_address_is_linked_and_not_doubled(leadsquared, place, account, sandbox_time):
    lead = create_lead(account, {"first_name": "Caro", "company": "Ours", "email": "Carol@Customer.example"})
    remote = leadsquared.add_lead(CAROL, FirstName="Carol", LastName="Customer")
    done = read(place, sandbox_time)
    assert (done.made, done.linked) == (0, 1)
    lead.refresh_from_db()
    # Theirs where there is a value there, ours where there is none.
    assert (lead.first_name, lead.last_name, lead.company) == ("Carol", "Customer", "Ours")
    assert RemoteLead.objects.get().remote_id == remote.id


def test_a_change_made_here_that_waits_to_be_delivered_is_kept(leadsquared, place, account, sandbox_time):
    leadsquared.add_lead(CAROL, FirstName="Carol")
    read(place, sandbox_time)
    save_lead(lead_at(CAROL), {"first_name": "Caroline"})
    leadsquared.change_lead(CAROL, FirstName="Carola")
    sandbox_time.forward(minutes=2)
    read(place, sandbox_time)
    assert lead_at(CAROL).first_name == "Caroline"
    drain_all(place, sandbox_time)
    sandbox_time.forward(minutes=2)
    read(place, sandbox_time)
    assert lead_at(CAROL).first_name == leadsquared.lead(CAROL).values["FirstName"] == "Caroline"


def test_an_address_that_changes_there_changes_here_unless_another_lead_has_it(
    leadsquared, place, account, sandbox_time
):
    leadsquared.add_lead(CAROL)
    leadsquared.add_lead(DAVE)
    read(place, sandbox_time)
    carol = lead_at(CAROL)
    make_lead(account, "taken@customer.example")
    leadsquared.change_lead(CAROL, EmailAddress="caroline@customer.example")
    leadsquared.change_lead(DAVE, EmailAddress="taken@customer.example", FirstName="Dave")
    sandbox_time.forward(minutes=2)
    read(place, sandbox_time)
    assert lead_at("caroline@customer.example").pk == carol.pk
    assert lead_at(DAVE).first_name == "Dave"


def test_r083_an_erased_person_is_not_brought_back(leadsquared, place, account, rita, sandbox_time):
    leadsquared.add_lead(CAROL, FirstName="Carol")
    read(place, sandbox_time)
    run_erasure(begin_erasure(lead_at(CAROL), rita).pk)
    RemoteLead.objects.all().delete()
    leadsquared.change_lead(CAROL, FirstName="Caroline")
    sandbox_time.forward(minutes=2)
    done = read(place, sandbox_time)
    assert not Lead.objects.exists()
    assert done.left_out >= 1


def test_a_lead_that_was_deleted_here_stays_deleted(leadsquared, place, account, sandbox_time):
    leadsquared.add_lead(CAROL, FirstName="Carol")
    read(place, sandbox_time)
    lead_at(CAROL).delete()
    leadsquared.change_lead(CAROL, FirstName="Caroline")
    sandbox_time.forward(minutes=2)
    read(place, sandbox_time)
    assert not Lead.objects.exists()


def test_a_lead_that_was_merged_here_is_not_made_anew_nor_written_into_the_other(
    leadsquared, place, account, rita, sandbox_time
):
    leadsquared.add_lead(CAROL, FirstName="Carol")
    leadsquared.add_lead(DAVE, FirstName="Dave")
    read(place, sandbox_time)
    merge(lead_at(CAROL), lead_at(DAVE), (), rita)
    RemoteLead.objects.filter(remote_id=leadsquared.lead(DAVE).id).delete()
    leadsquared.change_lead(DAVE, FirstName="David")
    sandbox_time.forward(minutes=2)
    read(place, sandbox_time)
    assert [lead.first_name for lead in Lead.objects.all()] == ["Carol"]


def test_it_goes_on_where_it_stopped(leadsquared, place, account, sandbox_time, monkeypatch):
    monkeypatch.setattr(remote_leads, "PAGE", 10)
    monkeypatch.setattr("postroom.destinations.leadsquared.mirror.PAGE", 10)
    for number in range(35):
        leadsquared.add_lead(f"p{number}@customer.example")
    for expected in (10, 20, 30, 35):
        assert read(place, sandbox_time, pages=1).made == expected
    leadsquared.fault("lose_answer", method=SEARCH, times=None)
    for number in range(35, 60):
        leadsquared.add_lead(f"p{number}@customer.example")
    assert read(place, sandbox_time, pages=1).said
    leadsquared.faults.clear()
    sandbox_time.forward(minutes=5)
    assert read(place, sandbox_time).said == ""
    assert Lead.objects.count() == 60


def test_many_changes_within_one_second_are_all_read(leadsquared, place, account, sandbox_time, monkeypatch):
    monkeypatch.setattr(remote_leads, "PAGE", 10)
    monkeypatch.setattr("postroom.destinations.leadsquared.mirror.PAGE", 10)
    for number in range(45):
        leadsquared.add_lead(f"p{number}@customer.example")
    read(place, sandbox_time)
    sandbox_time.forward(minutes=20)
    at = sandbox_time.now().timestamp()
    leadsquared.clock.now = lambda: at
    for number in range(45):
        leadsquared.change_lead(f"p{number}@customer.example", FirstName="Changed")
    sandbox_time.forward(minutes=2)
    read(place, sandbox_time)
    assert Lead.objects.filter(first_name="Changed").count() == 45


@pytest.mark.parametrize("kind", ["duplicate", "reorder"])
def test_entries_that_come_twice_or_shuffled_do_no_harm(leadsquared, place, account, sandbox_time, kind):
    for number in range(20):
        leadsquared.add_lead(f"p{number}@customer.example")
    leadsquared.fault(kind, method=SEARCH, times=None)
    done = read(place, sandbox_time)
    assert (done.made, Lead.objects.count()) == (20, 20)


def test_keys_that_are_no_longer_good_are_told_in_words(leadsquared, place, sandbox_time):
    leadsquared.revoke()
    assert "does not accept" in read(place, sandbox_time).said


def test_it_is_due_every_two_minutes_while_the_destination_is_on(leadsquared, place, sandbox_time):
    assert due_mirrors(sandbox_time.now()) == [place.pk]
    read(place, sandbox_time)
    assert due_mirrors(sandbox_time.now()) == []
    sandbox_time.forward(minutes=3)
    assert due_mirrors(sandbox_time.now()) == [place.pk]
    pause(place, None)
    assert due_mirrors(sandbox_time.now()) == []


def test_a_destination_that_does_not_mirror_reads_nothing(leadsquared, account, sandbox_time):
    place = open_leadsquared(account)
    leadsquared.add_lead(CAROL)
    assert due_mirrors(sandbox_time.now()) == []
    read(place, sandbox_time)
    assert calls(leadsquared) == 0
    assert not Lead.objects.exists()


def test_mail_of_someone_known_to_leadsquared_alone_becomes_an_activity_there(
    leadsquared, place, account, google, mailbox, sync, sandbox_time
):
    """Without capture: the lead is there because it is mirrored, and nobody is asked for it."""
    leadsquared.add_lead(CAROL, FirstName="Carol")
    read(place, sandbox_time)
    google.deliver(mailbox.address, mail(from_=CAROL, to=mailbox.address, subject="Order"))
    google.deliver(mailbox.address, mail(from_="stranger@elsewhere.example", to=mailbox.address))
    sync(mailbox)
    drain_all(place, sandbox_time)
    assert [each.values[SUBJECT] for each in leadsquared.activities] == ["Order"]
    assert [lead.email for lead in leadsquared.leads] == [CAROL]
