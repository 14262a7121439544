"""Whose token it is, and what it may do."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from ninja import Router

from postroom.api.answers import answer
from postroom.api.auth import caller
from postroom.api.operations import operation
from postroom.api.shapes import Shown

router = Router()


class MeShown(Shown):
    token: str
    """Its name."""
    scopes: list[str]
    expires_at: datetime | None
    user_id: int
    user_name: str
    user_email: str
    user_role: str
    account: str


@router.get("/me", **operation("me", None, MeShown))
def me(request: HttpRequest) -> HttpResponse:
    """The token that asks, and the user as whom it acts."""
    user, token = caller(request).user, caller(request).token
    shown = MeShown(
        token=token.name,
        scopes=token.scopes,
        expires_at=token.expires_at,
        user_id=user.pk,
        user_name=user.name,
        user_email=user.email,
        user_role=user.role,
        account=user.account.name,
    )
    return answer(request, shown)
