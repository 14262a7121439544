"""API tokens under My account, the administrator's view of all, and the reference page."""

import re

import pytest

from postroom.api.models import ApiToken
from postroom.api.problems import Kinds
from postroom.api.scopes import Scope
from postroom.api.tokens import make_token
from postroom.api.urls import api
from postroom.connector.users import deactivate_user, reactivate_user
from tests.api.room import ask

PAGE = "/my-account/api-tokens/"
NEW = {"name": "Reporting", "scopes": ["leads:read", "journal:read"], "lasts": "90"}


def secrets_in(response) -> list[str]:
    return re.findall(r"prm_[\w-]{43}", response.content.decode())


def test_a_token_is_shown_once(as_, rita):
    client = as_(rita)
    made = client.post(PAGE, NEW)
    assert (made.status_code, made["Location"]) == (302, PAGE)
    page = client.get(PAGE)
    (secret,) = secrets_in(page)
    assert "no-store" in page["Cache-Control"]
    assert ask("GET", "/leads", Authorization=f"Bearer {secret}").status_code == 200
    again = client.get(PAGE)
    assert secrets_in(again) == []
    assert "Reporting" in again.content.decode()
    assert ApiToken.objects.get().scopes == ["leads:read", "journal:read"]


def test_on_its_way_to_the_page_the_token_is_sealed(as_, rita):
    client = as_(rita)
    client.post(PAGE, NEW)
    assert "prm_" not in str(dict(client.session.items()))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": ""}, "Give it a name."),
        ({"name": " "}, "Give it a name."),
        ({"scopes": []}, "Choose at least one."),
        ({"scopes": ["everything"]}, "Choose among what is offered."),
        ({"lasts": "9999"}, "Choose one of the periods offered."),
    ],
)
def test_what_is_wrong_is_told_beside_the_field(as_, rita, change, said):
    page = as_(rita).post(PAGE, NEW | change)
    assert page.status_code == 422
    assert said in page.content.decode()
    assert not ApiToken.objects.exists()


def test_a_token_can_last_until_it_is_revoked(as_, rita):
    as_(rita).post(PAGE, NEW | {"lasts": "never"})
    assert ApiToken.objects.get().expires_at is None


def test_revoking_asks_first(as_, rita):
    token, secret = make_token(rita, "Reporting", Scope.values, None)
    client = as_(rita)
    asked = client.get(f"{PAGE}{token.pk}/revoke/")
    assert "Revoke Reporting?" in asked.content.decode()
    assert ask("GET", "/me", Authorization=f"Bearer {secret}").status_code == 200
    assert client.post(f"{PAGE}{token.pk}/revoke/")["Location"] == PAGE
    assert ask("GET", "/me", Authorization=f"Bearer {secret}").status_code == 401
    page = client.get(PAGE).content.decode()
    assert "Revoked" in page
    assert f"{token.pk}/revoke/" not in page


def test_nobody_sees_or_revokes_the_tokens_of_others(as_, rita, sam, max_, stranger):
    token, _ = make_token(rita, "Reporting", Scope.values, None)
    for user in (sam, max_, stranger):
        client = as_(user)
        assert client.post(f"{PAGE}{token.pk}/revoke/").status_code == 404
        assert "Reporting</b>" not in client.get(PAGE).content.decode()
    for user in (sam, max_, rita):
        assert as_(user).get(f"{PAGE}all/").status_code == 403
    assert "Reporting" not in as_(stranger).get(f"{PAGE}all/").content.decode()
    token.refresh_from_db()
    assert token.revoked_at is None


def test_an_administrator_sees_and_revokes_everyones(as_, rita, ada):
    token, _ = make_token(rita, "Reporting", ["leads:read"], None)
    client = as_(ada)
    page = client.get(f"{PAGE}all/").content.decode()
    assert "Reporting" in page
    assert "Rita" in page
    assert client.post(f"{PAGE}{token.pk}/revoke/")["Location"] == f"{PAGE}all/"
    assert "Revoked the API token Reporting" in client.get("/settings/audit/").content.decode()


def test_tokens_of_a_deactivated_user_are_shown_as_ended(as_, rita, ada):
    make_token(rita, "Reporting", ["leads:read"], None)
    assert "In force" in as_(ada).get(f"{PAGE}all/").content.decode()
    deactivate_user(rita, ada)
    rita.refresh_from_db()
    reactivate_user(rita, ada)
    page = as_(ada).get(f"{PAGE}all/").content.decode()
    assert "In force" not in page
    assert "the user was deactivated" in page


def test_the_lists_are_paged_and_take_few_queries(as_, ada, django_assert_max_num_queries):
    made = [make_token(ada, f"Token {number:02}", ["leads:read"], None)[0] for number in range(50)]
    ApiToken.objects.filter(pk=made[0].pk).update(revoked_at=made[0].created_at)
    make_token(ada, "Token 50", ["leads:read"], None)
    client = as_(ada)
    for url in (PAGE, f"{PAGE}all/"):
        with django_assert_max_num_queries(15):
            page = client.get(url).content.decode()
        assert page.count("<b>Token ") == 50
        (after,) = re.findall(r'\?after=([^"]+)"', page)
        assert client.get(f"{url}?after={after}").content.decode().count("<b>Token ") == 1


def test_the_reference_tells_every_operation_and_every_problem(as_, rita):
    page = as_(rita).get("/api/").content.decode()
    for methods in api.get_openapi_schema()["paths"].values():
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in page
    for kind in Kinds:
        assert f'id="{kind.value.slug}"' in page
    for field in ("inbound.keywords", "items[].owner_id", "Idempotency-Key", "If-Match"):
        assert f"<code>{field}</code>" in page
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", page)
    assert "<style" not in page
    assert " style=" not in page


def test_the_account_page_leads_to_the_tokens(as_, rita):
    assert f'href="{PAGE}"' in as_(rita).get("/my-account/").content.decode()
