"""Keywords in text (R-035)."""

from functools import lru_cache


class Keywords:
    def __init__(self, keywords: frozenset[str]) -> None:
        self._keywords = keywords

    @staticmethod
    def of(keywords: frozenset[str]) -> "Keywords":
        return _compiled(keywords)

    def find(self, text: str) -> str | None:
        return next((keyword for keyword in self._keywords if keyword.lower() in text.lower()), None)


@lru_cache(maxsize=64)
def _compiled(keywords: frozenset[str]) -> Keywords:
    return Keywords(keywords)
