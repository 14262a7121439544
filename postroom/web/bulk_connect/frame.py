"""Who may be on these pages, and for which provider."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from postroom.connector.models import ConnectRun, OrganisationAccess, Provider, SetUp
from postroom.connector.organisation_access import access_of
from postroom.connector.setting_up import set_up_of
from postroom.connector.stops import is_stopped
from postroom.organisations.models import Account, User
from postroom.web.viewer import viewer


def get_administrator(request: HttpRequest) -> User:
    """The viewer, who administers the account: this opens everybody's mail, so no rule gives it to others."""
    user = viewer(request)
    if not user.is_administrator:
        raise PermissionDenied
    return user


def get_run_for(user: User, pk: int) -> ConnectRun:
    """A run of the viewer's account, or a 404."""
    run = ConnectRun.objects.select_related("account", "by").filter(account=user.account, pk=pk).first()
    if run is None:
        raise Http404("There is no such run.")
    return run


def get_provider(name: str) -> Provider:
    if name not in Provider.values:
        raise Http404("There is no such provider.")
    return Provider(name)


def why_closed(set_up: SetUp, provider: Provider, access: OrganisationAccess | None, *, stopped: bool) -> str:
    """Why no mailbox of the provider can be connected now, as a word for the page; "" where one can."""
    if not set_up.completed_at:
        return "set_up"
    if provider not in set_up.providers:
        return "provider"
    if stopped:
        return "stopped"
    return "" if access else "access"


def is_closed(account: Account, provider: Provider) -> bool:
    """Whether no mailbox of the provider can be connected now."""
    access = access_of(account, provider)
    return bool(why_closed(set_up_of(account), provider, access, stopped=is_stopped(account.pk)))
