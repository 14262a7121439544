"""The sandbox against Google's documentation, page by page; no client of ours is involved.

Each test names its page in the Gmail API guides or reference, the Google Identity guides, or the
Pub/Sub documentation.
"""

import gzip
import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests

from postroom.sandbox.google import GMAIL_METADATA, GMAIL_MODIFY, GMAIL_READONLY, GoogleSandbox
from postroom.sandbox.google.oauth import DEFAULT_SCOPES
from postroom.sandbox.google.quota import TABLES

from .conftest import CALLBACK, CLIENT_ID, CLIENT_SECRET, MAYA, OMAR, letter

WEEK = 7 * 86_400
HEADERS = {"User-Agent": "documentation"}


@dataclass
class Api:
    """Plain requests to Maya's mailbox."""

    origin: str
    token: str

    def __call__(self, path: str, verb: str = "GET", **options: Any) -> requests.Response:
        headers = HEADERS | {"Authorization": f"Bearer {self.token}"} | options.pop("headers", {})
        url = f"{self.origin}/gmail/v1/users/me/{path}"
        return requests.request(verb, url, headers=headers, **options)

    def json(self, path: str, **options: Any) -> Any:
        answer = self(path, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refusal(self, path: str, verb: str = "GET", **options: Any) -> tuple[int, str]:
        """Status and reason."""
        answer = self(path, verb, **options)
        error = answer.json()["error"]
        assert error["code"] == answer.status_code
        return answer.status_code, error["errors"][0]["reason"]


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[GoogleSandbox, str]]:
    made = GoogleSandbox()
    with made.run() as address:
        yield made, address


@pytest.fixture
def sandbox(served: tuple[GoogleSandbox, str]) -> GoogleSandbox:
    made, _ = served
    made.reset()
    made.settings = made.tokens.settings = type(made.settings)()
    made.add_account(MAYA, "Maya Lindqvist", aliases=["sales@northwind.example"])
    made.add_account(OMAR, "Omar Haddad")
    made.add_client(redirect_uris=[CALLBACK])
    return made


@pytest.fixture
def origin(served: tuple[GoogleSandbox, str]) -> str:
    return served[1]


@pytest.fixture
def api(sandbox: GoogleSandbox, origin: str) -> Api:
    return Api(origin, sandbox.issue_tokens(MAYA).access_token)


class TestReference:
    """ "REST Reference" of the Gmail API."""

    def test_get_profile(self, api: Api, sandbox: GoogleSandbox) -> None:
        """users.getProfile: the address, two totals as numbers, the history id as text."""
        sandbox.deliver(MAYA, letter())
        profile = api.json("profile")
        assert set(profile) == {"emailAddress", "messagesTotal", "threadsTotal", "historyId"}
        assert (profile["emailAddress"], profile["messagesTotal"], profile["threadsTotal"]) == (MAYA, 1, 1)
        assert profile["historyId"].isdecimal()

    def test_the_user_is_me_or_the_address(self, api: Api) -> None:
        """ "userId": the special value ``me``, or the user's own address."""
        for user, status in (("me", 200), (MAYA, 200), (OMAR, 403)):
            url = f"{api.origin}/gmail/v1/users/{user}/profile"
            answer = requests.get(url, headers={"Authorization": f"Bearer {api.token}"})
            assert answer.status_code == status

    def test_messages_list_gives_ids_only(self, api: Api, sandbox: GoogleSandbox) -> None:
        """users.messages.list: "each message resource contains only an id and a threadId"."""
        message = sandbox.deliver(MAYA, letter())
        answer = api.json("messages")
        assert answer == {
            "messages": [{"id": message.id, "threadId": message.thread_id}],
            "resultSizeEstimate": 1,
        }

    def test_max_results(self, api: Api, sandbox: GoogleSandbox) -> None:
        """users.messages.list: defaults to 100, at most 500."""
        for number in range(510):
            sandbox.deliver(MAYA, letter(str(number)))
        assert len(api.json("messages")["messages"]) == 100
        assert len(api.json("messages?maxResults=500")["messages"]) == 500
        assert len(api.json("messages?maxResults=3")["messages"]) == 3
        assert len(api.json("messages?maxResults=600")["messages"]) == 500
        assert api.refusal("messages?maxResults=-1")[0] == 400
        assert api.refusal("messages?maxResults=many")[0] == 400
        start = sandbox.mailbox(MAYA).changes[0].id - 1
        sandbox.mailbox(MAYA).oldest_history = 0
        assert len(api.json(f"history?startHistoryId={start}")["history"]) == 100
        assert len(api.json(f"history?startHistoryId={start}&maxResults=500")["history"]) == 500

    def test_label_ids_must_all_match(self, api: Api, sandbox: GoogleSandbox) -> None:
        """users.messages.list: "labels that match all of the specified label IDs"."""
        both = sandbox.deliver(MAYA, letter(), ["INBOX", "STARRED"])
        sandbox.deliver(MAYA, letter(), ["INBOX"])
        answer = api.json("messages?labelIds=INBOX&labelIds=STARRED")
        assert [message["id"] for message in answer["messages"]] == [both.id]

    def test_spam_and_trash_are_left_out_unless_asked_for(self, api: Api, sandbox: GoogleSandbox) -> None:
        """users.messages.list: "includeSpamTrash"."""
        for labels in (["INBOX"], ["SPAM"], ["TRASH"]):
            sandbox.deliver(MAYA, letter(), labels)
        assert len(api.json("messages")["messages"]) == 1
        assert len(api.json("messages?includeSpamTrash=false")["messages"]) == 1
        assert len(api.json("messages?includeSpamTrash=true")["messages"]) == 3
        assert api.refusal("messages?includeSpamTrash=perhaps")[0] == 400

    def test_a_page_token_is_of_its_own_list(self, api: Api, sandbox: GoogleSandbox) -> None:
        """users.messages.list and users.history.list: a token of the list it came from."""
        start = sandbox.mailbox(MAYA).history_id
        for number in range(4):
            sandbox.deliver(MAYA, letter(str(number)))
        listed = api.json("messages?maxResults=2")["nextPageToken"]
        changed = api.json(f"history?startHistoryId={start}&maxResults=2")["nextPageToken"]
        assert len(api.json(f"messages?maxResults=2&pageToken={listed}")["messages"]) == 2
        for token in (changed, "x", "1", listed + "0"):
            assert api.refusal(f"messages?pageToken={token}")[0] == 400
        for token in (listed, "x", str(start)):
            assert api.refusal(f"history?startHistoryId={start}&pageToken={token}")[0] == 400

    def test_formats(self, api: Api, sandbox: GoogleSandbox) -> None:
        """users.messages.get, "Format": what each holds; full is the default."""
        raw = letter(attachments=[("a.bin", b"\xff\xfe\xfd")])
        message = sandbox.deliver(MAYA, raw)
        always = {"id", "threadId", "labelIds", "snippet", "historyId", "internalDate", "sizeEstimate"}
        shapes = {
            name: api.json(f"messages/{message.id}?format={name}") for name in ("minimal", "raw", "full")
        }
        assert set(shapes["minimal"]) == always
        assert set(shapes["raw"]) == always | {"raw"}
        assert set(shapes["full"]) == always | {"payload"}
        metadata = api.json(f"messages/{message.id}?format=metadata&metadataHeaders=Subject")
        assert [header["name"] for header in metadata["payload"]["headers"]] == ["Subject"]
        assert "parts" not in metadata["payload"]
        assert api.json(f"messages/{message.id}")["payload"].keys() == shapes["full"]["payload"].keys()
        assert urlsafe_b64decode(shapes["raw"]["raw"]) == raw
        assert api.refusal(f"messages/{message.id}?format=everything")[0] == 400

    def test_fields_of_a_message(self, api: Api, sandbox: GoogleSandbox) -> None:
        """REST Resource: users.messages: epoch ms and ids as text, size as a number, base64url data."""
        text = "???>>>ÿÿÿ" * 20
        message = sandbox.deliver(MAYA, letter(text=text), internal_date=1_700_000_000_123)
        full = api.json(f"messages/{message.id}")
        assert full["internalDate"] == "1700000000123"
        assert full["historyId"] == str(message.history_id)
        assert full["sizeEstimate"] == len(message.mail.raw)
        data = full["payload"]["body"]["data"]
        assert not set(data) & set("+/")
        assert len(data) % 4 == 0
        assert urlsafe_b64decode(data).decode().strip() == text
        assert full["snippet"].startswith("???&gt;&gt;&gt;")

    def test_an_attachment_has_an_id_and_a_size_and_no_data(self, api: Api, sandbox: GoogleSandbox) -> None:
        """REST Resource: users.messages.attachments."""
        message = sandbox.deliver(MAYA, letter(attachments=[("a.bin", b"\xff\xfe" * 9)]))
        part = api.json(f"messages/{message.id}")["payload"]["parts"][1]
        assert part["filename"] == "a.bin"
        assert set(part["body"]) == {"attachmentId", "size"}
        body = api.json(f"messages/{message.id}/attachments/{part['body']['attachmentId']}")
        assert body["size"] == part["body"]["size"] == 18
        assert urlsafe_b64decode(body["data"]) == b"\xff\xfe" * 9
        other = sandbox.deliver(MAYA, letter())
        assert api.refusal(f"messages/{other.id}/attachments/{part['body']['attachmentId']}")[0] == 400
        assert api.refusal(f"messages/{message.id}/attachments/nonsense")[0] == 400
        sandbox.delete(MAYA, message.id)
        gone = api.refusal(f"messages/{message.id}/attachments/{part['body']['attachmentId']}")
        assert gone == (404, "notFound")

    def test_history_ids(self, api: Api, sandbox: GoogleSandbox) -> None:
        """users.history.list: "increase chronologically but are not contiguous"; in chronological order."""
        start = int(api.json("profile")["historyId"])
        for number in range(9):
            sandbox.deliver(MAYA, letter(str(number)))
        answer = api.json(f"history?startHistoryId={start}")
        ids = [int(record["id"]) for record in answer["history"]]
        assert all(before < after for before, after in pairwise([start, *ids]))
        assert ids[-1] - ids[0] > 8
        assert answer["historyId"] == api.json("profile")["historyId"]
        assert "nextPageToken" not in answer
        assert api.json(f"history?startHistoryId={answer['historyId']}") == {"historyId": answer["historyId"]}

    @pytest.mark.parametrize("start", ["1", str(2**64 - 1)])
    def test_history_that_is_invalid_or_out_of_date(
        self, api: Api, sandbox: GoogleSandbox, start: str
    ) -> None:
        """users.history.list: "an invalid or out of date startHistoryId typically returns an HTTP 404"."""
        sandbox.deliver(MAYA, letter())
        sandbox.expire_history(MAYA)
        assert api.refusal(f"history?startHistoryId={start}") == (404, "notFound")

    def test_the_profiles_history_id_is_always_good(self, api: Api, sandbox: GoogleSandbox) -> None:
        """ "Synchronize clients with Gmail": a full sync ends with an id to go on from."""
        sandbox.expire_history(MAYA)
        start = api.json("profile")["historyId"]
        assert api(f"history?startHistoryId={start}").status_code == 200

    def test_history_types_and_label(self, api: Api, sandbox: GoogleSandbox) -> None:
        """users.history.list: "historyTypes" is repeated, "labelId" narrows; the enum is camel case."""
        start = sandbox.mailbox(MAYA).history_id
        inbox = sandbox.deliver(MAYA, letter())
        sandbox.deliver(MAYA, letter(), ["SENT"])
        sandbox.modify(MAYA, inbox.id, add=["STARRED"])
        sandbox.delete(MAYA, inbox.id)

        def kinds(query: str) -> list[str]:
            records = api.json(f"history?startHistoryId={start}&{query}").get("history", [])
            return [kind for record in records for kind in record if kind not in {"id", "messages"}]

        assert kinds("historyTypes=messageAdded") == ["messagesAdded", "messagesAdded"]
        assert kinds("historyTypes=labelAdded&historyTypes=messageDeleted") == [
            "labelsAdded",
            "messagesDeleted",
        ]
        assert kinds("labelId=SENT") == ["messagesAdded"]
        assert kinds("labelId=TRASH") == []
        assert api.refusal(f"history?startHistoryId={start}&historyTypes=MESSAGE_ADDED")[0] == 400
        assert api.refusal("history")[0] == 400

    def test_watch(self, api: Api, sandbox: GoogleSandbox) -> None:
        """users.watch: history id and expiration in epoch ms, both as text; 7 days ahead."""
        body = {
            "topicName": "projects/p/topics/topic",
            "labelIds": ["INBOX"],
            "labelFilterBehavior": "INCLUDE",
        }
        answer = api("watch", "POST", json=body).json()
        assert set(answer) == {"historyId", "expiration"}
        assert answer["historyId"] == api.json("profile")["historyId"]
        ahead = int(answer["expiration"]) / 1000 - sandbox.clock.now()
        assert WEEK - 60 < ahead <= WEEK
        stopped = api("stop", "POST")
        assert (stopped.ok, stopped.content) == (True, b"")

    @pytest.mark.parametrize(
        "change",
        [
            {"topicName": ""},
            {"topicName": "t"},
            {"topicName": "projects/p/topics/1"},
            {"labelIds": ["NOPE"]},
            {"labelFilterBehavior": "SOMETIMES"},
            {"unknown": 1},
        ],
    )
    def test_a_wrong_watch(self, api: Api, change: dict[str, Any]) -> None:
        """users.watch: the topic's full name, existing labels, one of two behaviours."""
        body = {"topicName": "projects/p/topics/topic"} | change
        assert api.refusal("watch", "POST", json=body)[0] == 400

    def test_labels(self, api: Api, sandbox: GoogleSandbox) -> None:
        """users.labels.list: only id, name, visibility and type; the system labels by name."""
        sandbox.mailbox(MAYA).create_label("Customers")
        labels = {label["name"]: label for label in api.json("labels")["labels"]}
        assert {"INBOX", "SENT", "DRAFT", "SPAM", "TRASH", "UNREAD", "STARRED", "IMPORTANT"} <= set(labels)
        assert labels["INBOX"]["type"] == "system"
        assert labels["Customers"]["type"] == "user"
        allowed = {"id", "name", "type", "messageListVisibility", "labelListVisibility"}
        assert all(set(label) <= allowed for label in labels.values())

    def test_send_as(self, sandbox: GoogleSandbox, origin: str) -> None:
        """users.settings.sendAs.list: the primary address included; gmail.readonly suffices."""
        sandbox.accounts[MAYA].pending_aliases = ("boss@customer.example",)
        api = Api(origin, sandbox.issue_tokens(MAYA, [GMAIL_READONLY]).access_token)
        primary, alias, pending = api.json("settings/sendAs")["sendAs"]
        assert (primary["sendAsEmail"], primary["isPrimary"], primary["isDefault"]) == (MAYA, True, True)
        assert (alias["treatAsAlias"], alias["verificationStatus"]) == (True, "accepted")
        assert pending["verificationStatus"] == "pending"
        narrow = Api(origin, sandbox.issue_tokens(MAYA, [GMAIL_METADATA]).access_token)
        assert narrow.refusal("settings/sendAs") == (403, "insufficientPermissions")

    def test_the_metadata_scope_has_no_search(self, sandbox: GoogleSandbox, origin: str) -> None:
        """users.messages.list: "q" cannot be used with the gmail.metadata scope."""
        api = Api(origin, sandbox.issue_tokens(MAYA, [GMAIL_METADATA]).access_token)
        assert api("messages").status_code == 200
        assert api.refusal("messages?q=hello")[0] == 403

    def test_readonly_changes_nothing(self, sandbox: GoogleSandbox, origin: str) -> None:
        """users.messages.modify and trash need gmail.modify; delete needs the full scope."""
        message = sandbox.deliver(MAYA, letter())
        api = Api(origin, sandbox.issue_tokens(MAYA, [GMAIL_READONLY]).access_token)
        body = {"addLabelIds": ["STARRED"]}
        assert api.refusal(f"messages/{message.id}/modify", "POST", json=body)[0] == 403
        assert api.refusal(f"messages/{message.id}/trash", "POST")[0] == 403
        wider = Api(origin, sandbox.issue_tokens(MAYA, [GMAIL_MODIFY]).access_token)
        assert wider(f"messages/{message.id}/modify", "POST", json=body).status_code == 200
        assert wider.refusal(f"messages/{message.id}", "DELETE")[0] == 403


class TestSearch:
    """ "Search and filter messages" of the guides, and "Refine searches in Gmail" of its help."""

    @pytest.mark.parametrize(
        ("q", "found"),
        [
            ("in:inbox", {"in"}),
            ("in:sent", {"out", "self"}),
            ("-in:sent in:inbox", {"in"}),
            ("from:priya@lighthouse.example", {"in", "old"}),
            ("to:omar@northwind.example", {"out"}),
            ("from:me", {"out", "self"}),
            ("after:1700000000", {"in", "out", "self"}),
            ("before:1700000000", {"old"}),
            ("after:1600000000 before:1700000000", {"old"}),
            ("after:2023/11/20", {"in", "out", "self"}),
            ("older:2023/11/20", {"old"}),
            ("subject:old", {"old"}),
            ("in:anywhere subject:junk", {"junk"}),
            ("subject:junk", set()),
            ("nonsense", set()),
        ],
    )
    def test_operators(self, api: Api, sandbox: GoogleSandbox, q: str, found: set[str]) -> None:
        made = {
            sandbox.deliver(MAYA, letter("in")).id: "in",
            sandbox.deliver(MAYA, letter("out", from_address=MAYA, to=OMAR), ["SENT"]).id: "out",
            sandbox.deliver(MAYA, letter("self", from_address=MAYA), ["SENT", "INBOX"]).id: "self",
            sandbox.deliver(MAYA, letter("old"), [], internal_date=1_650_000_000_000).id: "old",
            sandbox.deliver(MAYA, letter("junk"), ["SPAM"]).id: "junk",
        }
        if q == "in:inbox":
            found = {"in", "self"}
        answer = api.json("messages", params={"q": q})
        assert {made[message["id"]] for message in answer.get("messages", [])} == found

    def test_a_day_begins_in_pacific_time(self, api: Api, sandbox: GoogleSandbox) -> None:
        """ "All dates used in the search query are interpreted as midnight on that date in the PST
        timezone"; seconds are exact.
        """
        moment = datetime(2024, 1, 16, 7, 59, 59, tzinfo=UTC).timestamp()
        sandbox.deliver(MAYA, letter(), internal_date=int(moment * 1000))
        assert "messages" not in api.json("messages?q=after:2024/01/16")
        assert "messages" in api.json("messages?q=before:2024/01/16")
        assert "messages" in api.json(f"messages?q=after:{int(moment) - 1}")
        assert "messages" not in api.json(f"messages?q=after:{int(moment) + 1}")

    def test_a_search_finds_messages_not_conversations(self, api: Api, sandbox: GoogleSandbox) -> None:
        """ "Differences from the Gmail UI": the API does no thread-wide search."""
        first = sandbox.deliver(MAYA, letter("Prices"), ["INBOX"])
        reply = letter("Re: Prices", in_reply_to=first.mail.envelope.message_id, from_address=MAYA)
        sandbox.deliver(MAYA, reply, ["SENT"])
        assert len(api.json("messages?q=in:sent")["messages"]) == 1


class TestErrors:
    """ "Resolve errors" of the guides."""

    @pytest.mark.parametrize(
        ("status", "reason", "domain", "words"),
        [
            (400, "badRequest", "global", "Bad Request"),
            (401, "authError", "global", "Invalid Credentials"),
            (403, "dailyLimitExceeded", "usageLimits", "Daily Limit Exceeded"),
            (403, "userRateLimitExceeded", "usageLimits", "User Rate Limit Exceeded"),
            (403, "rateLimitExceeded", "usageLimits", "Rate Limit Exceeded"),
            (403, "domainPolicy", "global", "The domain administrators have disabled Gmail apps."),
            (429, "rateLimitExceeded", "usageLimits", ""),
            (500, "backendError", "global", "Backend Error"),
        ],
    )
    def test_bodies(
        self, api: Api, sandbox: GoogleSandbox, status: int, reason: str, domain: str, words: str
    ) -> None:
        sandbox.fault("error", status=status, reason=reason)
        answer = api("profile")
        assert answer.headers["Content-Type"] == "application/json; charset=UTF-8"
        error = answer.json()["error"]
        (entry,) = error["errors"]
        assert (error["code"], entry["reason"], entry["domain"]) == (status, reason, domain)
        assert error["message"]
        assert words in error["message"]

    def test_bad_credentials(self, api: Api) -> None:
        """401 with the place of the mistake, and a challenge (RFC 6750 section 3)."""
        answer = Api(api.origin, "ya29.nonsense")("profile")
        error = answer.json()["error"]
        assert (answer.status_code, error["status"]) == (401, "UNAUTHENTICATED")
        (entry,) = error["errors"]
        assert entry["reason"] == "authError"
        assert (entry["location"], entry["locationType"]) == ("Authorization", "header")
        challenge = answer.headers["WWW-Authenticate"]
        assert challenge.startswith("Bearer ")
        assert 'error="invalid_token"' in challenge
        bare = requests.get(f"{api.origin}/gmail/v1/users/me/profile")
        assert bare.status_code == 401
        assert "invalid_token" not in bare.headers["WWW-Authenticate"]

    def test_an_unknown_message(self, api: Api) -> None:
        answer = api("messages/00000000deadbeef")
        error = answer.json()["error"]
        assert (answer.status_code, error["status"]) == (404, "NOT_FOUND")
        assert error["errors"][0]["reason"] == "notFound"

    def test_an_unknown_path_is_the_frontends_page(self, api: Api) -> None:
        answer = api("mesages")
        assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (404, "text/html")


class TestLimits:
    """ "Usage limits" of the Gmail API."""

    @pytest.mark.parametrize(
        ("method", "units"),
        [
            ("getProfile", 1),
            ("history.list", 2),
            ("labels.list", 1),
            ("messages.attachments.get", 20),
            ("messages.get", 20),
            ("messages.list", 5),
            ("messages.send", 100),
            ("settings.sendAs.list", 1),
            ("stop", 50),
            ("threads.get", 40),
            ("watch", 100),
        ],
    )
    def test_costs_of_projects_made_since_may_2026(self, method: str, units: int) -> None:
        assert TABLES["2026"].units[method] == units

    def test_limits(self) -> None:
        table = TABLES["2026"]
        assert (table.user_minute, table.project_minute, table.project_day) == (6_000, 1_200_000, 80_000_000)
        assert TABLES["legacy"].user_minute == 15_000


class TestPerformance:
    """ "Performance tips" and "Batching requests" of the guides."""

    @pytest.mark.parametrize(
        ("encoding", "agent", "packed"),
        [
            ("gzip", "my program (gzip)", True),
            ("gzip, deflate", "gzip", True),
            ("gzip", "my program", False),
            ("identity", "my program (gzip)", False),
        ],
    )
    def test_gzip_wants_both_headers(self, api: Api, encoding: str, agent: str, packed: bool) -> None:
        answer = api("labels", headers={"Accept-Encoding": encoding, "User-Agent": agent}, stream=True)
        assert answer.headers.get("Content-Encoding") == ("gzip" if packed else None)
        body = answer.raw.read(decode_content=False)
        assert json.loads(gzip.decompress(body) if packed else body)["labels"]

    def test_answers_are_indented_unless_told_not_to(self, api: Api) -> None:
        """Discovery document: "prettyPrint" defaults to true."""
        assert api("profile").text.startswith("{\n  ")
        assert "\n" not in api("profile?prettyPrint=false").text
        assert api("profile").json() == api("profile?prettyPrint=false").json()

    def test_partial_responses(self, api: Api, sandbox: GoogleSandbox) -> None:
        message = sandbox.deliver(MAYA, letter(attachments=[("a.bin", b"x")]))
        one = f"messages/{message.id}"
        assert set(api.json(f"{one}?fields=id,snippet")) == {"id", "snippet"}
        assert api.json(f"{one}?fields=payload/parts/filename") == {
            "payload": {"parts": [{"filename": ""}, {"filename": "a.bin"}]}
        }
        nested = api.json(f"{one}?fields=payload(mimeType,parts(partId,body/size))")
        assert set(nested["payload"]) == {"mimeType", "parts"}
        assert set(nested["payload"]["parts"][0]) == {"partId", "body"}
        assert api.json("messages?fields=nextPageToken") == {}

    @pytest.mark.parametrize("mask", ["nonsense", "messages(id", "messages/nope", "id,,"])
    def test_a_wrong_mask_is_refused(self, api: Api, mask: str) -> None:
        """ "If there is an error with the fields parameter, the server returns 400 Bad Request"."""
        answer = api("messages", params={"fields": mask})
        assert answer.status_code == 400
        assert answer.json()["error"]["message"].startswith("Invalid field selection")

    def test_batches(self, api: Api, sandbox: GoogleSandbox) -> None:
        """Each part an answer of its own with ``Content-ID: <response-…>``; at most 100 calls."""
        message = sandbox.deliver(MAYA, letter())

        def batch(count: int) -> requests.Response:
            part = (
                "--b\r\nContent-Type: application/http\r\nContent-ID: <item{n}:x@y.example>\r\n\r\n"
                f"GET /gmail/v1/users/me/messages/{message.id}?fields=id\r\n\r\n"
            )
            body = "".join(part.replace("{n}", str(n)) for n in range(count)) + "--b--\r\n"
            headers = {"Content-Type": "multipart/mixed; boundary=b", "Authorization": f"Bearer {api.token}"}
            return requests.post(f"{api.origin}/batch/gmail/v1", data=body, headers=headers)

        answer = batch(2)
        assert answer.headers["Content-Type"].startswith("multipart/mixed; boundary=")
        assert "Content-ID: <response-item0:x@y.example>" in answer.text
        assert "Content-ID: <response-item1:x@y.example>" in answer.text
        assert answer.text.count("HTTP/1.1 200 OK") == 2
        assert sandbox.ledger.spent[MAYA]["messages.get"].requests == 2
        assert batch(101).status_code == 400

    def test_threads(self, sandbox: GoogleSandbox) -> None:
        """ "Manage threads": References or In-Reply-To, and matching subjects."""
        first = sandbox.deliver(MAYA, letter("Prices"))
        known = first.mail.envelope.message_id
        assert sandbox.deliver(MAYA, letter("Re: Prices", in_reply_to=known)).thread_id == first.thread_id
        assert sandbox.deliver(MAYA, letter("Lunch", in_reply_to=known)).thread_id != first.thread_id
        assert sandbox.deliver(MAYA, letter("Prices")).thread_id != first.thread_id


class Consent:
    """ "Using OAuth 2.0 for Web Server Applications": the person and the application."""

    def __init__(self, origin: str) -> None:
        self.origin = origin

    def ask(self, ticked: list[str] | None = None, **changes: str) -> dict[str, str]:
        asked = {
            "client_id": CLIENT_ID,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": f"openid email {GMAIL_READONLY}",
            "state": "s",
            "access_type": "offline",
        } | changes
        form = {"account": MAYA, "continue": "1", "granted": [GMAIL_READONLY] if ticked is None else ticked}
        page = f"{self.origin}/o/oauth2/v2/auth"
        answer = requests.post(page, params=asked, data=form, allow_redirects=False)
        assert answer.status_code == 302, answer.text
        query = parse_qs(urlsplit(answer.headers["Location"]).query)
        return {name: values[0] for name, values in query.items()}

    def token(self, **form: str) -> requests.Response:
        client = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        return requests.post(f"{self.origin}/token", data=client | form)

    def redeem(self, code: str) -> dict[str, Any]:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        answer = self.token(**form)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def consent(sandbox: GoogleSandbox, origin: str) -> Consent:
    return Consent(origin)


class TestOAuth:
    """ "Using OAuth 2.0 for Web Server Applications" and "OpenID Connect" of Google Identity."""

    def test_the_token_answer(self, consent: Consent) -> None:
        """access_token, expires_in, refresh_token, scope (space-delimited), token_type Bearer."""
        answer = consent.redeem(consent.ask()["code"])
        assert set(answer) == {
            "access_token",
            "expires_in",
            "refresh_token",
            "scope",
            "token_type",
            "id_token",
        }
        assert answer["token_type"] == "Bearer"
        assert GMAIL_READONLY in answer["scope"].split()

    def test_a_refresh_token_needs_offline_access_and_a_first_or_forced_consent(
        self, consent: Consent
    ) -> None:
        """ "access_type", "prompt": only returned on the first authorization, or with prompt=consent."""

        def gives_one(**changes: str) -> bool:
            return "refresh_token" in consent.redeem(consent.ask(**changes)["code"])

        assert not gives_one(access_type="online")
        assert not gives_one(), "The consent before was the first."
        assert gives_one(prompt="consent")
        assert not gives_one(access_type="online", prompt="consent")

    def test_granted_scopes_can_be_included(self, consent: Consent) -> None:
        """ "Incremental authorization": with include_granted_scopes the new token has the old scopes too."""
        consent.redeem(consent.ask()["code"])
        alone = consent.ask([], scope="openid")
        assert GMAIL_READONLY not in consent.redeem(alone["code"])["scope"]
        combined = consent.ask([], scope="openid", include_granted_scopes="true")
        assert GMAIL_READONLY in combined["scope"].split()
        assert GMAIL_READONLY in consent.redeem(combined["code"])["scope"].split()

    def test_a_box_may_be_left_unticked(self, consent: Consent) -> None:
        """ "How to handle granular permissions": compare the scopes given with those asked for."""
        answer = consent.ask([])
        assert GMAIL_READONLY not in answer["scope"]
        assert GMAIL_READONLY not in consent.redeem(answer["code"])["scope"]

    @pytest.mark.parametrize(
        ("form", "status", "error"),
        [
            ({"grant_type": "refresh_token", "refresh_token": "1//x"}, 400, "invalid_grant"),
            ({"grant_type": "refresh_token"}, 400, "invalid_request"),
            ({"grant_type": "password"}, 400, "unsupported_grant_type"),
            ({"grant_type": "authorization_code", "code": "4/x"}, 400, "invalid_grant"),
            (
                {"grant_type": "refresh_token", "refresh_token": "1//x", "client_id": "x"},
                401,
                "invalid_client",
            ),
            (
                {"grant_type": "refresh_token", "refresh_token": "1//x", "client_secret": "x"},
                401,
                "invalid_client",
            ),
        ],
    )
    def test_errors_of_the_token_endpoint(
        self, consent: Consent, form: dict[str, str], status: int, error: str
    ) -> None:
        """RFC 6749 section 5.2: 400, 401 for the client, with an error code in JSON."""
        answer = consent.token(**form)
        assert (answer.status_code, answer.json()["error"]) == (status, error)
        assert set(answer.json()) == {"error", "error_description"}

    def test_revocation(self, consent: Consent) -> None:
        """ "Revoking a token": either token ends both; 200, or 400 with an error code."""
        for which in ("access_token", "refresh_token"):
            tokens = consent.redeem(consent.ask(prompt="consent")["code"])
            url = f"{consent.origin}/revoke"
            assert requests.post(url, params={"token": tokens[which]}).status_code == 200
            again = requests.post(url, data={"token": tokens[which]})
            assert (again.status_code, again.json()["error"]) == (400, "invalid_token")
            refused = consent.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
            assert refused.json()["error"] == "invalid_grant"
        assert "refresh_token" in consent.redeem(consent.ask()["code"]), "It is a first consent again."

    def test_the_limit_of_refresh_tokens(self, consent: Consent, sandbox: GoogleSandbox) -> None:
        """ "Refresh token expiration": 100 per account and client; the oldest dies without warning."""
        tokens = [sandbox.issue_tokens(MAYA).refresh_token for _ in range(101)]
        others = sandbox.issue_tokens(OMAR).refresh_token
        good = [
            consent.token(grant_type="refresh_token", refresh_token=token).ok
            for token in (tokens[0], tokens[1], tokens[-1], others)
        ]
        assert good == [False, True, True, True]

    @pytest.mark.parametrize(
        ("change", "error"),
        [
            ({"redirect_uri": "http://elsewhere/"}, "redirect_uri_mismatch"),
            ({"client_id": "nobody"}, "invalid_client"),
            ({"scope": "https://www.googleapis.com/auth/nonsense"}, "invalid_scope"),
            ({"response_type": "nonsense"}, "unsupported_response_type"),
        ],
    )
    def test_a_wrong_request_ends_on_a_page(
        self, consent: Consent, change: dict[str, str], error: str
    ) -> None:
        """ "Authorization errors": shown to the person, never redirected to an unchecked address."""
        asked = {
            "client_id": CLIENT_ID,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": "openid",
        } | change
        page = f"{consent.origin}/o/oauth2/v2/auth"
        answer = requests.get(page, params=asked, allow_redirects=False)
        assert answer.status_code in {400, 401}
        assert answer.headers["Content-Type"].startswith("text/html")
        assert error in answer.text

    def test_discovery(self, consent: Consent) -> None:
        """ "Discovery document" of OpenID Connect."""
        found = requests.get(f"{consent.origin}/.well-known/openid-configuration").json()
        assert found["issuer"] == "https://accounts.google.com"
        for name in ("authorization_endpoint", "token_endpoint", "revocation_endpoint", "jwks_uri"):
            assert found[name].startswith(consent.origin)
        assert found["code_challenge_methods_supported"] == ["plain", "S256"]
        keys = requests.get(found["jwks_uri"]).json()["keys"]
        assert {key["alg"] for key in keys} == {"RS256"}
        assert all({"kid", "n", "e", "kty", "use"} <= set(key) for key in keys)

    def test_the_id_token(self, consent: Consent) -> None:
        """ "An ID token's payload": iss, azp, aud, sub, hd for Workspace, email, at_hash, iat, exp."""
        signed = consent.redeem(consent.ask(nonce="n")["code"])["id_token"]
        claims = jwt.decode(signed, options={"verify_signature": False})
        assert claims["iss"] == "https://accounts.google.com"
        assert claims["aud"] == claims["azp"] == CLIENT_ID
        assert (claims["hd"], claims["email"], claims["email_verified"]) == ("northwind.example", MAYA, True)
        assert (claims["nonce"], claims["sub"].isdecimal()) == ("n", True)
        assert claims["exp"] - claims["iat"] == 3_600
        header = jwt.get_unverified_header(signed)
        assert header["alg"] == "RS256"
        assert header["kid"] in {
            key["kid"] for key in requests.get(f"{consent.origin}/oauth2/v3/certs").json()["keys"]
        }

    def test_what_ends_a_grant(self, consent: Consent, sandbox: GoogleSandbox) -> None:
        """ "Refresh token expiration": revoked, password changed with Gmail scopes, testing for 7 days."""

        def refused(token: str) -> bool:
            answer = consent.token(grant_type="refresh_token", refresh_token=token)
            return answer.status_code == 400 and answer.json()["error"] == "invalid_grant"

        revoked = sandbox.issue_tokens(MAYA, DEFAULT_SCOPES).refresh_token
        sandbox.revoke(MAYA)
        assert refused(revoked)
        changed = sandbox.issue_tokens(MAYA, DEFAULT_SCOPES).refresh_token
        sandbox.change_password(MAYA)
        assert refused(changed)
        sandbox.clients[CLIENT_ID].testing = True
        testing = sandbox.issue_tokens(MAYA, DEFAULT_SCOPES).refresh_token
        sandbox.clock.advance(WEEK + 1)
        assert refused(testing)
