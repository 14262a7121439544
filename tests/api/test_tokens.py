"""Tokens: what they may, and when they end."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import orjson
import pytest

from postroom.api.models import ApiToken
from postroom.api.scopes import Scope
from postroom.api.tokens import LIMIT, MOST, TokenRefused, make_token, revoke_token, visible_tokens
from postroom.connector.models import AuditEntry
from postroom.connector.users import deactivate_user, reactivate_user
from postroom.organisations.models import Role
from tests.api.room import program


def test_a_token_is_kept_as_its_hash_alone(ada):
    token, secret = make_token(ada, "  Nightly \n report ", ["leads:read"], timedelta(days=30))
    token.refresh_from_db()
    assert secret.startswith("prm_")
    assert len(secret) > 40
    assert token.name == "Nightly report"
    assert token.sha256 == sha256(secret.encode()).hexdigest()
    assert secret not in str(ApiToken.objects.filter(pk=token.pk).values())
    assert secret.startswith(token.prefix)
    assert token.expires_at is not None
    assert timedelta(days=29) < token.expires_at - datetime.now(UTC) <= timedelta(days=30)
    said = AuditEntry.objects.get(area="api_tokens")
    assert said.by == ada
    assert said.after["scopes"] == ["leads:read"]
    assert secret not in said.said


@pytest.mark.parametrize(
    ("name", "scopes", "field"),
    [
        ("", ["leads:read"], "name"),
        ("x" * 101, ["leads:read"], "name"),
        (" \x00 ", ["leads:read"], "name"),
        ("x", [], "scopes"),
        ("x", ["leads:read", "everything"], "scopes"),
    ],
)
def test_what_is_no_token_is_refused(ada, name, scopes, field):
    with pytest.raises(TokenRefused) as refused:
        make_token(ada, name, scopes, None)
    assert refused.value.field == field
    assert not ApiToken.objects.exists()


def test_a_user_has_so_many_tokens_at_a_time(ada, rita):
    made = [make_token(ada, "x", ["leads:read"], None)[0] for _ in range(MOST)]
    with pytest.raises(TokenRefused):
        make_token(ada, "x", ["leads:read"], None)
    make_token(rita, "x", ["leads:read"], None)
    revoke_token(made[0], ada)
    make_token(ada, "x", ["leads:read"], None)


def test_me_tells_whose_token_it_is(rita):
    answer = orjson.loads(program(rita, Scope.LEADS_READ).get("/me").content)
    assert answer["user_email"] == rita.email
    assert answer["scopes"] == ["leads:read"]
    assert answer["account"] == "Northwind"


def test_a_revoked_token_is_refused_at_once_and_once_is_enough(ada, rita):
    theirs = program(rita)
    assert theirs.get("/me").status_code == 200
    revoke_token(theirs.token, ada)
    revoke_token(theirs.token, ada)
    assert theirs.get("/me").status_code == 401
    said = AuditEntry.objects.filter(area="api_tokens", said__startswith="Revoked").get()
    assert (said.by, said.about) == (ada, rita)


def test_an_expired_token_is_refused(rita):
    theirs = program(rita, lifetime=timedelta(days=1))
    ApiToken.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert theirs.get("/me").status_code == 401


def test_deactivating_a_user_ends_their_tokens_for_good(ada, rita):
    theirs = program(rita)
    deactivate_user(rita, ada)
    assert theirs.get("/me").status_code == 401
    rita.refresh_from_db()
    reactivate_user(rita, ada)
    assert theirs.get("/me").status_code == 401
    rita.refresh_from_db()
    assert program(rita).get("/me").status_code == 200


def test_losing_the_role_takes_what_the_role_gave_at_once(ada, sam, filed):
    sam.role = Role.ADMINISTRATOR
    sam.save()
    theirs = program(sam)
    assert theirs.get("/settings").status_code == 200
    assert theirs.get(f"/mailboxes/{filed.mailbox.pk}").status_code == 200
    sam.role = Role.SALES_USER
    sam.save()
    assert theirs.get("/settings").status_code == 403
    assert theirs.get(f"/mailboxes/{filed.mailbox.pk}").status_code == 404
    assert theirs.delete(f"/leads/{filed.lead.pk}").status_code == 403


def test_leaving_a_team_hides_it_from_the_managers_token(max_, rita, filed):
    theirs = program(max_)
    assert theirs.get(f"/journal/{filed.entry.pk}").status_code == 200
    rita.manager = None
    rita.save()
    assert theirs.get(f"/journal/{filed.entry.pk}").status_code == 404
    assert orjson.loads(theirs.get("/mailboxes").content)["items"] == []


def test_administrators_see_all_tokens_and_others_their_own(ada, rita, eve):
    own, theirs, elsewhere = (program(user).token for user in (ada, rita, eve))
    assert set(visible_tokens(ada)) == {own, theirs}
    assert set(visible_tokens(rita)) == {theirs}
    assert set(visible_tokens(eve)) == {elsewhere}


def test_each_request_counts_and_is_told(rita):
    theirs = program(rita)
    first, second = theirs.get("/me"), theirs.get("/nowhere-to-be-found")
    assert first["RateLimit-Policy"] == f'"token";q={LIMIT};w=60'
    assert first["RateLimit"] == f'"token";r={LIMIT - 1};t=60'
    assert second.status_code == 404
    theirs.token.refresh_from_db()
    assert theirs.token.window_used == 1
    assert theirs.token.last_used_at is not None


def test_too_many_requests_wait_for_the_next_minute(rita):
    theirs, other = program(rita), program(rita)
    theirs.get("/me")
    ApiToken.objects.filter(pk=theirs.token.pk).update(window_used=LIMIT)
    answer = theirs.get("/me")
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 60
    assert answer["RateLimit"].startswith('"token";r=0;t=')
    assert orjson.loads(answer.content)["type"].endswith("/api/#rate-limit")
    assert other.get("/me").status_code == 200
    ApiToken.objects.filter(pk=theirs.token.pk).update(window_at=datetime.now(UTC) - timedelta(seconds=61))
    again = theirs.get("/me")
    assert again.status_code == 200
    assert again["RateLimit"].startswith(f'"token";r={LIMIT - 1};')
