"""The users whom the token's user may see (R-075)."""

from datetime import datetime
from typing import Literal

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Router
from pydantic import Field

from postroom.api.answers import answer, page
from postroom.api.auth import caller
from postroom.api.operations import operation
from postroom.api.paging import Id, Paged, by_id
from postroom.api.scopes import Scope
from postroom.api.shapes import Shown
from postroom.organisations.access import visible_users
from postroom.organisations.finding import users_matching
from postroom.organisations.models import User

router = Router()

RoleName = Literal["administrator", "sales_manager", "marketing_user", "sales_user"]


class UserShown(Shown):
    id: int
    name: str
    email: str
    role: RoleName
    manager_id: int | None
    time_zone: str
    is_active: bool
    yes_fields: list[str]
    """Names of the yes-or-no user fields that are Yes."""
    created_at: datetime


class UserPage(Shown):
    items: list[UserShown]
    next: str | None


class UsersAsked(Paged):
    q: str = Field("", max_length=200, description="Words of name or email.")
    role: Literal["", RoleName] = ""


@router.get("/users", **operation("user_list", Scope.USERS_READ, UserPage, problems=[404]))
def user_list(request: HttpRequest, asked: Query[UsersAsked]) -> HttpResponse:
    """Everyone for administrators, the team for managers, and nobody else for all others."""
    users = visible_users(caller(request).user)
    if asked.role:
        users = users.filter(role=asked.role)
    rows = by_id(users_matching(users, asked.q), asked)
    return page(request, UserPage(items=list(map(_shown, rows.rows)), next=rows.next), rows.next)


@router.get("/users/{id}", **operation("user", Scope.USERS_READ, UserShown, problems=[404]))
def user(request: HttpRequest, id: Id) -> HttpResponse:
    """One user."""
    return answer(request, _shown(get_object_or_404(visible_users(caller(request).user), pk=id)))


def _shown(user: User) -> UserShown:
    return UserShown(
        id=user.pk,
        name=user.name,
        email=user.email,
        role=user.role,
        manager_id=user.manager_id,
        time_zone=user.time_zone,
        is_active=user.is_active,
        yes_fields=user.yes_fields,
        created_at=user.created_at,
    )
