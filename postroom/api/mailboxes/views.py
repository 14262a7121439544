"""Mailboxes of whom the token's user may see, and what may be done to them (R-062, R-070, R-073, R-075)."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Router
from pydantic import Field

from postroom.api.answers import answer, page
from postroom.api.auth import caller
from postroom.api.idempotency import once
from postroom.api.operations import operation
from postroom.api.paging import Id, Paged, by_id
from postroom.api.problems import Kinds, Problem
from postroom.api.scopes import Scope
from postroom.api.shapes import Shown
from postroom.connector import mailboxes
from postroom.connector.mailboxes import mailboxes_matching, managed_mailboxes, visible_mailboxes
from postroom.connector.models import SYNCING, Mailbox, MailboxState
from postroom.organisations.models import User
from postroom.sync import connecting

router = Router()

State = Literal["connected", "importing", "active", "paused", "reconnect", "deactivated"]


class MailboxShown(Shown):
    id: int
    user_id: int
    user_name: str
    provider: str
    address: str
    state: State
    state_reason: str
    """Why it is in this state; empty where the state says it all."""
    connected_at: datetime
    activated_at: datetime | None
    last_sync_at: datetime | None
    last_error: str
    synced_count: int
    skipped_count: int
    import_total: int | None
    """The provider's estimate of mails to import; null when there is no import."""
    import_done: int


class MailboxPage(Shown):
    items: list[MailboxShown]
    next: str | None


class MailboxesAsked(Paged):
    q: str = Field("", max_length=200, description="Words of the user's name or of an address.")
    state: Literal["", State] = ""
    provider: str = Field("", max_length=20)


@router.get("/mailboxes", **operation("mailbox_list", Scope.MAILBOXES_READ, MailboxPage, problems=[404]))
def mailbox_list(request: HttpRequest, asked: Query[MailboxesAsked]) -> HttpResponse:
    """All mailboxes for administrators, those of the team for managers, the own one for reps."""
    rows = by_id(_found(caller(request).user, asked), asked)
    return page(request, MailboxPage(items=list(map(_shown, rows.rows)), next=rows.next), rows.next)


@router.get("/mailboxes/{id}", **operation("mailbox", Scope.MAILBOXES_READ, MailboxShown, problems=[404]))
def mailbox(request: HttpRequest, id: Id) -> HttpResponse:
    """One mailbox."""
    return answer(request, _shown(get_mailbox_for(caller(request).user, id)))


@router.post(
    "/mailboxes/{id}/pause",
    **operation("mailbox_pause", Scope.MAILBOXES_WRITE, MailboxShown, problems=[404]),
)
@once(shows_lead=False)
def mailbox_pause(request: HttpRequest, id: Id) -> HttpResponse:
    """Pause the own mailbox: the connection is kept, and nothing is written until it is resumed."""
    return _done(request, _own(caller(request).user, id), mailboxes.pause, (MailboxState.PAUSED,))


@router.post(
    "/mailboxes/{id}/resume",
    **operation("mailbox_resume", Scope.MAILBOXES_WRITE, MailboxShown, problems=[404]),
)
@once(shows_lead=False)
def mailbox_resume(request: HttpRequest, id: Id) -> HttpResponse:
    """Resume the own mailbox; what came meanwhile is synced."""
    wanted = (*SYNCING, MailboxState.CONNECTED)
    return _done(request, _own(caller(request).user, id), connecting.resume, wanted)


@router.post(
    "/mailboxes/{id}/deactivate",
    **operation("mailbox_deactivate", Scope.MAILBOXES_WRITE, MailboxShown, problems=[404]),
)
@once(shows_lead=False)
def mailbox_deactivate(request: HttpRequest, id: Id) -> HttpResponse:
    """Stop the sync of a mailbox as an administrator, or as the manager of its user; they see who did it."""
    user = caller(request).user

    def deactivate(mailbox: Mailbox) -> None:
        mailboxes.deactivate(mailbox, user)

    return _done(request, _managed(user, id), deactivate, (MailboxState.DEACTIVATED,))


@router.post(
    "/mailboxes/{id}/activate",
    **operation("mailbox_activate", Scope.MAILBOXES_WRITE, MailboxShown, problems=[404]),
)
@once(shows_lead=False)
def mailbox_activate(request: HttpRequest, id: Id) -> HttpResponse:
    """Let a mailbox go on that was deactivated."""
    user = caller(request).user

    def activate(mailbox: Mailbox) -> None:
        connecting.reactivate(mailbox, user)

    return _done(request, _managed(user, id), activate, (*SYNCING, MailboxState.CONNECTED))


def get_mailbox_for(user: User, pk: int) -> Mailbox:
    """A mailbox that the user may see, or a 404."""
    return get_object_or_404(visible_mailboxes(user).select_related("user", "account"), pk=pk)


def _own(user: User, pk: int) -> Mailbox:
    mailbox = get_mailbox_for(user, pk)
    if mailbox.user_id != user.pk:
        raise PermissionDenied
    return mailbox


def _managed(user: User, pk: int) -> Mailbox:
    mailbox = get_mailbox_for(user, pk)
    if not managed_mailboxes(user).filter(pk=pk).exists():
        raise PermissionDenied
    return mailbox


def _done(
    request: HttpRequest,
    mailbox: Mailbox,
    act: Callable[[Mailbox], None],
    wanted: tuple[MailboxState, ...],
) -> HttpResponse:
    """Act, and show the mailbox. Raises ``Problem`` where it is in a state to which this cannot be done."""
    act(mailbox)
    mailbox.refresh_from_db()
    if mailbox.state not in wanted:
        state = str(MailboxState(mailbox.state).label)
        raise Problem(Kinds.CONFLICT, f"This cannot be done in the mailbox's present state: {state}.")
    return answer(request, _shown(mailbox))


def _found(user: User, asked: MailboxesAsked) -> QuerySet[Mailbox]:
    found = visible_mailboxes(user).select_related("user")
    if asked.state:
        found = found.filter(state=asked.state)
    if asked.provider:
        found = found.filter(provider=asked.provider)
    return mailboxes_matching(found, asked.q)


def _shown(mailbox: Mailbox) -> MailboxShown:
    return MailboxShown(
        id=mailbox.pk,
        user_id=mailbox.user_id,
        user_name=mailbox.user.name,
        provider=mailbox.provider,
        address=mailbox.address,
        state=mailbox.state,
        state_reason=mailbox.state_reason,
        connected_at=mailbox.connected_at,
        activated_at=mailbox.activated_at,
        last_sync_at=mailbox.last_sync_at,
        last_error=mailbox.last_error,
        synced_count=mailbox.synced_count,
        skipped_count=mailbox.skipped_count,
        import_total=mailbox.import_total,
        import_done=mailbox.import_done,
    )
