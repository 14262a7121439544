"""What arrives at LeadSquared, with how many calls, and what happens when something goes wrong."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings as django_settings

from postroom.crm.capture import sources_named
from postroom.crm.editing import save_lead
from postroom.crm.models import Activity, ActivityKind, Attachment, Lead, MessageCopy
from postroom.destinations.leadsquared.client import Keys
from postroom.destinations.models import Delivery, DeliveryAttempt, DeliveryState, Destination, RemoteLead
from postroom.organisations.models import Account
from postroom.sandbox.leadsquared import WELL_KNOWN, LeadSquaredSandbox
from tests.destinations.contract import drain_all
from tests.destinations.leadsquared.conftest import (
    ASK,
    CHOSEN,
    KEY,
    POST,
    RECEIVED,
    SENT,
    SETTLE,
    SUBJECT,
    UPDATE,
    calls,
    open_leadsquared,
)
from tests.destinations.room import Clock, post, run_drain
from tests.sync.conftest import make_lead

CAROL, DAVE = "carol@customer.example", "dave@customer.example"


@pytest.fixture
def place(leadsquared: LeadSquaredSandbox, account: Account) -> Destination:
    return open_leadsquared(account)


def said(event: str = "activity.created") -> list[tuple[str, str]]:
    """State and words of the deliveries of an event, in order."""
    rows = Delivery.objects.filter(event=event).order_by("pk")
    return list(rows.values_list("state", "said"))


def subjects(sandbox: LeadSquaredSandbox, email: str) -> list[str]:
    """Of a lead's activities, in the order in which they were posted."""
    mine = [each for each in sandbox.activities if sandbox.leads.get(each.lead_id).email == email]
    return [each.values[SUBJECT] for each in mine]


# Leads


def test_a_new_lead_is_made_with_its_fields_and_an_existing_one_keeps_its_own(
    leadsquared, place, account, rita, clock
):
    leadsquared.add_lead(DAVE, FirstName="David", Source="Fair")
    source = sources_named(account.pk, ["Email"])["Email"]
    for email, first in ((CAROL, "Carol"), (DAVE, "Dave")):
        lead = make_lead(account, email)
        Lead.objects.filter(pk=lead.pk).update(first_name=first, source_id=source, owner=rita)
        post(lead, f"To {email}")
    drain_all(place, clock)
    carol, dave = leadsquared.lead(CAROL), leadsquared.lead(DAVE)
    assert (carol.values["FirstName"], carol.values["Source"], carol.owner.email) == (
        "Carol",
        "Email",
        "rita@northwind.example",
    )
    assert (dave.values["FirstName"], dave.values["Source"]) == ("David", "Fair")
    assert [words for _, words in said("lead.created")] == [
        "",
        "LeadSquared had this lead already; its values stay.",
    ]
    assert set(RemoteLead.objects.values_list("remote_id", flat=True)) == {carol.id, dave.id}


def test_the_least_calls_for_sixty_mails_to_thirty_new_people(leadsquared, place, account, clock):
    leads = [make_lead(account, f"p{number}@customer.example") for number in range(30)]
    for number in range(2):
        for lead in leads:
            post(lead, str(number))
    drain_all(place, clock)
    assert len(leadsquared.activities) == 60
    # Two bulk calls find or make the leads; none has a field besides its address to be filled in.
    assert [calls(leadsquared, name) for name in (SETTLE, UPDATE, POST, ASK)] == [2, 0, 3, 0]
    for lead in leads:
        post(lead, "again")
    before = calls(leadsquared)
    drain_all(place, clock)
    assert calls(leadsquared) - before == 2


def test_the_way_to_thousands_of_mails_on_one_lead_keeps_their_order(leadsquared, place, account, clock):
    lead = make_lead(account, CAROL)
    for number in range(130):
        post(lead, str(number))
    drain_all(place, clock)
    assert subjects(leadsquared, CAROL) == [str(number) for number in range(130)]
    assert calls(leadsquared, POST) <= 8


def test_r084_a_mail_is_of_its_type_at_its_time_and_belongs_to_its_rep(
    leadsquared, place, account, rita, clock
):
    lead = make_lead(account, CAROL)
    sent = post(lead, "Sent", ActivityKind.SENT)
    received = post(lead, "Received")
    for each in (sent, received):
        MessageCopy.objects.create(account=account, message=each.message, user=rita, sent=each is sent)
    drain_all(place, clock)
    by_subject = {each.values[SUBJECT]: each for each in leadsquared.activities}
    assert by_subject["Sent"].type.code == SENT
    assert by_subject["Received"].type.code == RECEIVED
    assert by_subject["Sent"].owner.email == rita.email
    assert int(by_subject["Sent"].moment) == int(sent.happened_at.timestamp())
    assert {each.values[KEY] for each in leadsquared.activities} == {
        str(key) for key in Delivery.objects.filter(event="activity.created").values_list("key", flat=True)
    }


def test_a_rep_who_left_owns_nothing_there(leadsquared, place, account, rita, clock):
    leadsquared.deactivate(rita.email)
    mail = post(make_lead(account, CAROL), "Hello")
    MessageCopy.objects.create(account=account, message=mail.message, user=rita, sent=False)
    drain_all(place, clock)
    assert [each.owner.email for each in leadsquared.activities] == ["admin@leadsquared.example"]


def test_a_phone_number_that_another_lead_has_keeps_the_rest_from_nobody(leadsquared, place, account, clock):
    leadsquared.add_lead(DAVE, Phone="+49301234567")
    lead = make_lead(account, CAROL)
    Lead.objects.filter(pk=lead.pk).update(first_name="Carol", phone="+49301234567")
    drain_all(place, clock)
    carol = leadsquared.lead(CAROL)
    assert carol.values == {"EmailAddress": CAROL, "FirstName": "Carol"}
    assert said("lead.created") == [("delivered", "")]


def test_a_change_made_here_is_written_there_except_the_source(leadsquared, place, account, clock):
    lead = make_lead(account, CAROL)
    drain_all(place, clock)
    save_lead(lead, {"first_name": "Caroline", "company": "Customer Ltd", "source": "Trade fair"})
    drain_all(place, clock)
    carol = leadsquared.lead(CAROL)
    assert (carol.values["FirstName"], carol.values["Company"]) == ("Caroline", "Customer Ltd")
    assert "Source" not in carol.values
    save_lead(lead, {"company": "", "email": "caroline@customer.example"})
    drain_all(place, clock)
    changed = leadsquared.lead("caroline@customer.example")
    assert changed.id == carol.id
    assert "Company" not in changed.values


def test_an_address_of_another_lead_there_is_a_refusal_that_says_so(leadsquared, place, account, clock):
    leadsquared.add_lead("taken@customer.example")
    lead = make_lead(account, CAROL)
    drain_all(place, clock)
    save_lead(lead, {"email": "taken@customer.example"})
    drain_all(place, clock)
    state, words = said("lead.updated")[0]
    assert state == DeliveryState.GIVEN_UP
    assert "A Lead with same Email already exists." in words


def test_set_to_make_no_leads_only_those_that_are_there_get_mail(leadsquared, account, clock):
    place = open_leadsquared(account, replace(CHOSEN, create_leads=False))
    leadsquared.add_lead(DAVE)
    for email in (CAROL, DAVE):
        post(make_lead(account, email), f"To {email}")
    drain_all(place, clock)
    assert len(leadsquared.leads) == 1
    assert subjects(leadsquared, DAVE) == [f"To {DAVE}"]
    (made, _), _ = said("lead.created")
    (refused, words), (arrived, _) = said()
    assert (made, refused, arrived) == ("delivered", "given_up", "delivered")
    assert "Postroom is set to make none" in words


def test_a_lead_without_an_address_is_left_out(leadsquared, place, account, clock):
    Lead.objects.create(account=account, first_name="No", last_name="Address")
    drain_all(place, clock)
    assert len(leadsquared.leads) == 0
    assert said("lead.created") == [
        ("delivered", "The lead has no mail address, by which LeadSquared could know it.")
    ]


def test_a_lead_that_was_deleted_there_is_made_anew_when_mail_comes(leadsquared, place, account, clock):
    lead, other = make_lead(account, CAROL), make_lead(account, DAVE)
    post(lead, "Before")
    drain_all(place, clock)
    leadsquared.delete_lead(CAROL)
    for number in range(30):
        post(lead, str(number))
        post(other, str(number))
    drain_all(place, clock)
    assert subjects(leadsquared, CAROL) == [str(number) for number in range(30)]
    assert subjects(leadsquared, DAVE) == [str(number) for number in range(30)]
    assert not Delivery.objects.exclude(state=DeliveryState.DELIVERED).exists()


# Lost answers


@pytest.mark.parametrize("kind", ["lose_answer", "truncate", "late_error"])
def test_an_activity_whose_answer_was_lost_is_looked_up(leadsquared, place, account, clock, kind):
    for email in (CAROL, DAVE):
        post(make_lead(account, email), f"To {email}")
    leadsquared.fault(kind, method=POST, **({"status": 500} if kind == "late_error" else {}))
    drain_all(place, clock)
    assert subjects(leadsquared, CAROL) == [f"To {CAROL}"]
    assert subjects(leadsquared, DAVE) == [f"To {DAVE}"]
    assert calls(leadsquared, POST) == 1
    assert calls(leadsquared, ASK) == 2
    assert {words for _, words in said()} == {"It had arrived at an earlier try."}


def test_one_that_never_got_there_is_looked_up_and_sent_again(leadsquared, place, account, clock):
    post(make_lead(account, CAROL), "Hello")
    leadsquared.fault("drop", method=POST)
    drain_all(place, clock)
    assert subjects(leadsquared, CAROL) == ["Hello"]
    assert (calls(leadsquared, POST), calls(leadsquared, ASK)) == (2, 1)


def test_without_a_field_for_the_id_it_is_found_in_the_note(leadsquared, account, clock):
    place = open_leadsquared(account, replace(CHOSEN, received_fields={}))
    lead = make_lead(account, CAROL)
    for number in range(230):
        post(lead, f"Old {number}")
    drain_all(place, clock)
    post(lead, "Hello")
    leadsquared.fault("lose_answer", method=POST)
    drain_all(place, clock)
    assert len(leadsquared.activities) == 231
    assert not leadsquared.doubles()


@pytest.mark.parametrize("lost", [SETTLE, UPDATE])
@pytest.mark.parametrize("kind", ["lose_answer", "drop"])
def test_a_lead_whose_making_had_no_answer_is_one_and_complete(
    leadsquared, place, account, clock, lost, kind
):
    lead = make_lead(account, CAROL)
    Lead.objects.filter(pk=lead.pk).update(first_name="Carol", company="Customer Ltd")
    post(lead, "Hello")
    leadsquared.fault(kind, method=lost)
    drain_all(place, clock)
    assert len(leadsquared.leads) == 1
    carol = leadsquared.lead(CAROL)
    assert (carol.values["FirstName"], carol.values["Company"]) == ("Carol", "Customer Ltd")
    assert subjects(leadsquared, CAROL) == ["Hello"]


def test_a_limit_between_making_a_lead_and_filling_it_in_is_made_up_for(leadsquared, place, account, clock):
    lead = make_lead(account, CAROL)
    Lead.objects.filter(pk=lead.pk).update(first_name="Carol")
    leadsquared.fault("error", method=UPDATE, status=429, reason="MXAPICallsExceededException")
    drain_all(place, clock)
    assert leadsquared.lead(CAROL).values["FirstName"] == "Carol"


def test_lost_answers_at_random_double_nothing_and_lose_nothing(leadsquared, place, account, clock):
    leads = [make_lead(account, f"p{number}@customer.example") for number in range(40)]
    for number in range(6):
        for lead in leads:
            post(lead, str(number))
    for kind in ("lose_answer", "drop", "late_error"):
        more = {"status": 500} if kind == "late_error" else {}
        leadsquared.fault(kind, probability=0.2, times=None, **more)
    leadsquared.fault("error", status=429, reason="MXAPICallsExceededException", probability=0.1, times=None)
    drain_all(place, clock)
    assert len(leadsquared.leads) == 40
    for lead in leads:
        assert subjects(leadsquared, lead.email) == [str(number) for number in range(6)]
    assert not Delivery.objects.exclude(state=DeliveryState.DELIVERED).exists()


# Refusals


def test_a_call_that_is_refused_as_a_whole_is_halved_until_the_bad_one_is_found(
    leadsquared, place, account, clock
):
    leads = [make_lead(account, f"p{number}@customer.example") for number in range(8)]
    for lead in leads:
        post(lead, "Hello")
    leadsquared.fault("error", method=POST, status=400, reason="MXInvalidInputException", times=2)
    drain_all(place, clock)
    assert len(leadsquared.activities) == 8


def test_a_mail_in_a_bulk_that_does_not_fit_holds_nothing_up(leadsquared, account, clock):
    """Its subject's field takes numbers only, as somebody set it there."""
    kind = leadsquared.activities.type(RECEIVED)
    kind.fields = tuple(
        replace(each, data_type="Number") if each.schema == SUBJECT else each for each in kind.fields
    )
    place = open_leadsquared(account)
    lead = make_lead(account, CAROL)
    for subject in ("1", "two", "3"):
        post(lead, subject)
    drain_all(place, clock)
    assert subjects(leadsquared, CAROL) == ["1", "3"]
    assert [state for state, _ in said()] == ["delivered", "given_up", "delivered"]


def test_a_type_of_activity_that_is_gone_stops_the_destination_with_a_sentence(
    leadsquared, place, account, clock, told
):
    post(make_lead(account, CAROL), "Hello")
    del leadsquared.activities.types[RECEIVED]
    run_drain(place, clock, told)
    assert place.state == "stopped"
    assert "no activity type with code 202" in place.last_error
    assert len(told.names) == 1


# What went


def test_what_is_deleted_here_stays_there_unless_it_is_set_otherwise(leadsquared, place, account, clock):
    lead = make_lead(account, CAROL)
    mail = post(lead, "Hello")
    drain_all(place, clock)
    Activity.objects.filter(pk=mail.pk).delete()
    lead.delete()
    drain_all(place, clock)
    assert subjects(leadsquared, CAROL) == ["Hello"]
    assert said("activity.deleted") == [("delivered", "Left as it is in LeadSquared.")]
    assert said("lead.deleted") == [("delivered", "Left as it is in LeadSquared.")]


def test_deleting_there_takes_that_activity_and_no_other(leadsquared, account, clock):
    place = open_leadsquared(account, replace(CHOSEN, on_delete="delete"))
    leadsquared.settings.leads_may_be_deleted = True
    lead, other = make_lead(account, CAROL), make_lead(account, DAVE)
    first, second, twin = (post(lead, subject) for subject in ("First", "Second", "Twin"))
    for mail, minutes in ((first, 3), (second, 2), (twin, 2)):
        at = datetime(2026, 5, 4, 10, 0, tzinfo=UTC) - timedelta(minutes=minutes)
        Activity.objects.filter(pk=mail.pk).update(happened_at=at)
    drain_all(place, clock)
    Activity.objects.filter(pk__in=[first.pk, second.pk]).delete()
    drain_all(place, clock)
    assert subjects(leadsquared, CAROL) == ["Second", "Twin"]
    assert [state for state, _ in said("activity.deleted")] == ["delivered", "given_up"]
    assert "another activity of that time" in said("activity.deleted")[1][1]
    other.delete()
    drain_all(place, clock)
    assert [each.email for each in leadsquared.leads] == [CAROL]


def test_lead_deletion_that_leadsquared_has_not_enabled_says_so(leadsquared, account, clock):
    place = open_leadsquared(account, replace(CHOSEN, on_delete="delete"))
    lead = make_lead(account, CAROL)
    drain_all(place, clock)
    lead.delete()
    drain_all(place, clock)
    state, words = said("lead.deleted")[0]
    assert state == "given_up"
    assert "not enabled" in words


# Files


def test_attachments_are_uploaded_and_linked(leadsquared, account, clock, stored_file):
    place = open_leadsquared(account, replace(CHOSEN, attachments=True, received_fields={}))
    mail = post(make_lead(account, CAROL), "Offer")
    kept = stored_file(account, b"content of the offer")
    for part, name, blob in (("1", "offer.pdf", kept), ("2", "lost.pdf", "0" * 64)):
        Attachment.objects.create(
            account=account, message=mail.message, part=part, filename=name, size=20, blob=blob
        )
    drain_all(place, clock)
    assert list(leadsquared.files.values()) == [("offer.pdf", b"content of the offer")]
    (name,) = leadsquared.files
    (activity,) = leadsquared.activities
    origin = django_settings.POSTROOM.leadsquared_url
    assert f"Attachments: offer.pdf {origin}/files/{name}, lost.pdf\n" in activity.note


@pytest.fixture
def stored_file():
    import asyncio

    from postroom.vault.blobs import BlobStore

    def store(account: Account, content: bytes) -> str:
        async def pieces():
            yield content

        blobs = BlobStore(django_settings.POSTROOM.blob_url)
        return asyncio.run(blobs.put(account.pk, pieces())).sha256

    return store


# Limits and keys


class StillClock(Clock):
    """Time that goes on only where somebody waits, however slow the machine is."""

    def now(self) -> datetime:
        return NOON + self.ahead

    async def sleep(self, seconds: float) -> None:
        """A moment more, for a clock counts whole microseconds."""
        self.forward(seconds=seconds + 0.001)


NOON = datetime(2027, 5, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize("plan", ["pro", "super", "lite"])
def test_no_call_is_refused_for_being_over_the_plans_limit(leadsquared, account, plan, monkeypatch):
    """The stand-in's clock goes with the drain's, which goes forward by one who waits at a time."""
    monkeypatch.setattr("postroom.destinations.leadsquared.posting.AT_ONCE", 1)
    clock = StillClock()
    leadsquared.limit(plan)
    leadsquared.clock.now = lambda: clock.now().timestamp()
    place = open_leadsquared(account, replace(CHOSEN, plan=plan))
    leads = [make_lead(account, f"p{number}@customer.example") for number in range(30)]
    for number in range(20):
        for lead in leads:
            post(lead, str(number))
    drain_all(place, clock)
    assert len(leadsquared.activities) == 600
    assert leadsquared.ledger.total().limited == 0


def test_keys_are_in_no_log_and_in_nothing_that_is_stored(leadsquared, place, account, clock, told, caplog):
    """Not even where LeadSquared's answer quotes them."""
    caplog.set_level("DEBUG")
    post(make_lead(account, CAROL), "Hello")
    quoted = f"Invalid: {WELL_KNOWN[0]} with {WELL_KNOWN[1]}"
    leadsquared.fault("lose_answer", method=POST)
    leadsquared.fault("error", method=ASK, status=500, reason="MXInvalidInputException", message=quoted)
    for _ in range(3):
        run_drain(place, clock, told)
        clock.forward(minutes=5)
    leadsquared.fault("error", status=401, reason="MXInvalidAccessDetailsException", message=quoted)
    post(make_lead(account, DAVE), "Hello")
    run_drain(place, clock, told)
    assert "Invalid: … with …" in place.last_error
    stored = [
        *DeliveryAttempt.objects.values_list("said", flat=True),
        *Delivery.objects.values_list("said", flat=True),
        place.last_error,
        caplog.text,
        repr(Keys(*WELL_KNOWN)),
        *told.names,
    ]
    for key in WELL_KNOWN:
        assert not [words for words in stored if key in words]
    assert [words for words in stored if "Invalid: …" in words]
