"""Whatever goes wrong is a problem in JSON, also where it is Django that says so."""

import logging

import orjson
import pytest

from postroom.api.leads import views
from tests.api.room import ask, program

INVALID_UTF_8 = b'{"company": "\xff"}'
NULL = b'{"company": "a\\u0000b"}'
HALF_A_PAIR = b'{"company": "\\ud800"}'
IN_A_NAME = b'{"custom": {"a\\u0000": "x"}}'


def problem(answer) -> dict[str, object]:
    assert answer["Content-Type"] == "application/problem+json"
    said = orjson.loads(answer.content)
    assert set(said) >= {"type", "title", "status", "detail", "errors"}
    assert said["status"] == answer.status_code
    assert str(said["type"]).startswith("http://testserver/api/#")
    return said


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/leads/", 404),
        ("GET", "/", 404),
        ("POST", "/me", 405),
        ("DELETE", "/leads", 405),
        ("HEAD", "/leads/999999", 404),
        ("GET", "/leads/999999", 404),
        ("GET", "/leads/0", 422),
        ("GET", "/leads/99999999999999999999999", 422),
        ("GET", "/leads/x", 422),
        ("GET", "/leads?limit=201", 422),
        ("GET", "/leads?limit=0", 422),
        ("GET", "/leads?limit=many", 422),
        ("GET", "/leads?lmit=5", 422),
        ("GET", "/leads?q=%00", 422),
        ("GET", "/leads?q=%ff", 422),
        ("GET", "/leads/%00", 422),
        ("GET", "/leads?after=no-cursor", 404),
        ("GET", "/leads?after=%F0%9F%92%A9", 404),
        ("GET", "/activities?after=bm9uc2Vuc2U", 404),
        ("GET", "/activities?since=yesterday", 422),
        ("GET", "/activities?since=2026-05-04T10:00:00", 422),
    ],
)
def test_a_request_that_cannot_be_answered(ada, method, path, status):
    answer = program(ada).ask(method, path, None)
    assert answer.status_code == status, answer.content
    if method != "HEAD":
        problem(answer)


def test_head_tells_what_get_would_without_the_content(ada):
    asks = program(ada)
    head, get = asks.ask("HEAD", "/me", None), asks.get("/me")
    assert (head.status_code, head.content) == (200, b"")
    assert head["ETag"] == get["ETag"]
    assert head["Content-Type"] == "application/json"
    assert asks.ask("HEAD", "/me", None, If_None_Match=get["ETag"]).status_code == 304
    assert ask("HEAD", "/me").status_code == 401


def test_a_method_that_there_is_not_names_those_that_there_are(ada):
    answer = program(ada).ask("DELETE", "/leads", None)
    assert set(answer["Allow"].split(", ")) == {"GET", "POST"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"nothing", 400),
        (b'{"company": NaN}', 400),
        (b"[" * 100 + b"]" * 100, 400),
        (b"[" * 100_000, 400),
        (INVALID_UTF_8, 422),
        (NULL, 422),
        (HALF_A_PAIR, 422),
        (IN_A_NAME, 422),
        (b"[]", 422),
        (b"null", 422),
        (b'"text"', 422),
        (b"", 422),
        (b'{"company": 5}', 422),
        (b'{"compony": "x"}', 422),
        (b'{"company": "' + b"x" * 201 + b'"}', 422),
    ],
)
def test_a_body_that_cannot_be_used(ada, body, status):
    answer = program(ada).post("/leads", body)
    assert answer.status_code == status, answer.content
    problem(answer)


def test_a_body_is_json_and_not_too_large(ada):
    asks = program(ada)
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = asks.post("/leads", b"company=Acme", content_type=content_type)
        assert answer.status_code == 415
        problem(answer)
    answer = asks.post("/leads", {"company": "Acme"}, Transfer_Encoding="chunked")
    assert answer.status_code == 411
    problem(answer)
    answer = asks.post("/leads", b" " * 1_000_001)
    assert answer.status_code == 413
    problem(answer)


def test_errors_are_told_by_field(ada, filed):
    answer = program(ada).post(
        "/leads", {"email": "none", "phone": "call me", "owner_id": 999_999, "custom": {"size": "big"}}
    )
    errors = problem(answer)["errors"]
    assert set(errors) == {"email", "phone", "owner_id", "custom.size"}
    answer = program(ada).post("/leads", {"first_name": 5, "custom": {"shoe": 42}, "nick": "C"})
    assert set(problem(answer)["errors"]) == {"first_name", "nick"}
    answer = program(ada).post("/leads", {"custom": {"shoe": 42}})
    assert problem(answer)["errors"] == {"custom.shoe": ["Leads have no field shoe."]}


def test_a_fault_is_logged_and_tells_nothing(ada, monkeypatch, caplog):
    def fail(*_args: object, **_values: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(views, "fields_of", fail)
    with caplog.at_level(logging.ERROR, "django.request"):
        answer = program(ada).get("/leads")
    assert answer.status_code == 500
    assert problem(answer)["type"] == "http://testserver/api/#fault"
    assert b"secret detail" not in answer.content
    assert "secret detail" in caplog.text


def test_a_fault_tells_nothing_in_debug_either(ada, monkeypatch, settings):
    settings.DEBUG = True
    monkeypatch.setattr(views, "fields_of", None)
    answer = program(ada).get("/leads")
    assert answer.status_code == 500
    problem(answer)


def test_the_language_of_a_browser_changes_nothing(ada):
    ada.language = "de"
    ada.save()
    asks = program(ada)
    plain = asks.post("/leads", {"phone": "call me", "company": "x"})
    german = asks.post("/leads", {"phone": "call me", "company": "x"}, Accept_Language="de")
    assert plain.content == german.content


def test_an_answer_is_for_whoever_asked_alone(ada):
    answer = program(ada).get("/me")
    assert answer["Cache-Control"] == "private, no-cache"
    assert "Set-Cookie" not in answer.headers
    assert ask("GET", "/openapi.json").status_code == 200
