"""Google's own Python client, unchanged, against the sandbox."""

from base64 import urlsafe_b64decode
from typing import Any

import pytest
from googleapiclient.errors import HttpError

from postroom.sandbox.google import GMAIL_METADATA, GMAIL_READONLY, GoogleSandbox

from .conftest import MAYA, OMAR, letter, official_client


def test_it_reads_the_profile_after_refreshing_its_token(gmail: Any, sandbox: GoogleSandbox) -> None:
    sandbox.deliver(MAYA, letter())
    profile = gmail.users().getProfile(userId="me").execute()
    assert profile["emailAddress"] == MAYA
    assert profile["messagesTotal"] == 1
    assert profile["historyId"] == str(sandbox.mailbox(MAYA).history_id)


def test_it_pages_through_a_list_newest_first(gmail: Any, sandbox: GoogleSandbox) -> None:
    made = [sandbox.deliver(MAYA, letter(f"Mail {n}"), internal_date=1_000 + n).id for n in range(7)]
    found: list[str] = []
    request = gmail.users().messages().list(userId="me", maxResults=3)
    while request is not None:
        answer = request.execute()
        found += [message["id"] for message in answer["messages"]]
        request = gmail.users().messages().list_next(request, answer)
    assert found == made[::-1]


def test_a_mail_that_arrives_between_pages_shifts_nothing(gmail: Any, sandbox: GoogleSandbox) -> None:
    made = [sandbox.deliver(MAYA, letter(f"Mail {n}"), internal_date=1_000 + n).id for n in range(4)]
    messages = gmail.users().messages()
    first = messages.list(userId="me", maxResults=2).execute()
    sandbox.deliver(MAYA, letter("late"))
    second = messages.list(userId="me", maxResults=2, pageToken=first["nextPageToken"]).execute()
    assert [m["id"] for m in first["messages"] + second["messages"]] == made[::-1]


def test_an_empty_list_has_no_messages_field(gmail: Any) -> None:
    assert gmail.users().messages().list(userId="me").execute() == {"resultSizeEstimate": 0}


def test_every_format_of_a_message(gmail: Any, sandbox: GoogleSandbox) -> None:
    raw = letter("Offer", html="<p>Good <b>day</b>.</p>", attachments=[("offer.pdf", b"%PDF-1.4")])
    message = sandbox.deliver(MAYA, raw)
    get = gmail.users().messages().get
    full = get(userId="me", id=message.id).execute()
    body, attachment = full["payload"]["parts"]
    assert [part["mimeType"] for part in body["parts"]] == ["text/plain", "text/html"]
    assert urlsafe_b64decode(body["parts"][0]["body"]["data"]) == b"Good day.\r\n"
    assert attachment["filename"] == "offer.pdf"
    assert "data" not in attachment["body"]
    assert urlsafe_b64decode(get(userId="me", id=message.id, format="raw").execute()["raw"]) == raw
    minimal = get(userId="me", id=message.id, format="minimal").execute()
    assert "payload" not in minimal
    assert minimal["labelIds"] == ["UNREAD", "INBOX"]
    metadata = get(userId="me", id=message.id, format="metadata", metadataHeaders=["subject", "To"]).execute()
    assert metadata["payload"]["headers"] == [
        {"name": "To", "value": MAYA},
        {"name": "Subject", "value": "Offer"},
    ]


def test_an_attachment_is_fetched_by_its_changing_id(gmail: Any, sandbox: GoogleSandbox) -> None:
    message = sandbox.deliver(MAYA, letter(attachments=[("a.bin", b"\x00\xff" * 99)]))
    messages = gmail.users().messages()
    ids = {
        messages.get(userId="me", id=message.id).execute()["payload"]["parts"][1]["body"]["attachmentId"]
        for _ in range(2)
    }
    assert len(ids) == 2
    for attachment_id in ids:
        fetched = messages.attachments().get(userId="me", messageId=message.id, id=attachment_id).execute()
        assert urlsafe_b64decode(fetched["data"]) == b"\x00\xff" * 99
        assert fetched["size"] == 198


def test_attachment_ids_can_stay_still_or_grow_stale(gmail: Any, sandbox: GoogleSandbox) -> None:
    sandbox.settings.changing_attachment_ids = False
    sandbox.settings.attachment_id_seconds = 600
    message = sandbox.deliver(MAYA, letter(attachments=[("a.bin", b"x")]))
    messages = gmail.users().messages()
    handle = messages.get(userId="me", id=message.id).execute()["payload"]["parts"][1]["body"]["attachmentId"]
    sandbox.clock.advance(900)
    with pytest.raises(HttpError) as refused:
        messages.attachments().get(userId="me", messageId=message.id, id=handle).execute()
    assert refused.value.status_code == 400


def test_history_tells_what_changed_since(gmail: Any, sandbox: GoogleSandbox) -> None:
    start = gmail.users().getProfile(userId="me").execute()["historyId"]
    message = sandbox.deliver(MAYA, letter())
    answer = gmail.users().history().list(userId="me", startHistoryId=start).execute()
    assert answer["historyId"] == str(sandbox.mailbox(MAYA).history_id)
    (record,) = answer["history"]
    short = {"id": message.id, "threadId": message.thread_id}
    assert record["messages"] == [short]
    assert record["messagesAdded"] == [{"message": short | {"labelIds": ["UNREAD", "INBOX"]}}]


def test_history_pages(gmail: Any, sandbox: GoogleSandbox) -> None:
    start = gmail.users().getProfile(userId="me").execute()["historyId"]
    made = [sandbox.deliver(MAYA, letter(f"Mail {n}")).id for n in range(5)]
    found: list[str] = []
    request = gmail.users().history().list(userId="me", startHistoryId=start, maxResults=2)
    while request is not None:
        answer = request.execute()
        found += [record["messages"][0]["id"] for record in answer["history"]]
        request = gmail.users().history().list_next(request, answer)
    assert found == made


def test_labels(gmail: Any, sandbox: GoogleSandbox) -> None:
    label_id = sandbox.mailbox(MAYA).create_label("Customers/North")
    sandbox.deliver(MAYA, letter(), labels=["INBOX", "UNREAD", label_id])
    labels = {label["id"]: label for label in gmail.users().labels().list(userId="me").execute()["labels"]}
    assert labels[label_id]["type"] == "user"
    assert labels["INBOX"]["type"] == "system"
    counted = gmail.users().labels().get(userId="me", id=label_id).execute()
    assert (counted["messagesTotal"], counted["messagesUnread"], counted["threadsTotal"]) == (1, 1, 1)


def test_watch_and_stop(gmail: Any, sandbox: GoogleSandbox) -> None:
    body = {"topicName": "projects/p/topics/gmail", "labelIds": ["INBOX"], "labelFilterBehavior": "include"}
    answer = gmail.users().watch(userId="me", body=body).execute()
    lifetime = int(answer["expiration"]) / 1000 - sandbox.clock.now()
    assert 7 * 86_400 - 60 < lifetime <= 7 * 86_400
    assert sandbox.push.watches[MAYA]
    assert not gmail.users().stop(userId="me").execute()
    assert not sandbox.push.watches[MAYA]


@pytest.mark.parametrize(
    ("topic", "words"),
    [("", "topicName required"), ("gmail", "Invalid topic name format"), ("projects/p/topics/2", "Invalid")],
)
def test_a_watch_needs_a_topic(gmail: Any, topic: str, words: str) -> None:
    with pytest.raises(HttpError, match=words) as refused:
        gmail.users().watch(userId="me", body={"topicName": topic}).execute()
    assert refused.value.status_code == 400


def test_one_watch_a_project_and_mailbox(gmail: Any) -> None:
    gmail.users().watch(userId="me", body={"topicName": "projects/p/topics/one"}).execute()
    gmail.users().watch(userId="me", body={"topicName": "projects/p/topics/one"}).execute()
    with pytest.raises(HttpError, match="Only one user push notification client"):
        gmail.users().watch(userId="me", body={"topicName": "projects/p/topics/two"}).execute()


def test_a_topic_must_be_of_the_clients_project(gmail: Any, sandbox: GoogleSandbox) -> None:
    next(iter(sandbox.clients.values())).project = "mine"
    with pytest.raises(HttpError, match="does not match projects/mine/topics"):
        gmail.users().watch(userId="me", body={"topicName": "projects/other/topics/one"}).execute()


def test_send_as_addresses(gmail: Any) -> None:
    addresses = gmail.users().settings().sendAs().list(userId="me").execute()["sendAs"]
    assert [entry["sendAsEmail"] for entry in addresses] == [MAYA, "sales@northwind.example"]
    assert addresses[0]["isPrimary"]


def test_threads(gmail: Any, sandbox: GoogleSandbox) -> None:
    first = sandbox.deliver(MAYA, letter("Question"), internal_date=1_000)
    reply = letter("Re: Question", in_reply_to=first.mail.envelope.message_id)
    second = sandbox.deliver(MAYA, reply, internal_date=2_000)
    sandbox.deliver(MAYA, letter("Another"), internal_date=3_000)
    threads = gmail.users().threads().list(userId="me").execute()["threads"]
    assert [thread["id"] for thread in threads][1] == first.id
    thread = gmail.users().threads().get(userId="me", id=first.id, format="minimal").execute()
    assert [message["id"] for message in thread["messages"]] == [first.id, second.id]


def test_a_masked_thread_holds_only_what_was_asked(gmail: Any, sandbox: GoogleSandbox) -> None:
    first = sandbox.deliver(MAYA, letter("Question"))
    mask = "id,messages(id,payload/headers/name)"
    thread = gmail.users().threads().get(userId="me", id=first.id, fields=mask).execute()
    assert set(thread) == {"id", "messages"}
    assert set(thread["messages"][0]) == {"id", "payload"}
    assert set(thread["messages"][0]["payload"]["headers"][0]) == {"name"}


def test_changes_made_through_the_api(sandbox: GoogleSandbox, origin: str) -> None:
    gmail = official_client(sandbox, origin, MAYA, "https://mail.google.com/")
    message = sandbox.deliver(MAYA, letter())
    messages = gmail.users().messages()
    changes = {"addLabelIds": ["STARRED"], "removeLabelIds": ["UNREAD"]}
    assert messages.modify(userId="me", id=message.id, body=changes).execute()["labelIds"] == [
        "INBOX",
        "STARRED",
    ]
    assert messages.trash(userId="me", id=message.id).execute()["labelIds"] == ["STARRED", "TRASH"]
    assert messages.untrash(userId="me", id=message.id).execute()["labelIds"] == ["STARRED"]
    messages.delete(userId="me", id=message.id).execute()
    with pytest.raises(HttpError) as gone:
        messages.get(userId="me", id=message.id).execute()
    assert gone.value.status_code == 404
    other = sandbox.deliver(MAYA, letter())
    by_hand = messages.modify(userId="me", id=other.id, body={"addLabelIds": ["SENT"]})
    with pytest.raises(HttpError, match="Invalid label: SENT"):
        by_hand.execute()


def _refusal(request: Any) -> tuple[int, str]:
    with pytest.raises(HttpError) as refused:
        request.execute()
    return refused.value.status_code, refused.value.reason


def test_refusals(gmail: Any) -> None:
    users = gmail.users()
    get = users.messages().get
    assert _refusal(get(userId="me", id="00000000deadbeef"))[0] == 404
    assert _refusal(get(userId="me", id="not an id"))[1] == "Invalid id value"
    assert _refusal(users.getProfile(userId=OMAR)) == (403, f"Delegation denied for {MAYA}")
    assert _refusal(users.messages().list(userId="me", labelIds=["NOPE"]))[1] == "Invalid label: NOPE"
    assert _refusal(users.messages().list(userId="me", pageToken="x"))[0] == 400
    assert _refusal(users.history().list(userId="me"))[0] == 400
    assert _refusal(users.history().list(userId="me", startHistoryId="1e9"))[0] == 400
    assert "Invalid field selection" in _refusal(users.getProfile(userId="me", fields="emial"))[1]


def test_a_narrow_scope_is_refused(sandbox: GoogleSandbox, origin: str) -> None:
    gmail = official_client(sandbox, origin, MAYA, "openid")
    with pytest.raises(HttpError) as refused:
        gmail.users().messages().list(userId="me").execute()
    assert refused.value.status_code == 403
    assert "insufficient authentication scopes" in refused.value.reason


def test_the_metadata_scope_forbids_bodies_and_queries_even_beside_a_wider_one(
    sandbox: GoogleSandbox, origin: str
) -> None:
    gmail = official_client(sandbox, origin, MAYA, GMAIL_METADATA, GMAIL_READONLY)
    message = sandbox.deliver(MAYA, letter())
    messages = gmail.users().messages()
    assert messages.get(userId="me", id=message.id, format="metadata").execute()["id"] == message.id
    assert "allow format FULL" in _refusal(messages.get(userId="me", id=message.id))[1]
    assert "does not support 'q'" in _refusal(messages.list(userId="me", q="hello"))[1]


def test_a_parameter_the_method_does_not_have_is_refused(gmail: Any, origin: str) -> None:
    request = gmail.users().getProfile(userId="me")
    request.uri += "&maxResults=5"
    assert 'Unknown name "maxResults"' in _refusal(request)[1]


def test_calls_in_one_batch(gmail: Any, sandbox: GoogleSandbox, origin: str) -> None:
    made = [sandbox.deliver(MAYA, letter(f"Mail {n}")).id for n in range(3)]
    answers: dict[str, Any] = {}
    batch = gmail.new_batch_http_request(
        callback=lambda key, answer, error: answers.update({key: answer or error})
    )
    batch._batch_uri = f"{origin}/batch/gmail/v1"
    for message_id in [*made, "00000000deadbeef"]:
        batch.add(
            gmail.users().messages().get(userId="me", id=message_id, format="minimal"), request_id=message_id
        )
    batch.execute()
    assert [answers[message_id]["id"] for message_id in made] == made
    assert answers["00000000deadbeef"].status_code == 404
