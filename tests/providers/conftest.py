"""For the tests of every provider."""

import pytest

pytest.register_assert_rewrite("tests.providers.contract")


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Retries take no time here; the seconds they would have waited."""
    slept: list[float] = []

    async def nap(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("postroom.providers.http.sleep", nap)
    return slept
