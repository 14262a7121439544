"""The public keys by which Google signs its pushes, fetched seldom and never for long.

Whoever reaches the push address can name a key that nobody knows. So the keys are fetched once a minute at
the most, one fetch at a time, and only who began it waits for it, and briefly: Pub/Sub delivers again what
was refused meanwhile. With each fetch, keys that Google has withdrawn are gone.

Source: "OpenID Connect" of Google Identity, "Validating an ID token".
"""

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TookTooLong
from time import monotonic

import jwt

log = logging.getLogger(__name__)

Keys = Mapping[str, jwt.PyJWK]
Fetch = Callable[[], Keys]

FETCH_SECONDS = 60.0
"""Between two fetches, at the least."""
FRESH_SECONDS = 3600.0
"""After which keys are fetched anew, and those at hand go on being used meanwhile."""
KEPT_SECONDS = 24 * 3600.0
"""How long keys count that cannot be fetched anew."""
WAIT_SECONDS = 2.0


class PushKeys:
    """Keys by id. Safe to be shared by threads."""

    def __init__(self, fetch: Fetch, now: Callable[[], float] = monotonic) -> None:
        self._fetch = fetch
        self._now = now
        self._lock = threading.Lock()
        self._keys: Keys = {}
        self._fetched_at = self._begun_at = float("-inf")

    def find(self, kid: str) -> jwt.PyJWK | None:
        """The key of that id; None where there is none, or it cannot be told just now."""
        known = self._known(kid)
        is_fresh = self._now() - self._fetched_at < FRESH_SECONDS
        if known and is_fresh:
            return known
        fetching = self._begin()
        if known or fetching is None:
            return known
        try:
            fetching.result(WAIT_SECONDS)
        except TookTooLong:
            log.warning("Google's keys take long to come.")
        return self._known(kid)

    def _known(self, kid: str) -> jwt.PyJWK | None:
        return self._keys.get(kid) if self._now() - self._fetched_at < KEPT_SECONDS else None

    def _begin(self) -> Future[None] | None:
        """Fetch in a thread of its own; None where that was begun less than a minute ago."""
        with self._lock:
            if self._now() - self._begun_at < FETCH_SECONDS:
                return None
            self._begun_at = self._now()
        done: Future[None] = Future()
        threading.Thread(target=self._run, args=(done,), name="push-keys", daemon=True).start()
        return done

    def _run(self, done: Future[None]) -> None:
        try:
            self._keys, self._fetched_at = self._fetch(), self._now()
        except (jwt.PyJWTError, OSError, ValueError) as error:
            log.warning("Google's keys could not be fetched: %s", error)
        finally:
            done.set_result(None)


def fetch_from(url: str) -> Fetch:
    """Fetches a JSON Web Key Set (RFC 7517)."""
    client = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=10)

    def fetch() -> Keys:
        return {key.key_id: key for key in client.get_signing_keys() if key.key_id}

    return fetch
