"""Who may see whose mailbox and journal (R-075), configure the connector (R-012), connect a mailbox (R-050).

Everything here is read afresh by each request, so that a change takes effect with the next one.
"""

from collections.abc import Mapping

from django.db.models import Q, QuerySet

from postroom.organisations.models import AccessMode, AccessRule, Account, Purpose, Role, User

DEFAULT_ROLES: Mapping[Purpose, tuple[Role, ...]] = {
    Purpose.CONFIGURE: (),
    Purpose.CONNECT: (Role.MARKETING_USER, Role.SALES_USER),
}
"""Who has access where no rule was saved; administrators always configure."""


def may_configure(user: User) -> bool:
    """Whether the user does the admin's part of the connector (R-012); administrators always."""
    return user.is_active and (
        user.is_administrator or is_granted(access_rule(user.account, Purpose.CONFIGURE), user)
    )


def may_connect(user: User) -> bool:
    """Whether the user may connect, activate and resume a mailbox (R-050)."""
    return user.is_active and is_granted(access_rule(user.account, Purpose.CONNECT), user)


def access_rule(account: Account, purpose: Purpose) -> AccessRule:
    """The rule in force; an unsaved one with the defaults where none was saved."""
    saved = AccessRule.objects.filter(account=account, purpose=purpose).select_related("field").first()
    return saved or AccessRule(
        account=account, purpose=purpose, mode=AccessMode.ROLE, roles=list(DEFAULT_ROLES[purpose])
    )


def is_granted(rule: AccessRule, user: User) -> bool:
    """Whether the rule names the user, by role or by the user field."""
    if rule.mode == AccessMode.FIELD:
        return rule.field is not None and rule.field.name in user.yes_fields
    return user.role in rule.roles


def connecting_users(account: Account) -> QuerySet[User]:
    """The users for whom ``may_connect`` is true."""
    rule = access_rule(account, Purpose.CONNECT)
    granted = (
        Q(yes_fields__contains=[rule.field.name])
        if rule.mode == AccessMode.FIELD and rule.field
        else Q(role__in=rule.roles)
    )
    return User.objects.of(account).filter(granted, is_active=True)


def visible_users(viewer: User) -> QuerySet[User]:
    """The users of the viewer's account whose mailboxes and journals the viewer may see."""
    users = User.objects.of(viewer.account)
    if viewer.is_administrator:
        return users
    if viewer.is_manager:
        return users.filter(pk__in=team_ids(viewer))
    return users.filter(pk=viewer.pk)


def team_ids(manager: User) -> set[int]:
    """The manager and everyone below, at any depth; a ring of managers ends where it began."""
    reports: dict[int | None, list[int]] = {}
    for pk, boss in User.objects.of(manager.account).values_list("pk", "manager_id"):
        reports.setdefault(boss, []).append(pk)
    team, waiting = {manager.pk}, [manager.pk]
    while waiting:
        below = [pk for pk in reports.get(waiting.pop(), []) if pk not in team]
        team.update(below)
        waiting.extend(below)
    return team
