"""Every operation of the API, asked by every kind of person, with and without its scope (R-075)."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.test import Client
from django.urls import get_resolver

from postroom.api.scopes import Scope
from postroom.api.urls import api
from postroom.organisations.models import User
from postroom.policy.settings import Settings, to_data
from tests.api.room import EVERYTHING, Filed, ask, program
from tests.web.test_access import API, names

ALL = frozenset({"ada", "max_", "mona", "rita", "sam"})
ADMINISTRATOR = frozenset({"ada"})
OF_RITA = frozenset({"ada", "max_", "rita"})
"""Whoever may see Rita."""


@dataclass(frozen=True)
class Row:
    """One operation on Rita's things, and who gets the good answer; others get ``refusal``."""

    method: str
    path: Callable[[Filed], str]
    scope: Scope | None
    who: frozenset[str]
    refusal: int = 404
    body: Callable[[Filed], object] = lambda _filed: None
    good: int = 200
    lists: bool = False
    """Whether it shows whatever the user may see, so that a stranger gets an answer with nothing in it."""


def at(path: str, name: str = "") -> Callable[[Filed], str]:
    return lambda filed: path.format(getattr(filed, name).pk if name else "")


def policy(_filed: Filed) -> object:
    return {**to_data(Settings()), "version": 0}


MATRIX = {
    "me": Row("GET", at("/me"), None, ALL, lists=True),
    "lead_list": Row("GET", at("/leads"), Scope.LEADS_READ, ALL, lists=True),
    "lead_create": Row(
        *("POST", at("/leads"), Scope.LEADS_WRITE, ALL),
        body=lambda _filed: {"company": "Acme"},
        good=201,
        lists=True,
    ),
    "lead": Row("GET", at("/leads/{}", "lead"), Scope.LEADS_READ, ALL),
    "lead_change": Row(
        *("PATCH", at("/leads/{}", "lead"), Scope.LEADS_WRITE, ALL), body=lambda _filed: {"phone": "030 1"}
    ),
    "lead_delete": Row(
        "DELETE", at("/leads/{}", "lead"), Scope.LEADS_WRITE, ALL - {"sam"}, refusal=403, good=204
    ),
    "lead_merge": Row(
        *("POST", at("/leads/{}/merge", "lead"), Scope.LEADS_WRITE, ALL),
        body=lambda filed: {"other_id": filed.other.pk},
    ),
    "lead_field_list": Row("GET", at("/lead-fields"), Scope.LEADS_READ, ALL, lists=True),
    "lead_source_list": Row("GET", at("/lead-sources"), Scope.LEADS_READ, ALL, lists=True),
    "activity_list": Row("GET", at("/activities"), Scope.ACTIVITIES_READ, ALL, lists=True),
    "activity": Row("GET", at("/activities/{}", "activity"), Scope.ACTIVITIES_READ, ALL),
    "attachment": Row("GET", at("/attachments/{}", "attachment"), Scope.ACTIVITIES_READ, ALL),
    "journal_list": Row("GET", at("/journal"), Scope.JOURNAL_READ, ALL, lists=True),
    "journal_entry": Row("GET", at("/journal/{}", "entry"), Scope.JOURNAL_READ, OF_RITA),
    "mailbox_list": Row("GET", at("/mailboxes"), Scope.MAILBOXES_READ, ALL, lists=True),
    "mailbox": Row("GET", at("/mailboxes/{}", "mailbox"), Scope.MAILBOXES_READ, OF_RITA),
    "mailbox_pause": Row(
        "POST", at("/mailboxes/{}/pause", "mailbox"), Scope.MAILBOXES_WRITE, frozenset({"rita"})
    ),
    "mailbox_resume": Row(
        "POST", at("/mailboxes/{}/resume", "mailbox"), Scope.MAILBOXES_WRITE, frozenset({"rita"})
    ),
    "mailbox_deactivate": Row(
        "POST", at("/mailboxes/{}/deactivate", "mailbox"), Scope.MAILBOXES_WRITE, OF_RITA - {"rita"}
    ),
    "mailbox_activate": Row(
        "POST", at("/mailboxes/{}/activate", "mailbox"), Scope.MAILBOXES_WRITE, OF_RITA - {"rita"}
    ),
    "user_list": Row("GET", at("/users"), Scope.USERS_READ, ALL, lists=True),
    "user": Row("GET", lambda filed: f"/users/{filed.mailbox.user_id}", Scope.USERS_READ, OF_RITA),
    "settings": Row("GET", at("/settings"), Scope.SETTINGS_READ, ADMINISTRATOR, refusal=403, lists=True),
    "settings_save": Row(
        *("PUT", at("/settings"), Scope.SETTINGS_WRITE, ADMINISTRATOR),
        refusal=403,
        body=policy,
        lists=True,
    ),
    "destination_list": Row(
        "GET", at("/destinations"), Scope.DESTINATIONS_READ, ADMINISTRATOR, refusal=403, lists=True
    ),
    "destination": Row(
        "GET", at("/destinations/{}", "destination"), Scope.DESTINATIONS_READ, ADMINISTRATOR, refusal=403
    ),
    "delivery_list": Row(
        "GET",
        at("/destinations/{}/deliveries", "destination"),
        Scope.DESTINATIONS_READ,
        ADMINISTRATOR,
        refusal=403,
    ),
    "delivery": Row(
        "GET", at("/deliveries/{}", "delivery"), Scope.DESTINATIONS_READ, ADMINISTRATOR, refusal=403
    ),
}
OWN_RIGHT = {"mailbox_pause", "mailbox_resume", "mailbox_deactivate", "mailbox_activate"}
"""Whoever sees the mailbox, and may not do this to it, is told so; for all others it does not exist."""
OF_RITA_ALONE = (b"carol@customer.example", b"rita@northwind.example", b"Elsewhere", b"Fair", b"Plan")


@pytest.fixture
def people(ada, max_, mona, rita, sam) -> dict[str, User]:
    return {"ada": ada, "max_": max_, "mona": mona, "rita": rita, "sam": sam}


def test_every_operation_is_in_this_matrix():
    operations = {
        operation["operationId"]
        for path in api.get_openapi_schema()["paths"].values()
        for operation in path.values()
    }
    assert operations == set(MATRIX)
    assert set(MATRIX) <= names(get_resolver().url_patterns) & API


@pytest.fixture
def ready(filed, people) -> Callable[[str], Row]:
    """The row, with the mailbox in a state that the operation can be done in."""

    def make(name: str) -> Row:
        if name == "mailbox_activate":
            program(people["ada"]).post(f"/mailboxes/{filed.mailbox.pk}/deactivate")
        if name == "mailbox_resume":
            program(people["rita"]).post(f"/mailboxes/{filed.mailbox.pk}/pause")
        return MATRIX[name]

    return make


@pytest.mark.parametrize(("name", "who"), [(n, w) for n, row in MATRIX.items() for w in sorted(row.who)])
def test_whoever_is_in_the_row_gets_the_good_answer(name, who, filed, people, ready):
    row = ready(name)
    answer = program(people[who]).ask(row.method, row.path(filed), row.body(filed))
    assert answer.status_code == row.good, answer.content


@pytest.mark.parametrize(
    ("name", "who"), [(n, w) for n, row in MATRIX.items() for w in sorted(ALL - row.who)]
)
def test_everyone_else_is_refused(name, who, filed, people, ready):
    row = ready(name)
    answer = program(people[who]).ask(row.method, row.path(filed), row.body(filed))
    seen = name in OWN_RIGHT and who in OF_RITA
    assert answer.status_code == (403 if seen else row.refusal), answer.content


@pytest.mark.parametrize("name", MATRIX)
def test_another_account_gets_nothing_of_it(name, filed, eve):
    row = MATRIX[name]
    answer = program(eve).ask(row.method, row.path(filed), row.body(filed))
    assert answer.status_code == (row.good if row.lists else 404), answer.content
    if name != "me":
        assert not [secret for secret in OF_RITA_ALONE if secret in answer.content]


@pytest.mark.parametrize("name", [name for name, row in MATRIX.items() if row.scope])
def test_without_its_scope_an_operation_is_refused_to_everyone(name, filed, ada):
    row = MATRIX[name]
    others = [scope for scope in EVERYTHING if scope != row.scope]
    answer = program(ada, *others).ask(row.method, row.path(filed), row.body(filed))
    assert answer.status_code == 403
    assert answer["WWW-Authenticate"] == f'Bearer error="insufficient_scope", scope="{row.scope}"'
    alone = program(ada, str(row.scope)).ask(row.method, row.path(filed), row.body(filed))
    assert alone.status_code != 403 or name in OWN_RIGHT


@pytest.mark.parametrize("name", MATRIX)
def test_nobody_gets_in_without_a_token(name, filed):
    row = MATRIX[name]
    for headers in (
        {},
        {"Authorization": "Bearer prm_made_up"},
        {"Authorization": "Basic cml0YTpwYXNz"},
        {"Authorization": "prm_made_up"},
        {"Authorization": "Bearer "},
        {"Authorization": f"Bearer {'x' * 5000}"},
    ):
        answer = ask(row.method, row.path(filed), row.body(filed), **headers)
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Bearer")
        assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("name", MATRIX)
def test_a_session_authenticates_nothing(name, filed, ada):
    row = MATRIX[name]
    client = Client()
    client.force_login(ada, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.get("/leads/").status_code == 200
    answer = client.generic(row.method, f"/api/v1{row.path(filed)}")
    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers
