"""Destinations: adding, changing and watching them, and what was given up (R-084)."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from postroom.connector.access import save_access_rule
from postroom.connector.models import AuditEntry
from postroom.destinations import managing
from postroom.destinations.leadsquared import catalogue
from postroom.destinations.leadsquared.endpoints import REGIONS
from postroom.destinations.leadsquared.plans import PLANS
from postroom.destinations.managing import create_destination, secrets_of
from postroom.destinations.models import (
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    Destination,
    DestinationState,
    RemoteActivity,
)
from postroom.destinations.webhooks.settings import WebhookSettings, to_data
from postroom.destinations.webhooks.signing import new_secrets
from postroom.organisations.models import AccessMode, Account, Purpose
from postroom.sandbox.leadsquared import WELL_KNOWN, FieldOfType, LeadSquaredSandbox
from postroom.web.destinations import words
from tests.mails import mail

URL = "https://hooks.customer.example/postroom"
SENT, RECEIVED = 201, 202
LIST = "/settings/destinations/"


@pytest.fixture
def leadsquared(settings) -> Iterator[LeadSquaredSandbox]:
    sandbox = LeadSquaredSandbox()
    sandbox.add_key()
    fields = [FieldOfType("mx_Custom_1", "Subject"), FieldOfType("mx_Custom_2", "Mail text")]
    sandbox.add_activity_type("Email Sent", fields, code=SENT)
    sandbox.add_activity_type("Email Received", fields, code=RECEIVED)
    catalogue.forget()
    with sandbox.run() as origin:
        settings.POSTROOM = replace(settings.POSTROOM, leadsquared_url=origin)
        yield sandbox


@pytest.fixture
def webhook(account: Account) -> Destination:
    chosen = to_data(WebhookSettings(url=URL))
    return create_destination(account, "webhook", "Warehouse", chosen, new_secrets(), None)


def page(client: Client, url: str, status: int = 200, **data: object) -> str:
    response = client.get(url, data)
    assert response.status_code == status
    return response.content.decode()


def posted(client: Client, url: str, data: dict[str, object], status: int = 302) -> str:
    response = client.post(url, data)
    assert response.status_code == status, response.content.decode()[:2000]
    return response.get("Location", "") if status == 302 else response.content.decode()


def webhook_form(**changes: object) -> dict[str, object]:
    form = {"name": "Warehouse", "url": URL, "events": ["activity.created"], "body": "on", "version": 0}
    return form | changes


def keys_form(**changes: object) -> dict[str, object]:
    form = {"name": "LeadSquared", "region": "", "plan": "super", "version": 0}
    return form | {"access_key": WELL_KNOWN[0], "secret_key": WELL_KNOWN[1]} | changes


def queue(
    destination: Destination, lead: int, state: str = DeliveryState.GIVEN_UP, **more: object
) -> Delivery:
    delivery = Delivery.objects.create(
        account=destination.account,
        destination=destination,
        event="activity.created",
        lead_id=lead,
        subject_id=Delivery.objects.count() + 1,
        state=state,
        due_at=datetime.now(UTC),
        **more,
    )
    DeliveryAttempt.objects.create(
        account=destination.account,
        delivery=delivery,
        at=datetime.now(UTC),
        milliseconds=12,
        outcome="refused",
        request_id=f"req-{delivery.pk}",
        said="The field is too long.",
    )
    return delivery


# Adding


def test_without_a_destination_the_page_says_what_one_is_for(as_, ada):
    shown = page(as_(ada), LIST)
    assert "Nothing is delivered elsewhere yet" in shown
    assert f"{LIST}new/leadsquared/" in shown
    assert f"{LIST}new/webhook/" in shown


def test_a_webhook_is_added_and_its_secret_shown_once(as_, ada, account):
    client = as_(ada)
    where = posted(client, f"{LIST}new/webhook/", webhook_form())
    made = Destination.objects.get()
    assert (made.name, made.settings["url"], made.events) == ("Warehouse", URL, ["activity.created"])
    secret = secrets_of(made)["secret"]
    assert str(secret) in page(client, where)
    assert str(secret) not in page(client, where)
    assert AuditEntry.objects.get().by == ada


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": "ftp://x.example"}, "This is no URL"),
        ({"url": "http://hooks.customer.example/x"}, "must begin with https://"),
        ({"url": "https://user:pw@x.example/"}, "user name and password"),
        ({"url": ""}, "Enter the URL"),
        ({"name": ""}, "Give it a name"),
        ({"events": []}, "at least one event"),
    ],
)
def test_what_is_wrong_with_a_webhook_stands_beside_it(as_, ada, changes, said):
    shown = posted(as_(ada), f"{LIST}new/webhook/", webhook_form(**changes), status=422)
    assert said in shown
    assert not Destination.objects.exists()


def test_two_destinations_have_two_names(as_, ada, webhook):
    shown = posted(as_(ada), f"{LIST}new/webhook/", webhook_form(), status=422)
    assert "There is a destination Warehouse already." in shown


def test_a_new_secret_signs_beside_the_old_one_and_is_shown_once(as_, ada, webhook):
    client, before = as_(ada), secrets_of(webhook)["secret"]
    where = posted(client, f"{LIST}{webhook.pk}/secret/", {})
    webhook.refresh_from_db()
    held = secrets_of(webhook)
    assert held["previous"] == before
    assert str(held["secret"]) in page(client, where)
    assert str(held["secret"]) not in page(client, where)


def test_leadsquared_is_added_in_two_steps(as_, ada, account, leadsquared):
    client = as_(ada)
    second = posted(client, f"{LIST}new/leadsquared/", keys_form())
    assert not Destination.objects.exists()
    shown = page(client, second)
    assert "Email Received (202)" in shown
    assert WELL_KNOWN[1] not in shown
    form = {"sent_code": SENT, "received_code": RECEIVED, "create_leads": "on", "body": "on"}
    where = posted(client, second, form | {"on_delete": "leave", "history": "30"})
    made = Destination.objects.get()
    assert secrets_of(made) == {"access_key": WELL_KNOWN[0], "secret_key": WELL_KNOWN[1]}
    assert (made.settings["sent_code"], made.settings["plan"]) == (SENT, "super")
    assert made.settings["owner_by_rep"] is False
    assert made.history["days"] == 30
    assert "30 days is being queued" in page(client, where)
    assert client.get(second).status_code == 302


def test_the_pages_offer_the_regions_and_plans_that_there_are():
    assert set(words.REGIONS) == set(REGIONS)
    assert set(words.PLANS) == set(PLANS)


def test_a_test_and_the_choices_speak_german(as_, ada, connected):
    client, german = as_(ada), {"Accept-Language": "de"}
    shown = client.get(f"{LIST}{connected.pk}/keys/", headers=german).content.decode()
    assert "Indien (Mumbai)" in shown
    answer = client.post(f"{LIST}{connected.pk}/check/", headers={**german, "HX-Request": "true"})
    assert "LeadSquared hat geantwortet" in answer.content.decode()


def test_keys_that_open_nothing_are_refused_and_not_kept(as_, ada, leadsquared):
    client = as_(ada)
    shown = posted(client, f"{LIST}new/leadsquared/", keys_form(secret_key="wrong"), status=422)
    assert "LeadSquared" in re.search(r"errorlist[^>]*><li>([^<]+)", shown)[1]
    assert "wrong" not in shown
    assert client.get(f"{LIST}new/leadsquared/types/").status_code == 302
    missing = posted(client, f"{LIST}new/leadsquared/", keys_form(secret_key=""), status=422)
    assert "Enter the secret key." in missing


# Changing


@pytest.fixture
def connected(account: Account, leadsquared: LeadSquaredSandbox) -> Destination:
    secrets = {"access_key": WELL_KNOWN[0], "secret_key": WELL_KNOWN[1]}
    chosen = {"sent_code": SENT, "received_code": RECEIVED, "lead_fields": {"FirstName": "first_name"}}
    return create_destination(account, "leadsquared", "LeadSquared", chosen, secrets, None)


def edit_form(**changes: object) -> dict[str, object]:
    form = {"name": "LeadSquared", "version": 1, "sent_code": SENT, "received_code": RECEIVED}
    return form | {"on_delete": "delete", "body": "on", "lead:first_name": "FirstName"} | changes


def test_which_field_takes_what_is_chosen_from_those_that_are_there(as_, ada, connected):
    client, url = as_(ada), f"{LIST}{connected.pk}/edit/"
    shown = page(client, url)
    assert "Mail text (mx_Custom_2)" in shown
    assert WELL_KNOWN[1] not in shown
    posted(client, url, edit_form(**{"sent:subject": "mx_Custom_1", "sent:text": "mx_Custom_2"}))
    connected.refresh_from_db()
    assert connected.settings["sent_fields"] == {"mx_Custom_1": "subject", "mx_Custom_2": "text"}
    assert connected.settings["received_fields"] == {}
    assert connected.settings["lead_fields"] == {"FirstName": "first_name"}
    assert connected.settings["on_delete"] == "delete"
    twice = edit_form(version=2, **{"sent:subject": "mx_Custom_1", "sent:text": "mx_Custom_1"})
    assert "Another value goes into this field already." in posted(client, url, twice, status=422)
    odd = edit_form(version=2, **{"sent:subject": "mx_Custom_99"})
    assert "Select a valid choice" in posted(client, url, odd, status=422)


def test_the_second_of_two_who_edit_is_told(as_, ada, connected):
    client, url = as_(ada), f"{LIST}{connected.pk}/edit/"
    posted(client, url, edit_form(name="Ours"))
    shown = posted(client, url, edit_form(name="Theirs"), status=409)
    assert "Someone else saved this destination meanwhile." in shown
    assert 'value="Theirs"' in shown
    connected.refresh_from_db()
    assert connected.name == "Ours"
    version = re.search(r'name="version" value="(\d+)"', shown)[1]
    posted(client, url, edit_form(name="Theirs", version=version))
    connected.refresh_from_db()
    assert connected.name == "Theirs"


def test_the_settings_open_when_leadsquared_does_not_answer(as_, ada, connected, leadsquared):
    leadsquared.revoke()
    shown = page(as_(ada), f"{LIST}{connected.pk}/edit/")
    assert "could not be asked what there is to choose" in shown
    assert f'<option value="{SENT}" selected>' in shown


def test_other_keys_are_tried_before_they_are_kept(as_, ada, connected):
    client, url = as_(ada), f"{LIST}{connected.pk}/keys/"
    assert WELL_KNOWN[0] not in page(client, url)
    posted(client, url, keys_form(version=1, access_key="other", secret_key="other"), status=422)
    connected.refresh_from_db()
    assert secrets_of(connected)["access_key"] == WELL_KNOWN[0]
    posted(client, url, keys_form(version=1, access_key="", secret_key="", plan="pro"))
    connected.refresh_from_db()
    assert connected.settings["plan"] == "pro"
    assert secrets_of(connected)["access_key"] == WELL_KNOWN[0]


def test_a_test_says_what_answered(as_, ada, connected, leadsquared):
    client, url = as_(ada), f"{LIST}{connected.pk}/check/"
    answer = client.post(url, headers={"HX-Request": "true"}).content.decode()
    assert "LeadSquared answered" in answer
    leadsquared.revoke()
    refused = client.post(url, headers={"HX-Request": "true"}).content.decode()
    assert 'role="alert"' in refused
    assert "LeadSquared answered:" not in refused


def test_pausing_resuming_and_removing(as_, ada, carol, webhook):
    client, url = as_(ada), f"{LIST}{webhook.pk}/"
    queue(webhook, carol.pk, DeliveryState.WAITING)
    posted(client, f"{url}pause/", {})
    webhook.refresh_from_db()
    assert webhook.state == DestinationState.PAUSED
    assert "delivered when you resume it" in page(client, url)
    posted(client, f"{url}resume/", {})
    webhook.refresh_from_db()
    assert webhook.state == DestinationState.ON
    assert "1 delivery is still waiting; it will not arrive." in page(client, url)
    posted(client, f"{url}remove/", {})
    assert client.get(url).status_code == 404
    assert "Warehouse" not in page(client, LIST).replace("Warehouse is removed.", "")


# The log


def test_the_log_tells_each_delivery_with_its_attempts(
    as_, ada, carol, webhook, stranger, django_assert_max_num_queries
):
    for _ in range(60):
        queue(webhook, carol.pk, DeliveryState.DELIVERED)
    gone = queue(webhook, 987654, DeliveryState.GIVEN_UP, said="Refused for good.")
    client, url = as_(ada), f"{LIST}{webhook.pk}/"
    with django_assert_max_num_queries(15):
        shown = page(client, url)
    assert f"req-{gone.pk}" in shown
    assert "Refused for good." in shown
    assert "Lead 987654" in shown
    assert shown.count(f'href="/leads/{carol.pk}/"') == 49
    following = re.search(r'href="\?(after=[^"]+)"', shown)[1].replace("&amp;", "&")
    with django_assert_max_num_queries(15):
        assert page(client, f"{url}?{following}").count(f'href="/leads/{carol.pk}/"') == 11
    assert page(client, url, state="given_up").count("req-") == 1
    assert page(client, url, lead="987654").count("req-") == 1
    assert page(client, url, event="lead.created").count("req-") == 0
    assert page(client, url, state="nonsense", lead="x' or 1=1").count("req-") == 50
    page(client, f"{url}?after=nonsense", 404)


def renewed(client: Client, url: str, status: int = 200) -> str:
    """The answer to the page's own look at whether something has changed."""
    response = client.get(url, headers={"HX-Request": "true"})
    assert response.status_code == status
    return response.content.decode()


def next_look(shown: str) -> str:
    found = re.search(r'data-renews hx-get="([^"]+)"', shown)
    assert found
    return found[1].replace("&amp;", "&")


NEWS = re.compile(r'"innerHTML:#news">([^<]+)<')


def test_the_page_renews_itself_where_something_has_changed(
    as_, ada, carol, webhook, django_assert_max_num_queries
):
    waits = queue(webhook, carol.pk, DeliveryState.WAITING)
    client, url = as_(ada), f"{LIST}{webhook.pk}/"
    look = next_look(page(client, url))
    with django_assert_max_num_queries(8):
        assert renewed(client, look, 204) == ""
    Delivery.objects.filter(pk=waits.pk).update(state=DeliveryState.DELIVERED, said="200 OK")
    Destination.objects.update(last_delivered_at=datetime.now(UTC))
    with django_assert_max_num_queries(15):
        shown = renewed(client, look)
    assert "<html" not in shown
    assert "200 OK" in shown
    assert re.search(r'id="number-delivered"[^>]*><b>1</b>', shown)
    assert not NEWS.search(shown)
    assert "#notices" not in shown
    assert next_look(shown) != look
    renewed(client, next_look(shown), 204)


def test_what_people_are_told_of_is_said_aloud_once(as_, ada, carol, webhook):
    client, url = as_(ada), f"{LIST}{webhook.pk}/"
    look = next_look(page(client, url))
    queue(webhook, carol.pk, DeliveryState.GIVEN_UP)
    Destination.objects.update(state=DestinationState.STOPPED, last_error="The keys are no longer good.")
    shown = renewed(client, look)
    assert NEWS.search(shown)[1] == "Stopped. Given up: 1."
    assert "The keys are no longer good." in shown
    assert 'role="alert"' not in shown
    assert re.search(r'id="switch"[^>]*/resume/"[^>]*hx-swap-oob', shown)
    look = next_look(shown)
    queue(webhook, carol.pk, DeliveryState.WAITING)
    assert not NEWS.search(renewed(client, look))


def test_only_the_newest_page_of_what_is_asked_for_renews_itself(as_, ada, carol, webhook):
    for _ in range(60):
        queue(webhook, carol.pk, DeliveryState.GIVEN_UP)
    client, url = as_(ada), f"{LIST}{webhook.pk}/"
    shown = renewed(client, f"{url}?state=given_up")
    assert NEWS.search(shown)[1] == "50 deliveries are shown."
    look = next_look(shown)
    assert "state=given_up" in look
    queue(webhook, carol.pk, DeliveryState.DELIVERED)
    renewed(client, look, 204)
    following = re.search(r'href="\?(after=[^"]+)"', shown)[1].replace("&amp;", "&")
    assert "data-renews" not in page(client, f"{url}?{following}")


def test_what_was_given_up_is_sent_again_or_dropped(as_, ada, webhook, carol):
    first, second, third = (queue(webhook, carol.pk) for _ in range(3))
    client, url = as_(ada), f"{LIST}{webhook.pk}/"
    where = posted(client, f"{url}again/", {"id": [str(first.pk), "999999", "nonsense"]})
    assert "1 delivery is sent again." in page(client, where)
    assert states(first, second, third) == ["unknown", "given_up", "given_up"]
    posted(client, f"{url}drop/", {"id": str(second.pk)})
    assert states(first, second, third) == ["unknown", "dropped", "given_up"]
    posted(client, f"{url}again/", {})
    assert states(first, second, third) == ["unknown", "dropped", "unknown"]
    nothing = posted(client, f"{url}drop/", {"id": "nonsense"})
    assert "Nothing of that was given up any more." in page(client, nothing)


def drains(destination: Destination) -> int:
    jobs = ProcrastinateJob.objects.filter(task_name="drain_destination", status="todo")
    return jobs.filter(args={"destination_id": destination.pk}).count()


def test_r084_resuming_and_sending_again_wake_a_drain_once(as_, ada, webhook, carol):
    client, url = as_(ada), f"{LIST}{webhook.pk}/"
    queue(webhook, carol.pk)
    posted(client, f"{url}pause/", {})
    assert drains(webhook) == 0
    posted(client, f"{url}resume/", {})
    assert drains(webhook) == 1
    posted(client, f"{url}again/", {})
    assert drains(webhook) == 1


def test_r084_keys_that_mend_a_stopped_destination_wake_a_drain(as_, ada, connected):
    Destination.objects.update(state=DestinationState.STOPPED, last_error="The keys are no longer good.")
    client, url = as_(ada), f"{LIST}{connected.pk}/keys/"
    posted(client, url, keys_form(version=1, secret_key="other"), status=422)
    assert drains(connected) == 0
    posted(client, url, keys_form(version=1, plan="pro"))
    connected.refresh_from_db()
    assert (connected.state, drains(connected)) == (DestinationState.ON, 1)


def states(*deliveries: Delivery) -> list[str]:
    return [Delivery.objects.get(pk=each.pk).state for each in deliveries]


# Notices and marks


def test_whoever_configures_is_told_of_a_destination_that_does_not_work(as_, ada, rita, webhook):
    Destination.objects.update(failing_since=datetime.now(UTC) - timedelta(minutes=5))
    assert "Deliveries to Warehouse fail." not in page(as_(ada), "/leads/")
    Destination.objects.update(failing_since=datetime.now(UTC) - timedelta(minutes=16), last_error="Down.")
    assert "Deliveries to Warehouse fail." in page(as_(ada), "/leads/")
    assert "Warehouse" not in page(as_(rita), "/leads/")
    Destination.objects.update(state=DestinationState.STOPPED, last_error="The keys are no longer good.")
    assert "Nothing is delivered to Warehouse any more." in page(as_(ada), "/leads/")
    assert "The keys are no longer good." in page(as_(ada), f"{LIST}{webhook.pk}/")
    managing.remove(webhook, ada)
    assert "Warehouse" not in page(as_(ada), "/leads/")


def test_a_mail_says_where_it_was_delivered(as_, rita, google, mailbox, carol, sync, webhook, account):
    google.deliver(mailbox.address, mail(from_="carol@customer.example", subject="Order"))
    sync(mailbox)
    activity = carol.activities.get()
    assert "Warehouse" not in page(as_(rita), f"/leads/{carol.pk}/")
    RemoteActivity.objects.create(account=account, destination=webhook, activity_id=activity.pk)
    shown = page(as_(rita), f"/leads/{carol.pk}/")
    assert re.search(r"Delivered to </span>Warehouse", shown)


# Who may


def paths(pk: int) -> list[str]:
    return [
        LIST,
        *(f"{LIST}new/{name}/" for name in ("leadsquared", "leadsquared/types", "webhook")),
        *(f"{LIST}{pk}/{name}" for name in ("", "edit/", "keys/", "check/", "pause/", "resume/", "remove/")),
        *(f"{LIST}{pk}/{name}/" for name in ("secret", "again", "drop")),
    ]


def test_r015_nobody_comes_here_without_connector_access(as_, rita, max_, sam, ada, account, webhook):
    for user in (rita, max_):
        client = as_(user)
        for url in paths(webhook.pk):
            assert client.get(url).status_code in {403, 405}, url
            assert client.post(url, webhook_form()).status_code in {403, 405}, url
    webhook.refresh_from_db()
    assert (webhook.state, webhook.removed_at) == (DestinationState.ON, None)
    save_access_rule(account, Purpose.CONFIGURE, AccessMode.ROLE, roles=["sales_user"], by=ada)
    assert "Warehouse" in page(as_(rita), LIST)


def test_r075_a_destination_of_another_account_is_not_there(as_, stranger, webhook, connected):
    client = as_(stranger)
    assert "Warehouse" not in page(client, LIST)
    for url in paths(webhook.pk)[4:]:
        assert client.post(url, {}).status_code in {404, 405}, url
        assert client.get(url).status_code in {404, 405}, url
    webhook.refresh_from_db()
    assert (webhook.state, webhook.removed_at, webhook.version) == (DestinationState.ON, None, 1)


def test_a_page_of_the_other_kind_is_not_there(as_, ada, webhook, connected):
    client = as_(ada)
    assert client.get(f"{LIST}{webhook.pk}/keys/").status_code == 404
    assert client.post(f"{LIST}{connected.pk}/secret/").status_code == 404
