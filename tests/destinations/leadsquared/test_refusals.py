"""LeadSquared's refusals as Postroom's errors."""

import json

import pytest

from postroom.destinations.leadsquared.refusals import AnswerLost, NotAccepted, read_refusal, to_error
from postroom.errors import AuthorizationLost, ProviderError, Throttled, Unavailable


def body(kind: str, said: str) -> bytes:
    return json.dumps({"Status": "Error", "ExceptionType": kind, "ExceptionMessage": said}).encode()


def error(
    status: int, content: bytes = b"", *, changes: bool = True, wait: float | None = None
) -> ProviderError:
    refusal = read_refusal(status, content, wait, "request-1")
    assert refusal is not None
    return to_error(refusal, changes=changes)


@pytest.mark.parametrize("content", [b'{"Status":"Success"}', b"[]", b"{}", b'{"RecordCount":0}'])
def test_a_success_is_no_refusal(content: bytes) -> None:
    assert read_refusal(200, content, None, "") is None


def test_an_error_with_status_200_is_one_all_the_same() -> None:
    found = error(200, body("MXInvalidInputException", "No such field."))
    assert isinstance(found, NotAccepted)
    assert "No such field." in str(found)


def test_wrong_keys_are_lost_authorisation() -> None:
    found = error(401, body("MXUnAuthorizedException", "Use api-us11.leadsquared.com"))
    assert isinstance(found, AuthorizationLost)
    assert "api-us11" in str(found)


@pytest.mark.parametrize(
    ("status", "content", "wait", "seconds"),
    [
        (429, b"", None, 5.0),
        (429, b"", 12.0, 12.0),
        (
            429,
            body("MXAPIRateLimitExceededException", "API calls exceeded the limit of 25 in 5 second(s)"),
            None,
            5.0,
        ),
        (
            500,
            body("MXAPICallsExceededException", "API calls exceeded the limit of 25 in 5 second(s)"),
            None,
            5.0,
        ),
        (429, body("", "API calls exceeded the limit of 10000 per day"), None, 3600.0),
    ],
)
def test_limits_ask_for_patience(status: int, content: bytes, wait: float | None, seconds: float) -> None:
    found = error(status, content, wait=wait)
    assert isinstance(found, Throttled)
    assert found.retry_after == seconds


def test_a_refusal_has_leadsquareds_words_and_type() -> None:
    found = error(500, body("MXDuplicateEntryException", "A Lead with same Email already exists."))
    assert isinstance(found, NotAccepted)
    assert (found.kind, found.request_id) == ("MXDuplicateEntryException", "request-1")
    assert str(found) == "LeadSquared says: A Lead with same Email already exists."


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_fault_of_the_server_may_have_come_after_the_effect(status: int) -> None:
    assert isinstance(error(status, b"<html>"), AnswerLost)
    assert isinstance(error(status, b"<html>", changes=False), Unavailable)


@pytest.mark.parametrize("status", [302, 403, 408, 503])
def test_something_on_the_way_is_out_of_reach(status: int) -> None:
    assert isinstance(error(status, b"<html>"), Unavailable)


@pytest.mark.parametrize("status", [400, 404])
def test_what_is_not_understood_is_not_accepted(status: int) -> None:
    assert isinstance(error(status, b""), NotAccepted)
