"""Pushes by strangers: refused without a fault, and without making us ask Google."""

from base64 import b64encode, urlsafe_b64encode
from dataclasses import replace

import pytest
from django.test import Client

ACCOUNT = "push@project.iam.gserviceaccount.com"


@pytest.fixture
def post(google, settings, client: Client):
    """POST a push with this token and body; the status."""
    settings.POSTROOM = replace(settings.POSTROOM, google_push_service_account=ACCOUNT)

    def send(token: str, body: bytes = b"{}") -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return client.post("/push/google/", body, "application/json", headers=headers).status_code

    return send


def part(json: bytes) -> str:
    return urlsafe_b64encode(json).rstrip(b"=").decode()


def genuine(google, audience: str) -> str:
    now = int(google.clock.now())
    claims = {
        "iss": "https://accounts.google.com",
        "aud": audience,
        "email": ACCOUNT,
        "email_verified": True,
        "iat": now,
        "exp": now + 600,
    }
    return google.keys.sign(claims)


DEEP = b"[" * 100_000


def test_a_header_nested_deeply_is_refused(post):
    header = b'{"alg":"RS256","kid":"x","a":' + DEEP + b"]" * 100_000 + b"}"
    assert post(f"{part(header)}.{part(b'{}')}.x") == 401


def test_unknown_keys_make_us_ask_google_once(post, google):
    before = google.received
    for nth in range(30):
        header = b'{"alg":"RS256","kid":"made-up-%d"}' % nth
        assert post(f"{part(header)}.{part(b'{}')}.x") == 401
    assert google.received - before <= 1


@pytest.mark.parametrize(
    "body",
    [
        DEEP,
        b'{"message":{"data":"%s"}}' % b64encode(DEEP[:30_000]),
        b'{"message":{"data":["x"]}}',
        b'{"message":{"data":"e30"}}',
        b"[]",
        b"\xff",
    ],
)
def test_a_body_of_any_shape_is_acknowledged_and_set_aside(post, google, body, settings):
    token = genuine(google, settings.POSTROOM.google_push_audience)
    assert post(token, body[:60_000]) == 204
