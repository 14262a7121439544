"""Google's public keys: fetched seldom, never waited for long, and gone once withdrawn."""

import threading
from collections.abc import Callable

import jwt
import pytest

from postroom.providers.gmail import push_keys
from postroom.providers.gmail.push_keys import Keys, PushKeys

KEY = jwt.PyJWK({"kty": "oct", "k": "c2VjcmV0", "kid": "one", "alg": "HS256"})


class Google:
    """Hands out keys, and counts how often; ``now`` is the time."""

    def __init__(self) -> None:
        self.now, self.fetches = 0.0, 0
        self.keys: dict[str, jwt.PyJWK] = {"one": KEY}
        self.fault: Exception | None = None
        self.before: Callable[[], object] = lambda: None

    def fetch(self) -> Keys:
        self.fetches += 1
        self.before()
        if self.fault:
            raise self.fault
        return dict(self.keys)


@pytest.fixture
def google() -> Google:
    return Google()


@pytest.fixture
def keys(google: Google) -> PushKeys:
    return PushKeys(google.fetch, lambda: google.now)


def test_a_known_key_is_fetched_once(google, keys):
    assert [keys.find("one") for _ in range(50)] == [KEY] * 50
    assert google.fetches == 1


def test_a_stranger_naming_unknown_keys_causes_one_fetch_a_minute(google, keys):
    for second in range(120):
        google.now = float(second)
        for nth in range(20):
            assert keys.find(f"made-up-{second}-{nth}") is None
    assert google.fetches == 2
    assert keys.find("one") is KEY


def test_a_new_key_is_found_a_minute_after_the_last_fetch(google, keys):
    keys.find("one")
    google.keys["two"] = KEY
    assert keys.find("two") is None
    google.now = 61.0
    assert keys.find("two") is KEY


def test_a_key_that_was_withdrawn_is_gone_with_the_next_fetch(google, keys):
    keys.find("one")
    google.keys = {"two": KEY}
    google.now = 61.0
    assert keys.find("two") is KEY
    assert keys.find("one") is None


def test_a_fault_is_not_followed_by_a_fetch_a_request(google, keys):
    google.fault = jwt.PyJWKClientConnectionError("unreachable")
    assert [keys.find("one") for _ in range(50)] == [None] * 50
    assert google.fetches == 1


def test_known_keys_outlast_a_day_without_google_and_no_more(google, keys):
    keys.find("one")
    google.fault = OSError("unreachable")
    google.now = 23 * 3600.0
    assert keys.find("one") is KEY
    google.now = 25 * 3600.0
    assert keys.find("one") is None


def test_a_slow_endpoint_holds_one_thread_and_briefly(google, keys, monkeypatch):
    monkeypatch.setattr(push_keys, "WAIT_SECONDS", 0.05)
    answers = threading.Event()
    google.before = answers.wait
    assert [keys.find("one") for _ in range(5)] == [None] * 5
    assert google.fetches == 1
    answers.set()
