"""Idempotency-Key: a request sent twice is done once."""

from datetime import UTC, datetime, timedelta

import orjson
import psycopg
import pytest
from django.db import connection

from postroom.api import idempotency
from postroom.api.idempotency import forget_answers
from postroom.api.models import KeptAnswer
from postroom.connector.erasing import begin_erasure, run_erasure
from postroom.crm.models import Lead
from tests.api.room import program

BODY = {"company": "Acme"}


def test_the_same_request_is_answered_the_same_and_done_once(ada):
    asks = program(ada)
    first = asks.post("/leads", BODY, Idempotency_Key="a-1")
    second = asks.post("/leads", BODY, Idempotency_Key='"a-1"')
    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    assert first["Location"] == second["Location"] == f"/api/v1/leads/{Lead.objects.get().pk}"
    assert "Idempotent-Replayed" not in first.headers
    assert second["Idempotent-Replayed"] == "true"


def test_without_a_key_it_is_done_each_time(ada):
    asks = program(ada)
    for _ in range(2):
        assert asks.post("/leads", BODY).status_code == 201
    assert Lead.objects.count() == 2
    assert not KeptAnswer.objects.exists()


def test_another_request_with_the_key_is_refused(ada, filed):
    asks = program(ada)
    asks.post("/leads", BODY, Idempotency_Key="a")
    other = asks.post("/leads", {"company": "Other"}, Idempotency_Key="a")
    assert other.status_code == 422
    assert orjson.loads(other.content)["type"].endswith("/api/#key-reused")
    elsewhere = asks.post(f"/mailboxes/{filed.mailbox.pk}/deactivate", Idempotency_Key="a")
    assert elsewhere.status_code == 422
    assert Lead.objects.filter(company__in=["Acme", "Other"]).count() == 1


def test_keys_are_each_tokens_own(ada):
    for _ in range(2):
        assert program(ada).post("/leads", BODY, Idempotency_Key="a").status_code == 201
    assert Lead.objects.count() == 2


def test_an_error_leaves_the_key_free(ada):
    asks = program(ada)
    assert asks.post("/leads", {"email": "no address"}, Idempotency_Key="a").status_code == 422
    assert asks.post("/leads", {"email": "x@example.com"}, Idempotency_Key="a").status_code == 201


def test_a_request_under_way_is_a_conflict(ada):
    asks = program(ada)
    given = connection.get_connection_params()
    names = ("host", "port", "user", "dbname", "password")
    with psycopg.connect(**{name: given[name] for name in names if given.get(name)}) as other:
        lock = f"idempotency:{asks.token.pk}:a"
        other.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [lock])
        answer = asks.post("/leads", BODY, Idempotency_Key="a")
        assert answer.status_code == 409
        assert answer["Retry-After"] == "1"
        assert not Lead.objects.exists()
    assert asks.post("/leads", BODY, Idempotency_Key="a").status_code == 201


def test_answer_and_effect_are_kept_together_or_not_at_all(ada, monkeypatch):
    def fail(*_args: object) -> None:
        raise RuntimeError("The disk is full.")

    monkeypatch.setattr(idempotency, "_keep", fail)
    answer = program(ada).post("/leads", BODY, Idempotency_Key="a")
    assert answer.status_code == 500
    assert not Lead.objects.exists()


def test_a_day_later_the_key_is_free(ada):
    asks = program(ada)
    asks.post("/leads", BODY, Idempotency_Key="a")
    KeptAnswer.objects.update(created_at=datetime.now(UTC) - timedelta(hours=25))
    assert asks.post("/leads", {"company": "Other"}, Idempotency_Key="a").status_code == 201
    assert Lead.objects.count() == 2


def test_what_was_said_of_a_person_goes_when_they_are_erased(ada):
    asks = program(ada)
    lead = orjson.loads(asks.post("/leads", {"first_name": "Carol"}, Idempotency_Key="a").content)
    asks.post("/leads", {"first_name": "Dave"}, Idempotency_Key="b")
    run_erasure(begin_erasure(Lead.objects.get(pk=lead["id"]), ada).pk)
    assert KeptAnswer.objects.get().key == "b"


def test_what_was_kept_for_a_day_is_forgotten(ada):
    asks = program(ada)
    for key in ("a", "b"):
        asks.post("/leads", BODY, Idempotency_Key=key)
    now = datetime.now(UTC)
    KeptAnswer.objects.filter(key="a").update(created_at=now - timedelta(hours=25))
    assert forget_answers(now) == 1
    assert KeptAnswer.objects.get().key == "b"


@pytest.mark.parametrize("key", ["", "  ", "with space", "x" * 256, "tür", '"'])
def test_what_is_no_key_is_refused(ada, key):
    answer = program(ada).post("/leads", BODY, Idempotency_Key=key)
    assert answer.status_code == 400
    assert not Lead.objects.exists()
