"""Finding leads by what a person types."""

import pytest

from postroom.crm.models import Lead
from postroom.organisations.finding import MOST_WORDS
from tests.sync.conftest import account, make_lead

__all__ = ["account"]


def found(account, text: str) -> list[str]:
    return sorted(Lead.objects.of(account).matching(text).values_list("email", flat=True))


def test_r082_every_word_counts(account):
    make_lead(account, "carol@customer.example")
    make_lead(account, "dora@customer.example")
    assert found(account, "carol customer") == ["carol@customer.example"]
    assert found(account, "carol dora") == []


@pytest.mark.parametrize("words", [MOST_WORDS + 1, 100])
def test_no_search_looks_at_a_lead_more_often_than_ten_times(account, words):
    _sql, params = Lead.objects.of(account).matching("e " * words).query.sql_with_params()
    assert sum("e" in str(value).lower() for value in params) == MOST_WORDS
