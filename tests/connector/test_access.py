"""Who may configure and who may connect, and what losing that does to a mailbox (R-012, R-050)."""

import pytest
from django.db import IntegrityError, transaction

from postroom.connector import mailboxes
from postroom.connector.access import AccessRefused, MayNotConnect, save_access_rule
from postroom.connector.models import AuditEntry, Mailbox, MailboxState, Provider
from postroom.organisations.access import access_rule, may_configure, may_connect
from postroom.organisations.models import AccessMode, AccessRule, Account, Purpose, Role, User, UserField
from tests.connector.conftest import consent, make_person

BY_ROLE, BY_FIELD = AccessMode.ROLE, AccessMode.FIELD


@pytest.fixture
def people(account: Account) -> dict[Role, User]:
    return {role: make_person(account, role.name.title(), role) for role in Role}


@pytest.fixture
def trusted(account: Account) -> UserField:
    return UserField.objects.create(account=account, name="trusted", label="Trusted with mail")


def again(user: User) -> User:
    """As the user's next request reads them."""
    return User.objects.get(pk=user.pk)


def allowed(people: dict[Role, User], may) -> set[Role]:
    return {role for role, user in people.items() if may(again(user))}


def test_by_default_administrators_configure_and_sales_and_marketing_connect(people):
    assert allowed(people, may_configure) == {Role.ADMINISTRATOR}
    assert allowed(people, may_connect) == {Role.SALES_USER, Role.MARKETING_USER}


@pytest.mark.parametrize(
    ("purpose", "roles", "expected"),
    [
        (Purpose.CONFIGURE, [], {Role.ADMINISTRATOR}),
        (Purpose.CONFIGURE, [Role.SALES_MANAGER], {Role.ADMINISTRATOR, Role.SALES_MANAGER}),
        (Purpose.CONFIGURE, [Role.MARKETING_USER], {Role.ADMINISTRATOR, Role.MARKETING_USER}),
        (Purpose.CONFIGURE, list(Role), set(Role)),
        (Purpose.CONNECT, [Role.SALES_MANAGER], {Role.SALES_MANAGER}),
        (Purpose.CONNECT, [Role.ADMINISTRATOR, Role.SALES_USER], {Role.ADMINISTRATOR, Role.SALES_USER}),
        (Purpose.CONNECT, list(Role), set(Role)),
    ],
)
def test_r012_r050_access_by_role(account, people, purpose, roles, expected):
    save_access_rule(account, purpose, BY_ROLE, roles=roles, by=None)
    may = may_configure if purpose is Purpose.CONFIGURE else may_connect
    assert allowed(people, may) == expected


@pytest.mark.parametrize("purpose", list(Purpose))
def test_r012_r050_access_by_a_field_that_is_yes(account, people, trusted, purpose):
    save_access_rule(account, purpose, BY_FIELD, field=trusted, by=None)
    may = may_configure if purpose is Purpose.CONFIGURE else may_connect
    always = {Role.ADMINISTRATOR} if purpose is Purpose.CONFIGURE else set()
    assert allowed(people, may) == always
    for role in Role:
        User.objects.filter(pk=people[role].pk).update(yes_fields=["other", "trusted"])
    assert allowed(people, may) == set(Role)


def test_r012_one_mode_at_a_time(account, trusted, ada):
    save_access_rule(account, Purpose.CONNECT, BY_FIELD, roles=[Role.SALES_USER], field=trusted, by=ada)
    rule = access_rule(account, Purpose.CONNECT)
    assert (rule.mode, rule.roles, rule.field) == (BY_FIELD, [], trusted)
    save_access_rule(account, Purpose.CONNECT, BY_ROLE, roles=[Role.SALES_USER], field=trusted, by=ada)
    rule = access_rule(account, Purpose.CONNECT)
    assert (rule.mode, rule.roles, rule.field) == (BY_ROLE, [Role.SALES_USER], None)
    with pytest.raises(IntegrityError), transaction.atomic():
        AccessRule.objects.update(field=trusted)


def test_an_inactive_user_has_no_access_at_all(account, people):
    User.objects.update(is_active=False)
    assert allowed(people, may_configure) == allowed(people, may_connect) == set()


def test_a_rule_is_of_one_account(account, people):
    other = Account.objects.create(name="Other")
    stranger = User.objects.create(account=other, email="z@other.example", name="Zoe")
    save_access_rule(account, Purpose.CONFIGURE, BY_ROLE, roles=[Role.SALES_USER], by=None)
    assert may_configure(people[Role.SALES_USER])
    assert not may_configure(stranger)


@pytest.mark.parametrize("roles", [[], ["emperor"], [Role.SALES_USER, "'; drop table"]])
def test_a_rule_that_cannot_be_is_refused(account, roles):
    with pytest.raises(AccessRefused):
        save_access_rule(account, Purpose.CONNECT, BY_ROLE, roles=roles, by=None)
    with pytest.raises(AccessRefused):
        save_access_rule(account, Purpose.CONNECT, BY_FIELD, by=None)
    assert not AccessRule.objects.exists()


def test_the_field_of_another_account_is_refused(account):
    other = Account.objects.create(name="Other")
    field = UserField.objects.create(account=other, name="theirs", label="Theirs")
    with pytest.raises(AccessRefused):
        save_access_rule(account, Purpose.CONNECT, BY_FIELD, field=field, by=None)


def test_r046_a_change_of_access_is_in_the_trail_and_saving_the_same_is_not(account, ada, trusted):
    for _ in range(2):
        save_access_rule(account, Purpose.CONFIGURE, BY_FIELD, field=trusted, by=ada)
    entry = AuditEntry.objects.get()
    assert (
        entry.said == "Changed who may configure the connector: users whose field Trusted with mail is Yes."
    )
    assert entry.by == ada
    assert entry.before == {"mode": "role", "roles": [], "field": ""}
    assert entry.after == {"mode": "field", "roles": [], "field": "trusted"}


def test_r050_losing_access_pauses_the_mailbox_and_says_why(account, ada, mailbox, rita):
    epoch = mailbox.epoch
    paused = save_access_rule(account, Purpose.CONNECT, BY_ROLE, roles=[Role.MARKETING_USER], by=ada)
    mailbox.refresh_from_db()
    assert paused == 1
    assert mailbox.state == MailboxState.PAUSED
    assert mailbox.epoch > epoch
    assert "may not connect a mailbox any more (changed by Ada)" in mailbox.state_reason
    assert AuditEntry.objects.filter(about=rita, by=ada).count() == 1


def test_r050_without_access_nothing_can_be_connected_activated_or_resumed(account, ada, mailbox, rita):
    save_access_rule(account, Purpose.CONNECT, BY_ROLE, roles=[Role.MARKETING_USER], by=ada)
    mailbox.refresh_from_db()
    with pytest.raises(MayNotConnect):
        mailboxes.resume(mailbox)
    Mailbox.objects.update(state=MailboxState.CONNECTED, activated_at=None)
    with pytest.raises(MayNotConnect):
        mailboxes.activate(mailbox, {"history": "1"}, (), importing=False)
    Mailbox.objects.update(state=MailboxState.DEACTIVATED)
    with pytest.raises(MayNotConnect):
        mailboxes.reactivate(mailbox, ada)
    with pytest.raises(MayNotConnect):
        mailboxes.connect(ada, Provider.GMAIL, consent(ada.email))


def test_r050_access_regained_lets_the_rep_resume(account, ada, mailbox):
    save_access_rule(account, Purpose.CONNECT, BY_ROLE, roles=[Role.MARKETING_USER], by=ada)
    save_access_rule(account, Purpose.CONNECT, BY_ROLE, roles=[Role.SALES_USER], by=ada)
    mailbox.refresh_from_db()
    assert mailbox.state == MailboxState.PAUSED
    mailboxes.resume(mailbox)
    assert (mailbox.state, mailbox.state_reason) == (MailboxState.ACTIVE, "")


def test_r050_who_keeps_access_goes_on_undisturbed(account, ada, mailbox, trusted, rita):
    User.objects.filter(pk=rita.pk).update(yes_fields=["trusted"])
    assert save_access_rule(account, Purpose.CONNECT, BY_FIELD, field=trusted, by=ada) == 0
    epoch = mailbox.epoch
    mailbox.refresh_from_db()
    assert (mailbox.state, mailbox.epoch) == (MailboxState.ACTIVE, epoch)
