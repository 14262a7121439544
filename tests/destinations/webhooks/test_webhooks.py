"""What a webhook says, how it is signed, and what its endpoint can answer."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from postroom.connector.merging import merge
from postroom.crm.deleting import delete_lead
from postroom.crm.editing import save_lead
from postroom.crm.models import Activity, ActivityKind, Attachment
from postroom.destinations.base import Event
from postroom.destinations.checking import check
from postroom.destinations.managing import save_destination, secrets_of
from postroom.destinations.models import DestinationState
from postroom.destinations.webhooks.payload import LONGEST_TEXT
from postroom.destinations.webhooks.signing import OVERLAP, headers, new_secret, new_secrets, rotated
from postroom.errors import Misconfigured, Unavailable
from tests.destinations.room import post, run_drain
from tests.sync.conftest import make_lead

SCHEMAS = json.loads((Path(__file__).parents[3] / "docs" / "webhook-events.schema.json").read_text())
NOW = datetime.now(UTC)


def test_the_reference_library_takes_the_signature():
    secrets = new_secrets()
    signed = headers(secrets, "key-1", b'{"type":"test"}', NOW)
    assert Webhook(str(secrets["secret"])).verify(b'{"type":"test"}', signed) == {"type": "test"}
    with pytest.raises(WebhookVerificationError):
        Webhook(str(secrets["secret"])).verify(b'{"type":"tess"}', signed)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(b'{"type":"test"}', signed)


def test_the_signature_is_that_of_the_specification():
    """The secret, id, time and body that the libraries of the specification test themselves with."""
    secrets = {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
    at = datetime.fromtimestamp(1614265330, UTC)
    signed = headers(secrets, "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', at)
    assert signed["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_after_a_rotation_both_secrets_hold_for_a_day():
    before = new_secrets()
    after = rotated(before, NOW)
    signed = headers(after, "key-1", b"{}", NOW)
    for secret in (before["secret"], after["secret"]):
        assert Webhook(str(secret)).verify(b"{}", signed) == {}
    later = headers(after, "key-1", b"{}", NOW + OVERLAP + timedelta(seconds=1))
    assert len(later["webhook-signature"].split()) == 1
    assert before["secret"] != after["secret"]


def test_without_a_secret_nothing_is_sent():
    with pytest.raises(Misconfigured):
        headers({}, "key-1", b"{}", NOW)
    with pytest.raises(Misconfigured):
        headers({"secret": "whsec_!"}, "key-1", b"{}", NOW)


def test_every_event_is_as_its_schema_has_it(webhook, listener, account, rita, clock):
    carol = make_lead(account, "carol@customer.example")
    dave = make_lead(account, "dave@customer.example")
    save_lead(
        carol, {"first_name": "Carol", "company": "Customer Ltd", "source": "Web", "owner": str(rita.pk)}
    )
    first = post(carol, "Hello", text="Words")
    Attachment.objects.create(
        account=account, message=first.message, part="2", filename="plan.pdf", size=9, blob="a" * 64
    )
    post(dave, "Second")
    run_drain(webhook, clock)
    Activity.objects.filter(pk=first.pk).update(kind=ActivityKind.SENT)
    save_lead(carol, {"phone": "+49 30 1234567"})
    merge(carol, dave, [], rita)
    run_drain(webhook, clock)
    delete_lead(carol)
    run_drain(webhook, clock)
    said = {seen.body["type"] for seen in listener.seen}
    assert said == {event.value for event in Event}
    for seen in listener.seen:
        jsonschema.validate(seen.body, SCHEMAS, jsonschema.Draft202012Validator)
    created = [seen.body["data"] for seen in listener.seen if seen.body["type"] == "activity.created"]
    told = next(data for data in created if data["activity"]["id"] == first.pk)
    assert told["activity"]["attachments"] == [
        {"filename": "plan.pdf", "content_type": "", "size": 9, "sha256": "a" * 64, "inline": False}
    ]
    assert told["lead"]["owner"] == rita.email


def test_the_schemas_refuse_what_is_none():
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"type": "lead.created", "timestamp": "now", "data": {}}, SCHEMAS)


def test_a_long_mail_is_cut_and_says_so(webhook, listener, account, clock):
    post(make_lead(account, "carol@customer.example"), "Long", text="x" * (LONGEST_TEXT + 5))
    run_drain(webhook, clock)
    activity = listener.seen[-1].body["data"]["activity"]
    assert (len(activity["text"]), activity["is_cut"]) == (LONGEST_TEXT, True)


def test_html_goes_along_made_safe(webhook, listener, account, clock):
    activity = post(make_lead(account, "carol@customer.example"), "Html")
    body = activity.message.body
    body.text, body.html = (
        "",
        '<p onclick="x()">Hi<script>alert(1)</script><img src="https://t.example/1.gif"></p>',
    )
    body.save()
    run_drain(webhook, clock)
    told = listener.seen[-1].body["data"]["activity"]
    assert told["text"].strip() == "Hi"
    assert "Hi" in told["html"]
    assert not any(bad in told["html"] for bad in ("script", "onclick", "t.example"))


def test_a_test_is_sent_and_signed(webhook, listener):
    assert check(webhook) == "The endpoint took a test and answered 200 OK."
    assert listener.seen[0].body["type"] == "test"
    jsonschema.validate(listener.seen[0].body, SCHEMAS, jsonschema.Draft202012Validator)


def test_a_test_that_is_not_taken_says_what_was_answered(webhook, listener):
    listener.always, listener.answer = 403, b"<h1>Not you</h1>"
    with pytest.raises(Unavailable, match="403 Forbidden: <h1>Not you</h1>"):
        check(webhook)


def test_410_stops_the_endpoint(webhook, listener, account, clock, told):
    listener.always = 410
    make_lead(account, "carol@customer.example")
    run_drain(webhook, clock, told)
    assert webhook.state == DestinationState.STOPPED
    assert "410" in told.names[0]


def test_503_with_retry_after_is_patience_without_it_a_fault(webhook, listener, account, clock):
    make_lead(account, "carol@customer.example")
    listener.always, listener.answer_headers = 503, {"Retry-After": "300"}
    run_drain(webhook, clock)
    assert webhook.not_before > clock.now() + timedelta(seconds=200)
    assert webhook.deliveries.get().attempts == 0
    clock.forward(seconds=301)
    listener.answer_headers = {}
    run_drain(webhook, clock)
    assert webhook.deliveries.get().attempts == 1


def test_a_rotated_secret_is_in_force_with_the_next_request(webhook, listener, account, clock):
    fresh = rotated(secrets_of(webhook), datetime.now(UTC))
    saved = save_destination(webhook, version=1, by=None, secrets=fresh)
    make_lead(account, "carol@customer.example")
    run_drain(saved, clock)
    listener.secret = str(fresh["secret"])
    make_lead(account, "dave@customer.example")
    run_drain(saved, clock)
    assert len(listener.seen) == 2
