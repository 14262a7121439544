"""Units, limits and their refusals."""

from typing import Any

import pytest
from googleapiclient.errors import HttpError

from postroom.sandbox.google import GoogleSandbox

from .conftest import MAYA, OMAR, letter, official_client


def _until_refused(request: Any, most: int = 1_000) -> tuple[int, HttpError]:
    """How many calls went well, and the refusal."""
    for done in range(most):
        try:
            request.execute()
        except HttpError as error:
            return done, error
    raise AssertionError("never refused")


def test_units_are_counted_with_limits_off(gmail: Any, sandbox: GoogleSandbox) -> None:
    message = sandbox.deliver(MAYA, letter())
    gmail.users().messages().get(userId="me", id=message.id).execute()
    gmail.users().messages().list(userId="me").execute()
    gmail.users().history().list(userId="me", startHistoryId=str(message.history_id)).execute()
    spent = {method: entry.units for method, entry in sandbox.ledger.spent[MAYA].items()}
    assert spent == {"messages.get": 20, "messages.list": 5, "history.list": 2}
    assert sandbox.ledger.total().units == sandbox.ledger.today("sandbox.apps.googleusercontent.com") == 27


def test_a_new_project_may_get_300_mails_a_minute_and_user(gmail: Any, sandbox: GoogleSandbox) -> None:
    message = sandbox.deliver(MAYA, letter())
    sandbox.limit("2026")
    request = gmail.users().messages().get(userId="me", id=message.id, format="minimal")
    done, refusal = _until_refused(request)
    assert done == 300
    assert refusal.status_code == 403
    assert b'"reason": "userRateLimitExceeded"' in refusal.content
    sandbox.clock.advance(60)
    request.execute()


def test_an_older_project_pays_less(gmail: Any, sandbox: GoogleSandbox) -> None:
    message = sandbox.deliver(MAYA, letter())
    sandbox.limit("legacy")
    gmail.users().messages().get(userId="me", id=message.id).execute()
    assert sandbox.ledger.spent[MAYA]["messages.get"].units == 5


def test_one_users_spending_is_not_anothers(sandbox: GoogleSandbox, origin: str) -> None:
    sandbox.limit("2026")
    watch = {"topicName": "projects/p/topics/mail"}
    done, _ = _until_refused(official_client(sandbox, origin, MAYA).users().watch(userId="me", body=watch))
    assert done == 60
    official_client(sandbox, origin, OMAR).users().watch(userId="me", body=watch).execute()


def test_the_wording_of_production(gmail: Any, sandbox: GoogleSandbox) -> None:
    sandbox.limit("2026", wording="observed")
    _, refusal = _until_refused(
        gmail.users().watch(userId="me", body={"topicName": "projects/p/topics/mail"})
    )
    assert refusal.status_code == 429
    assert "Queries per minute per user" in refusal.reason


def test_too_many_requests_at_once(gmail: Any, sandbox: GoogleSandbox) -> None:
    sandbox.limit("off", concurrent=1)
    request = gmail.users().getProfile(userId="me")
    sandbox.ledger.enter(MAYA)
    with pytest.raises(HttpError, match="Too many concurrent requests for user") as refused:
        request.execute()
    assert refused.value.status_code == 429
    sandbox.ledger.leave(MAYA)
    assert request.execute()


def test_a_refused_parameter_costs_and_is_counted(gmail: Any, sandbox: GoogleSandbox) -> None:
    with pytest.raises(HttpError):
        gmail.users().messages().get(userId="me", id="x").execute()
    assert sandbox.ledger.spent[MAYA]["messages.get"].refused == 1
