"""What the log must not tell."""

import logging
from collections.abc import Iterator
from io import StringIO

import pytest
from django.conf import settings
from django.test import Client
from django.utils.log import configure_logging

from postroom.connector.invitations import invite, token_of
from postroom.connector.users import profile_of
from postroom.site.logs import Line
from tests.web.conftest import account, ada, google, rita

__all__ = ["account", "ada", "google", "rita"]


@pytest.fixture
def log() -> Iterator[StringIO]:
    """The lines that the server's own handler writes."""
    configure_logging("logging.config.dictConfig", settings.LOGGING)
    lines = StringIO()
    (handler,) = [each for each in logging.getLogger().handlers if isinstance(each.formatter, Line)]
    before = handler.setStream(lines)  # pyright: ignore[reportAttributeAccessIssue] it is a stream's
    yield lines
    handler.setStream(before)  # pyright: ignore[reportAttributeAccessIssue]


def test_the_link_of_an_invitation_that_still_holds_is_not_in_the_log(log, account, ada, rita):
    token = token_of(invite(account, "new@northwind.example", profile_of(rita), ada))
    page = Client().post(f"/invitation/{token}/", {"password": "short"})
    assert page.status_code == 422
    assert Client(enforce_csrf_checks=True).post(f"/invitation/{token}/", {}).status_code == 403
    assert "/invitation/…" in log.getvalue()
    assert token not in log.getvalue()
    assert token.partition(":")[0] not in log.getvalue()


def test_a_link_to_a_new_password_is_not_in_the_log_nor_in_its_tracebacks(log):
    link = "/password/reset/1-cqk6dq-0123456789abcdef0123456789abcdef/"
    try:
        raise ValueError(link)
    except ValueError:
        logging.getLogger("django.request").exception("Internal Server Error: %s", link)
    assert "/password/reset/…" in log.getvalue()
    assert "0123456789abcdef" not in log.getvalue()


def test_nobody_writes_lines_of_their_own_into_the_log(log, db):
    Client().get("/no/%0a2026-01-01 00:00:00,000 INFO postroom: forged\n\x1b[2J")
    written = log.getvalue()
    assert "forged" in written
    assert "\n2026-01-01" not in written
    assert "\x1b" not in written
