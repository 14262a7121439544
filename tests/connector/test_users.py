"""Changes of people that meet each other at the same moment (R-013, R-050)."""

from collections.abc import Callable
from threading import Barrier, Thread

import pytest
from django.db import connection

from postroom.connector import mailboxes
from postroom.connector.access import MayNotConnect, save_access_rule
from postroom.connector.models import MailboxState
from postroom.connector.users import UserRefused, change_user, deactivate_user, profile_of
from postroom.errors import PostroomError
from postroom.organisations.models import AccessMode, Account, Purpose, Role, User
from tests.connector.conftest import consent, make_person


@pytest.fixture
def account(transactional_db) -> Account:
    return Account.objects.create(name="Northwind", domains=["northwind.example"])


def at_once(*works: Callable[[], object]) -> list[PostroomError]:
    """Run all in threads of their own, and return what was refused."""
    start, refused = Barrier(len(works)), []

    def run(work: Callable[[], object]) -> None:
        start.wait()
        try:
            work()
        except PostroomError as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return refused


def test_two_administrators_who_deactivate_each_other_leave_one(account, ada):
    bob = make_person(account, "Bob", Role.ADMINISTRATOR)
    [refused] = at_once(lambda: deactivate_user(ada, bob), lambda: deactivate_user(bob, ada))
    assert isinstance(refused, UserRefused)
    assert "is the only administrator" in str(refused)
    assert User.objects.filter(role=Role.ADMINISTRATOR, is_active=True).count() == 1


def test_two_who_make_each_other_their_manager_make_no_ring(account, ada):
    mia, max_ = (make_person(account, name, Role.SALES_MANAGER) for name in ("Mia", "Max"))

    def under(user: User, manager: User) -> None:
        now = profile_of(user)
        change_user(user, type(now)(now.name, now.role, manager, now.time_zone), ada)

    [refused] = at_once(lambda: under(mia, max_), lambda: under(max_, mia))
    assert "already" in str(refused)
    assert User.objects.exclude(manager=None).count() == 1


def test_r050_a_resume_that_meets_the_loss_of_access_does_not_outlive_it(account, ada, mailbox, rita):
    for _ in range(5):
        save_access_rule(account, Purpose.CONNECT, AccessMode.ROLE, roles=[Role.SALES_USER], by=ada)
        mailbox.refresh_from_db()
        if mailbox.state == MailboxState.PAUSED:
            mailboxes.resume(mailbox)
        mailboxes.pause(mailbox)
        refused = at_once(
            lambda: mailboxes.resume(mailbox),
            lambda: save_access_rule(
                account, Purpose.CONNECT, AccessMode.ROLE, roles=[Role.MARKETING_USER], by=ada
            ),
        )
        mailbox.refresh_from_db()
        assert mailbox.state == MailboxState.PAUSED
        assert all(isinstance(error, MayNotConnect) for error in refused)


def test_r050_a_consent_that_meets_the_loss_of_access_keeps_nothing_that_syncs(account, ada, mailbox, rita):
    mailboxes.lose_authorization(mailbox, "Revoked.")
    at_once(
        lambda: mailboxes.connect(rita, mailbox.provider, consent(rita.email)),
        lambda: save_access_rule(
            account, Purpose.CONNECT, AccessMode.ROLE, roles=[Role.MARKETING_USER], by=ada
        ),
    )
    mailbox.refresh_from_db()
    assert not mailbox.is_syncing
