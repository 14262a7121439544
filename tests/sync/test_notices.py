"""Who is told that a mailbox must be reconnected, and how often (R-065)."""

import pytest
from django.core import mail as outbox
from procrastinate.contrib.django.models import ProcrastinateJob

from postroom.connector import mailboxes
from postroom.connector.models import Mailbox, Provider
from postroom.organisations.models import Account, Role, User
from postroom.providers.base import Consent
from postroom.sync.notices import lose_authorization, send_reconnect_notice
from tests.sync.conftest import make_rep, token_set
from tests.sync.test_passes import RITA


@pytest.fixture
def ada(account: Account) -> User:
    return make_rep(account, "Ada", Role.ADMINISTRATOR)


def waiting(mailbox: Mailbox) -> list[int]:
    """The users for whom a notice on the mailbox is queued."""
    jobs = ProcrastinateJob.objects.filter(task_name="tell_reconnect", args__mailbox_id=mailbox.pk)
    return [job.args["user_id"] for job in jobs.order_by("pk")]


def test_r065_the_rep_and_the_administrators_are_told_once(google, mailbox, ada, sam, sync):
    make_rep(Account.objects.create(name="Other"), "Zoe", Role.ADMINISTRATOR)
    gone = make_rep(mailbox.account, "Gone", Role.ADMINISTRATOR)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    google.revoke(RITA)
    view = Mailbox.objects.get(pk=mailbox.pk)
    sync(mailbox)
    sync(mailbox)
    lose_authorization(view, "Revoked.")
    assert sorted(waiting(mailbox)) == sorted([mailbox.user_id, ada.pk])


def test_r065_a_loss_after_reconnecting_is_told_again(google, mailbox, sync):
    for _ in range(2):
        google.revoke(RITA)
        sync(mailbox)
        mailboxes.connect(mailbox.user, Provider.GMAIL, Consent(RITA, token_set(google, RITA)))
        mailbox.refresh_from_db()
    assert waiting(mailbox) == [mailbox.user_id] * 2


def test_r065_the_notice_says_whose_mailbox_and_what_to_do(google, mailbox, ada):
    lose_authorization(mailbox, "The grant was revoked. Reconnect the mailbox.")
    for user in (mailbox.user, ada):
        send_reconnect_notice(mailbox.pk, user.pk)
    own, others = outbox.outbox
    assert (own.to, own.subject) == ([RITA], f"Reconnect your mailbox {RITA}")
    assert (others.to, others.subject) == ([ada.email], f"Rita has to reconnect {RITA}")
    for each in (own, others):
        assert "The grant was revoked." in each.body
        assert "http://testserver/" in each.body
        assert "&" not in each.body


def test_r065_nobody_is_told_of_a_mailbox_that_was_reconnected_or_removed(google, mailbox):
    lose_authorization(mailbox, "Revoked.")
    mailboxes.connect(mailbox.user, Provider.GMAIL, Consent(RITA, token_set(google, RITA)))
    send_reconnect_notice(mailbox.pk, mailbox.user_id)
    mailboxes.remove(mailbox)
    send_reconnect_notice(mailbox.pk, mailbox.user_id)
    assert outbox.outbox == []
