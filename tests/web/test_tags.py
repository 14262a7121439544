"""What is said of an entry while the form is still open (R-032, R-036)."""

import pytest
from django.test import Client

from postroom.connector.models import AuditEntry


def check(client: Client, kind: str, tags: str) -> list[dict[str, str]]:
    response = client.post("/tags/check/", {"kind": kind, "tags": tags})
    assert response.status_code == 200
    return response.json()["tags"]


def test_r036_each_entry_is_answered_by_itself(as_, rita):
    tags = check(as_(rita), "entry", "*@Example.COM\n\nfoo@\nJane <JANE@example.com>\n127.0.0.1")
    assert [(tag["value"], bool(tag["reason"])) for tag in tags] == [
        ("example.com", False),
        ("", True),
        ("jane@example.com", False),
        ("", True),
    ]


def test_keywords_that_mean_the_same_have_one_key(as_, rita):
    first, second, long = check(as_(rita), "keyword", f"Straße\nSTRASSE\n{'x' * 256}")
    assert first["key"] == second["key"]
    assert "255" in long["reason"]


def test_an_internal_domain_is_no_address(as_, rita):
    [tag] = check(as_(rita), "domain", "jane@example.com")
    assert tag["reason"] == "Enter a domain, not an address."


@pytest.mark.parametrize("form", [{}, {"kind": "spell"}, {"kind": "keyword", "tags": "\n" * 20_002}])
def test_anything_else_is_refused(as_, rita, form):
    assert as_(rita).post("/tags/check/", form).status_code == 400


def test_asking_needs_a_signed_in_user_and_stores_nothing(as_, rita):
    assert Client().post("/tags/check/", {"kind": "keyword", "tags": "a"}).status_code == 302
    assert as_(rita).get("/tags/check/").status_code == 405
    check(as_(rita), "keyword", "null \x00 character")
    assert not AuditEntry.objects.exists()
