"""The policy in force, and a new version of it, for whoever configures the connector (R-012, R-046)."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from ninja import Router

from postroom.api.answers import answer
from postroom.api.auth import caller
from postroom.api.operations import operation
from postroom.api.problems import Kinds, Problem
from postroom.api.scopes import Scope
from postroom.api.settings.schemas import SettingsGiven, SettingsShown, draft, shown
from postroom.connector.models import SettingsVersion
from postroom.connector.policies import SettingsChanged, SettingsRefused, save_settings
from postroom.connector.stops import Missed
from postroom.organisations.access import may_configure
from postroom.organisations.models import Account, User
from postroom.policy.settings import Settings, from_data

router = Router()


@router.get("/settings", **operation("settings", Scope.SETTINGS_READ, SettingsShown))
def settings(request: HttpRequest) -> HttpResponse:
    """The version in force."""
    return answer(request, _in_force(_configurer(request).account))


@router.put("/settings", **operation("settings_save", Scope.SETTINGS_WRITE, SettingsShown, problems=[409]))
def settings_save(request: HttpRequest, given: SettingsGiven) -> HttpResponse:
    """Save a new version, made of the one named in `version`: 409 where another one is in force by now.

    It applies to mail that arrives afterwards. What is in force already makes no new version.
    """
    user = _configurer(request)
    try:
        save_settings(
            user.account, draft(given), user, expected_version=given.version, missed=Missed(given.missed)
        )
    except SettingsChanged as changed:
        present = _in_force(user.account).version
        raise Problem(Kinds.CONFLICT, str(changed), version=present) from changed
    except SettingsRefused as refused:
        raise Problem(Kinds.INVALID, "Some values cannot be used.", _by_path(refused)) from refused
    return answer(request, _in_force(user.account))


def _configurer(request: HttpRequest) -> User:
    user = caller(request).user
    if not may_configure(user):
        raise PermissionDenied
    return user


def _in_force(account: Account) -> SettingsShown:
    versions = SettingsVersion.objects.filter(account=account).select_related("saved_by")
    latest = versions.order_by("-number").first()
    if latest is None:
        return shown(Settings(), None, None)
    saved_by = latest.saved_by.pk if latest.saved_by else None
    return shown(from_data(latest.values, latest.number), latest.saved_at, saved_by)


def _by_path(refused: SettingsRefused) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for problem in refused.problems:
        found.setdefault(problem.path, []).append(problem.sentence)
    return found
