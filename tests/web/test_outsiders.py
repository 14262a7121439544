"""What somebody without an account can do: nothing, and not for long."""

from dataclasses import fields
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core import signing
from django.core.cache import cache
from django.db import connection
from django.test import Client, override_settings

from postroom.config import Config, load_config
from postroom.connector.erasing import begin_erasure, erasures_of
from postroom.site import settings as site

SIGN_IN = "/sign-in/"


@pytest.fixture
def counted_anew(transactional_db: None) -> None:
    cache.clear()


def test_a_body_larger_than_any_file_is_refused_before_it_is_read(client, db):
    huge = {"CONTENT_LENGTH": str(10 * 1024**4)}
    assert client.post(SIGN_IN, **huge).status_code == 413
    assert client.post("/push/google/", CONTENT_LENGTH="9" * 5000).status_code == 413
    assert client.post(SIGN_IN, CONTENT_LENGTH="many").status_code == 400


def attempt(email: str, client: Client | None = None, **meta: str) -> int:
    form = {"login": email, "password": "a wrong password"}
    return (client or Client()).post(SIGN_IN, form, **meta).status_code


def is_held_off(client: Client, email: str, **meta: str) -> bool:
    page = client.post(SIGN_IN, {"login": email, "password": "a long password"}, **meta)
    return page.status_code != 302


def test_guesses_at_one_password_are_held_off_whatever_else_is_tried(client, rita, counted_anew):
    for nth in range(5):
        attempt(rita.email, REMOTE_ADDR=f"10.0.0.{nth}")
    for nth in range(400):
        cache.set(f"made-up-{nth}", 1)
    assert is_held_off(client, rita.email, REMOTE_ADDR="10.0.0.99")


def test_guesses_are_counted_for_all_processes_together(client, rita, counted_anew):
    for nth in range(5):
        attempt(rita.email, REMOTE_ADDR=f"10.0.0.{nth}")
    assert is_held_off(Client(), rita.email, REMOTE_ADDR="10.0.0.99")
    # Nothing of it stands in this process: with the rows it is gone.
    with connection.cursor() as cursor:
        cursor.execute("delete from shared_cache")
    assert not is_held_off(Client(), rita.email, REMOTE_ADDR="10.0.0.99")


@override_settings(ALLAUTH_TRUSTED_PROXY_COUNT=1)
def test_behind_a_proxy_one_stranger_does_not_hold_off_everybody(client, rita, counted_anew):
    for nth in range(12):
        attempt(f"nobody{nth}@x.example", HTTP_X_FORWARDED_FOR=f"1.1.1.{nth}, 198.51.100.7")
    assert is_held_off(Client(), rita.email, HTTP_X_FORWARDED_FOR="192.0.2.1, 198.51.100.7")
    assert not is_held_off(Client(), rita.email, HTTP_X_FORWARDED_FOR="192.0.2.1")


def test_how_many_proxies_there_are_is_told_by_the_address_or_by_the_operator():
    assert load_config({}).proxies == 0
    assert load_config({"POSTROOM_URL": "https://post.example"}).proxies == 1
    assert load_config({"POSTROOM_PROXIES": "2"}).proxies == 2


def test_all_machines_sign_with_the_keys_that_they_share(monkeypatch, tmp_path):
    monkeypatch.setenv("POSTROOM_SECRET_KEYS", "b2xk" * 10 + "b2w=," + "bmV3" * 10 + "bmU=")
    one, other = (
        site._django_secrets(load_config({"POSTROOM_HOME": str(tmp_path / name)})) for name in ("a", "b")
    )
    assert one == other
    assert len(set(one)) == 2


def test_what_an_older_key_signed_holds_until_the_key_is_gone(monkeypatch, tmp_path):
    old, new = "b2xk" * 10 + "b2w=", "bmV3" * 10 + "bmU="
    monkeypatch.setenv("POSTROOM_SECRET_KEYS", old)
    (secret,) = site._django_secrets(load_config({"POSTROOM_HOME": str(tmp_path)}))
    with override_settings(SECRET_KEY=secret, SECRET_KEY_FALLBACKS=[]):
        token = signing.dumps("invited")
    monkeypatch.setenv("POSTROOM_SECRET_KEYS", f"{new},{old}")
    newest, *others = site._django_secrets(load_config({"POSTROOM_HOME": str(tmp_path)}))
    with override_settings(SECRET_KEY=newest, SECRET_KEY_FALLBACKS=others):
        assert signing.loads(token) == "invited"


def test_a_secret_made_by_an_older_version_goes_on_to_count(monkeypatch, tmp_path):
    monkeypatch.setenv("POSTROOM_SECRET_KEYS", "b2xk" * 10 + "b2w=")
    (tmp_path / "django-secret").write_text("as it was")
    assert site._django_secrets(load_config({"POSTROOM_HOME": str(tmp_path)}))[-1] == "as it was"


def test_r083_an_erasure_is_found_after_the_keys_were_changed(account, carol, ada):
    begin_erasure(carol, ada)
    with override_settings(SECRET_KEY="another", SECRET_KEY_FALLBACKS=[django_settings.SECRET_KEY]):
        assert erasures_of(account, carol.email).exists()


def test_the_configuration_can_be_printed_without_giving_a_secret_away():
    secret = "hunter2"
    shown = repr(
        load_config(
            {
                "DATABASE_URL": f"postgresql://u:{secret}@h/d",
                "POSTROOM_GOOGLE_CLIENT_SECRET": secret,
                "POSTROOM_MICROSOFT_CLIENT_SECRET": secret,
                "POSTROOM_EMAIL_URL": f"smtp://u:{secret}@h",
            }
        )
    )
    assert secret not in shown
    assert not [one.name for one in fields(Config) if "secret" in one.name and one.repr]


def test_the_home_holds_no_second_secret(tmp_path: Path, monkeypatch):
    monkeypatch.delenv("POSTROOM_SECRET_KEYS", raising=False)
    site._django_secrets(load_config({"POSTROOM_HOME": str(tmp_path / "new" / "home")}))
    assert [path.name for path in (tmp_path / "new" / "home").iterdir()] == ["secret-keys"]
