"""Every answer keeps to Google's discovery document, and so does every parameter the sandbox takes."""

from pathlib import Path
from typing import Any

import pytest
import requests

from postroom.sandbox.google import GMAIL_MODIFY, MAIL, GoogleSandbox
from postroom.sandbox.google.calls import COMMON
from postroom.sandbox.google.fields import SHAPES
from postroom.sandbox.google.methods import METHODS

from .conftest import MAYA, letter
from .discovery import check, document, methods


@pytest.fixture
def api(sandbox: GoogleSandbox, origin: str) -> Any:
    """Ask for a path below ``users/me/`` and get the answer, checked against its schema."""
    token = sandbox.issue_tokens(MAYA, ["https://mail.google.com/"]).access_token
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"

    def call(schema: str, path: str, verb: str = "GET", **options: Any) -> Any:
        answer = session.request(verb, f"{origin}/gmail/v1/users/me/{path}", **options)
        assert answer.status_code == 200, answer.text
        check(schema, answer.json())
        return answer.json()

    return call


def test_every_answer_fits_its_schema(api: Any, sandbox: GoogleSandbox) -> None:
    start = sandbox.mailbox(MAYA).history_id
    label = sandbox.mailbox(MAYA).create_label("Customers")
    first = sandbox.deliver(MAYA, letter("One", html="<p>x</p>", attachments=[("ü.pdf", b"%PDF")]))
    second = sandbox.deliver(MAYA, letter("Re: One", in_reply_to=first.mail.envelope.message_id))
    sandbox.modify(MAYA, first.id, add=[label], remove=["UNREAD", "INBOX"])
    sandbox.modify(MAYA, first.id, remove=[label])
    sandbox.delete(MAYA, second.id)
    sandbox.deliver(MAYA, b"")
    api("Profile", "profile")
    api("ListMessagesResponse", "messages?maxResults=1")
    for shape in ("full", "minimal", "raw", "metadata"):
        message = api("Message", f"messages/{first.id}?format={shape}")
        assert "labelIds" not in message
    attachment = api("Message", f"messages/{first.id}")["payload"]["parts"][1]["body"]["attachmentId"]
    api("MessagePartBody", f"messages/{first.id}/attachments/{attachment}")
    api("MessagePartBody", f"messages/{first.id}/attachments/{attachment}?fields=size")
    history = api("ListHistoryResponse", f"history?startHistoryId={start}")["history"]
    kinds = {kind for record in history for kind in record} - {"id", "messages"}
    assert kinds == {"messagesAdded", "messagesDeleted", "labelsAdded", "labelsRemoved"}
    api("ListHistoryResponse", f"history?startHistoryId={sandbox.mailbox(MAYA).history_id}")
    api("ListLabelsResponse", "labels")
    api("Label", f"labels/{label}")
    api("Label", "labels", "POST", json={"name": "New"})
    api("ListThreadsResponse", "threads")
    api("Thread", f"threads/{first.thread_id}")
    api("ListSendAsResponse", "settings/sendAs")
    api("WatchResponse", "watch", "POST", json={"topicName": "projects/p/topics/mail"})
    api("Message", f"messages/{first.id}/modify", "POST", json={"addLabelIds": ["STARRED"]})
    api("Message", f"messages/{first.id}/trash", "POST")
    api("Message", f"messages/{first.id}/untrash", "POST")


def test_every_mail_of_the_corpus_can_be_delivered_and_got(
    api: Any, sandbox: GoogleSandbox, corpus: Path
) -> None:
    files = sorted((corpus / "mail").rglob("*"))
    mails = [file for file in files if file.is_file() and file.suffix != ".json"]
    assert len(mails) > 100
    for file in mails:
        raw = file.read_bytes()
        message = sandbox.deliver(MAYA, raw)
        full = api("Message", f"messages/{message.id}?format=full")
        for part in _attachments(full["payload"]):
            body = api("MessagePartBody", f"messages/{message.id}/attachments/{part['attachmentId']}")
            assert body["size"] == part["size"]
        api("Message", f"messages/{message.id}?format=metadata&metadataHeaders=Subject")
        api("Message", f"messages/{message.id}?format=minimal")
        api("Message", f"messages/{message.id}?format=raw")


def _attachments(part: dict[str, Any]) -> list[dict[str, Any]]:
    here = [part["body"]] if "attachmentId" in part["body"] else []
    return here + [body for child in part.get("parts", ()) for body in _attachments(child)]


@pytest.mark.parametrize(("verb", "path"), METHODS)
def test_each_method_is_googles(verb: str, path: str) -> None:
    method = METHODS[verb, path]
    official = methods()[f"gmail.users.{method.name}"]
    own = {name for name, details in official["parameters"].items() if details["location"] == "query"}
    assert official["httpMethod"] == verb
    assert method.parameters == own
    assert method.answer == official.get("response", {}).get("$ref", "")
    assert method.scopes <= set(official["scopes"])
    steps = official["path"].removeprefix("gmail/v1/users/{userId}/").split("/")
    assert path == "/".join("*" if step.startswith("{") else step for step in steps)


def test_every_scope_google_lists_is_honoured_unless_it_is_of_an_addon() -> None:
    for method in METHODS.values():
        official = set(methods()[f"gmail.users.{method.name}"]["scopes"])
        assert {scope for scope in official if ".addons." not in scope} == set(method.scopes), method.name
    assert {MAIL, GMAIL_MODIFY} <= set(document()["auth"]["oauth2"]["scopes"])


def test_the_common_parameters_are_googles() -> None:
    assert set(document()["parameters"]) == COMMON


@pytest.mark.parametrize("shape", [name for name in SHAPES if name])
def test_a_mask_can_name_every_field_of_an_answer(shape: str) -> None:
    assert set(SHAPES[shape]) == set(document()["schemas"][shape]["properties"])
