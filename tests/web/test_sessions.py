"""What a session is to whoever reads the database, and to whoever holds yesterday's cookie."""

from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client

from postroom.vault.secrets import Sealer, new_key
from postroom.web.sign_in.sessions import SessionStore

PAGE = "/my-account/"


def with_cookie(value: str) -> Client:
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = value
    return client


def test_nothing_in_the_database_signs_anybody_in(as_, rita):
    client = as_(rita)
    assert client.get(PAGE).status_code == 200
    row = Session.objects.get()
    assert with_cookie(row.session_key).get(PAGE).status_code == 302
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert cookie not in row.session_key + row.session_data
    assert with_cookie(cookie).get(PAGE).status_code == 200


def test_what_a_session_holds_is_sealed(as_, rita):
    client = as_(rita)
    session = client.session
    session["held"] = "between two pages"
    session.save()
    row = Session.objects.get()
    assert "held" not in str(row.get_decoded())
    assert SessionStore(session.session_key)["held"] == "between two pages"


def test_signing_out_ends_the_session_for_every_copy_of_its_cookie(as_, rita):
    client = as_(rita)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    client.post("/sign-out/")
    assert not Session.objects.exists()
    assert with_cookie(cookie).get(PAGE).status_code == 302


def test_a_new_password_ends_all_other_sessions(as_, rita):
    rita.set_password("the first password")
    rita.save()
    here, elsewhere = as_(rita), as_(rita)
    form = {
        "oldpassword": "the first password",
        "password1": "another password",
        "password2": "another password",
    }
    assert here.post("/password/", form).status_code == 302
    assert here.get(PAGE).status_code == 200
    assert elsewhere.get(PAGE).status_code == 302


def test_without_its_key_a_session_has_ended(as_, rita, monkeypatch):
    client = as_(rita)
    other = Sealer([new_key()])
    monkeypatch.setattr("postroom.web.sign_in.sessions.sealer", lambda: other)
    assert client.get(PAGE).status_code == 302
