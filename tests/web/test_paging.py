"""Cursors of pages that nobody was given."""

import pytest

CURSORS = (
    "0001-01-01T00:00:00+23:59_1",
    "9999-12-31T23:59:59-23:59_1",
    "2026-01-01T00:00:00+16:00_1",
    "2026-01-01T00:00:00+00:00_-1",
    "2026-01-01T00:00:00_1",
    "2026-01-01T00:00:00+00:00_" + "9" * 30,
    "\x00_1",
    "_",
)


@pytest.mark.parametrize("page", ["/leads/", "/journal/", "/people/", "/mailboxes/", "/settings/audit/"])
@pytest.mark.parametrize("cursor", CURSORS)
def test_a_cursor_that_was_made_up_is_no_fault_of_ours(ada, as_, page, cursor):
    assert as_(ada).get(page, {"after": cursor}).status_code in {200, 404}
