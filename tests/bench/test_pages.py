"""The benchmark of pages runs: its rows are written by SQL, which a new column can leave behind."""

import pytest

from bench import pages


@pytest.mark.django_db(transaction=True)
def test_every_page_is_timed(monkeypatch):
    for name, small in {"USERS": 60, "LEADS": 50, "BUSY": 40, "SAMPLES": 1}.items():
        monkeypatch.setattr(pages, name, small)
    rows = list(pages.rows(200))
    assert len(rows) == 2 + len(pages._pages(0, 0))
    assert all(measured.endswith(" queries") for _, measured, _, _ in rows[1:])
