"""What goes wrong on demand."""

from typing import Any

import pytest
import requests
from google.auth.exceptions import RefreshError
from googleapiclient.errors import HttpError

from postroom.sandbox.google import Fault, GoogleSandbox

from .conftest import MAYA, OMAR, letter


@pytest.fixture
def get(sandbox: GoogleSandbox, origin: str) -> Any:
    """A plain request to a path of Maya's mailbox, without any client's retries."""
    token = sandbox.issue_tokens(MAYA).access_token

    def ask(path: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.get(f"{origin}/gmail/v1/users/me/{path}", headers=headers)

    return ask


def test_an_error_for_the_next_requests_only(get: Any, sandbox: GoogleSandbox) -> None:
    sandbox.fault("error", method="messages.*", status=429, retry_after=7, times=2)
    assert get("profile").status_code == 200
    for _ in range(2):
        refused = get("messages")
        assert refused.status_code == 429
        assert refused.headers["Retry-After"] == "7"
        assert refused.json()["error"]["errors"][0]["reason"] == "rateLimitExceeded"
    assert get("messages").status_code == 200


@pytest.mark.parametrize(
    ("status", "reason", "domain"),
    [
        (401, "authError", "global"),
        (403, "userRateLimitExceeded", "usageLimits"),
        (403, "domainPolicy", "global"),
        (500, "backendError", "global"),
        (503, "backendError", "global"),
    ],
)
def test_googles_error_bodies(
    get: Any, sandbox: GoogleSandbox, status: int, reason: str, domain: str
) -> None:
    sandbox.fault("error", status=status, reason=reason)
    error = get("profile").json()["error"]
    assert error["code"] == status
    assert error["errors"][0]["reason"] == reason
    assert error["errors"][0]["domain"] == domain
    assert error["message"]


def test_a_fault_for_one_user_or_path(get: Any, sandbox: GoogleSandbox) -> None:
    sandbox.fault("error", user=OMAR)
    sandbox.fault("error", path="*/history")
    assert get("profile").status_code == 200
    assert get("history?startHistoryId=1").status_code == 503


def test_a_fault_can_wait_for_its_turn(get: Any, sandbox: GoogleSandbox) -> None:
    sandbox.fault("error", skip=1)
    assert [get("profile").status_code for _ in range(3)] == [200, 503, 200]


def test_chances_repeat_with_the_seed() -> None:
    def hits() -> list[bool]:
        faults = GoogleSandbox(seed=7).faults
        faults.add(Fault("error", probability=0.5, times=None))
        return [bool(faults.take("messages.get")) for _ in range(40)]

    first = hits()
    assert first == hits()
    assert 5 < sum(first) < 35


def test_the_frontends_html_page(get: Any, sandbox: GoogleSandbox) -> None:
    sandbox.fault("html", status=502)
    refused = get("profile")
    assert refused.status_code == 502
    assert refused.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("kind", ["drop", "truncate"])
def test_a_connection_that_breaks(get: Any, sandbox: GoogleSandbox, kind: str) -> None:
    sandbox.fault(kind)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        get("profile")
    assert get("profile").status_code == 200


def test_pages_with_doubles_and_out_of_order(get: Any, sandbox: GoogleSandbox) -> None:
    start = sandbox.mailbox(MAYA).history_id
    made = [sandbox.deliver(MAYA, letter(f"Mail {n}")).id for n in range(9)]
    sandbox.fault("duplicate", method="history.list")
    doubled = [
        record["messages"][0]["id"] for record in get(f"history?startHistoryId={start}").json()["history"]
    ]
    assert doubled == [message_id for message_id in made for _ in range(2)]
    sandbox.fault("reorder", method="messages.list")
    shuffled = [message["id"] for message in get("messages").json()["messages"]]
    assert shuffled != made[::-1]
    assert sorted(shuffled) == sorted(made)


def test_slowness_holds_up_only_the_requests_it_matches(get: Any, sandbox: GoogleSandbox) -> None:
    fault = sandbox.fault("latency", method="messages.list", seconds=0.01)
    get("profile")
    assert fault.hits == 0
    get("messages")
    assert fault.hits == 1


def test_a_refresh_is_refused(gmail: Any, sandbox: GoogleSandbox) -> None:
    sandbox.fault("invalid_grant", user=MAYA)
    with pytest.raises(RefreshError, match="expired or revoked"):
        gmail.users().getProfile(userId="me").execute()
    gmail.users().getProfile(userId="me").execute()


def test_revoked_tokens(gmail: Any, sandbox: GoogleSandbox) -> None:
    gmail.users().getProfile(userId="me").execute()
    sandbox.revoke(MAYA)
    with pytest.raises((RefreshError, HttpError)):
        gmail.users().getProfile(userId="me").execute()


def test_the_token_endpoint_fails_only_when_named(gmail: Any, sandbox: GoogleSandbox) -> None:
    everywhere = sandbox.fault("error", times=None)
    sandbox.issue_tokens(MAYA)
    with pytest.raises(HttpError):
        gmail.users().getProfile(userId="me").execute()
    sandbox.faults.remove(everywhere.id)
    sandbox.tokens.expire_access(MAYA)
    sandbox.fault("error", method="token", status=503, times=None)
    with pytest.raises(RefreshError):
        gmail.users().getProfile(userId="me").execute()


def test_an_unknown_kind_is_a_mistake(sandbox: GoogleSandbox) -> None:
    with pytest.raises(ValueError, match="no such fault"):
        sandbox.fault("explode")
