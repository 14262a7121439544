"""The API does as its OpenAPI document says, whatever it is asked."""

from collections.abc import Iterator

import orjson
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import Case
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode

from postroom.api.urls import api
from postroom.site.wsgi import application
from tests.api.room import Filed, ask, program

EXAMPLES = 12
"""Random requests of each operation, besides those that cover each rule of its schema."""
BY_ID = {
    "/leads/": "lead",
    "/activities/": "activity",
    "/attachments/": "attachment",
    "/journal/": "entry",
    "/mailboxes/": "mailbox",
    "/destinations/": "destination",
    "/deliveries/": "delivery",
}
CONFIG = {
    "checks": {
        # 422 tells of what no schema can: an address that is none, a field that the account does not have.
        "positive_data_acceptance": {"expected-statuses": ["2xx", 401, 403, 404, 409, 412, 422]},
        "negative_data_rejection": {"expected-statuses": [400, 401, 403, 404, 405, 409, 412, 413, 415, 422]},
    },
    "generation": {"max-examples": EXAMPLES, "deterministic": True},
}


schema = schemathesis.openapi.from_dict(
    orjson.loads(orjson.dumps(api.get_openapi_schema())),
    config=SchemathesisConfig.from_dict(CONFIG),
)
schema.app = application


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Requests leave the connection open, and so the transaction that the test will roll back."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def token(ada, settings, monkeypatch, one_connection) -> str:
    """An administrator's, which asks as often as it likes."""
    settings.ALLOWED_HOSTS = ["*"]
    monkeypatch.setattr("postroom.api.tokens.LIMIT", 10**9)
    return program(ada).secret


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_the_api_does_as_its_document_says(case: Case, filed: Filed, token: str):
    if case.meta is None or case.meta.generation.mode is GenerationMode.POSITIVE:
        _make_sensible(case, filed)
    case.call_and_validate(headers={"Authorization": f"Bearer {token}"})


def _make_sensible(case: Case, filed: Filed) -> None:
    """Let most requests be about what there is, with values that can be used."""
    known = next((name for part, name in BY_ID.items() if part in case.operation.path), None)
    asked = (case.path_parameters or {}).get("id")
    if known and isinstance(asked, int) and asked % 4:
        case.path_parameters["id"] = getattr(filed, known).pk
    if not isinstance(case.body, dict):
        return
    body = case.body
    if "custom" in body and len(body["custom"]) % 2:
        body["custom"] = {"size": 5, "vip": True}
    if body.get("email") and len(body["email"]) % 2:
        body["email"] = f"{len(body['email'])}@example.com"
    if body.get("phone"):
        body["phone"] = "+49 30 1234567"
    if body.get("owner_id"):
        body["owner_id"] = filed.mailbox.user_id
    if "other_id" in body:
        body["other_id"] = filed.other.pk
        body["take"] = ["phone"]


def test_the_document_is_openapi_3_1_and_open_to_everyone():
    answer = ask("GET", "/openapi.json")
    assert answer.status_code == 200
    document = orjson.loads(answer.content)
    assert document["openapi"].startswith("3.1.")
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_every_operation_tells_its_scope_and_every_error_is_a_problem():
    document = orjson.loads(ask("GET", "/openapi.json").content)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["security"][0]["Bearer"] or path == "/api/v1/me"
            assert operation["description"], (method, path)
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    assert list(response["content"]) == ["application/problem+json"]
