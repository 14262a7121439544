"""Who may see whose mailbox and journal (R-075): administrators all, managers their team, reps themselves."""

from django.db.models import QuerySet

from postroom.organisations.models import User


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
