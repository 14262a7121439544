"""What the organisation gave, for each provider that is on: enter it, try it, take it away."""

from dataclasses import dataclass

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from postroom.connector.clients import ClientInForce, client_in_force
from postroom.connector.mailboxes import checked_address
from postroom.connector.models import (
    ConnectRun,
    ItemState,
    Mailbox,
    MailboxState,
    OrganisationAccess,
    Provider,
)
from postroom.connector.organisation_access import (
    forget_access,
    note_access_works,
    save_access,
    take_up_lost,
)
from postroom.connector.setting_up import set_up_of
from postroom.connector.stops import is_stopped
from postroom.errors import PostroomError
from postroom.organisations.models import Account, User
from postroom.providers.gmail.oauth import READ_MAIL
from postroom.providers.registry import PROVIDERS
from postroom.sync import connecting
from postroom.web.bulk_connect.forms import KeyForm, PermissionForm, TryForm
from postroom.web.bulk_connect.frame import get_administrator, get_provider, why_closed
from postroom.web.sentences import told

RECENT = 10
EntryForm = KeyForm | PermissionForm


@dataclass(frozen=True, slots=True)
class Card:
    """One provider as the page shows it."""

    provider: Provider
    access: OrganisationAccess | None
    client: ClientInForce | None
    form: EntryForm
    try_form: TryForm
    closed: str
    """Why nobody can be connected, "" where they can."""
    mailboxes: int
    lost: int
    """Mailboxes that wait for an administrator."""
    by_key: bool

    @property
    def template(self) -> str:
        """How the organisation lets Postroom in."""
        return f"bulk_connect/_how_{self.provider.value}.html"


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    return _page(request, get_administrator(request))


@require_POST
def save(request: HttpRequest, name: str) -> HttpResponse:
    user, provider = get_administrator(request), get_provider(name)
    form = _entry_form(provider, request)
    if form.is_valid():
        try:
            save_access(user.account, provider, form.cleaned_data.get("key", ""), user)
        except PostroomError as error:
            form.add_error("file" if isinstance(form, KeyForm) else "granted", told(error))
        else:
            messages.success(request, _("It is saved. Try it with one mailbox next."))
            return _back(provider)
    return _page(request, user, entered=(provider, form))


@require_POST
def test(request: HttpRequest, name: str) -> HttpResponse:
    """Open one mailbox, and say what has to be mended where that fails."""
    user, provider = get_administrator(request), get_provider(name)
    form = TryForm(request.POST)
    if not form.is_valid():
        return _page(request, user, tried=(provider, form))
    address = form.cleaned_data["address"]
    try:
        checked_address(user, address)
        own, *_rest = connecting.look_in(user.account, provider, address)
    except PostroomError as error:
        form.add_error("address", told(error))
        return _page(request, user, tried=(provider, form))
    note_access_works(user.account, provider)
    messages.success(request, _("Postroom can read %(address)s.") % {"address": own})
    return _back(provider)


@require_POST
def again(request: HttpRequest, name: str) -> HttpResponse:
    """Let the mailboxes go on that lost the permission."""
    user, provider = get_administrator(request), get_provider(name)
    number = take_up_lost(user.account, provider)
    said = ngettext("%(number)d mailbox is tried again.", "%(number)d mailboxes are tried again.", number)
    messages.success(request, said % {"number": number})
    return _back(provider)


@require_POST
def forget(request: HttpRequest, name: str) -> HttpResponse:
    user, provider = get_administrator(request), get_provider(name)
    number = forget_access(user.account, provider, user)
    said = ngettext(
        "The permission is removed. %(number)d mailbox has stopped.",
        "The permission is removed. %(number)d mailboxes have stopped.",
        number,
    )
    messages.success(request, said % {"number": number})
    return _back(provider)


def _page(
    request: HttpRequest,
    user: User,
    *,
    entered: tuple[Provider, EntryForm] | None = None,
    tried: tuple[Provider, TryForm] | None = None,
) -> HttpResponse:
    account = user.account
    set_up, stopped = set_up_of(account), is_stopped(account.pk)
    held = {each.provider: each for each in OrganisationAccess.objects.filter(account=account)}
    lost = _mailboxes(account)
    cards: list[Card] = []
    for provider in Provider:
        access = held.get(provider.value)
        if provider not in set_up.providers and access is None:
            continue
        auto_id = f"id_{provider.value}_try_%s"
        all_, waiting = lost.get(provider.value, (0, 0))
        cards.append(
            Card(
                provider=provider,
                access=access,
                client=client_in_force(account, provider),
                form=entered[1] if entered and entered[0] is provider else _entry_form(provider),
                try_form=tried[1]
                if tried and tried[0] is provider
                else TryForm(initial={"address": user.email}, auto_id=auto_id),
                closed=why_closed(set_up, provider, access, stopped=stopped),
                mailboxes=all_,
                lost=waiting,
                by_key=PROVIDERS[provider].has_service_accounts,
            )
        )
    context = {
        "cards": cards,
        "runs": _runs(account),
        "scope": READ_MAIL,
        "has_domains": bool(account.domains),
    }
    return render(request, "bulk_connect/page.html", context, status=422 if entered or tried else 200)


def _mailboxes(account: Account) -> dict[str, tuple[int, int]]:
    """By provider: the mailboxes that an administrator connected, and those of them that wait for one."""
    waiting = Count("pk", filter=Q(state=MailboxState.RECONNECT))
    found = Mailbox.objects.of(account).filter(by_organisation=True).order_by().values_list("provider")
    return {provider: (all_, lost) for provider, all_, lost in found.annotate(Count("pk"), lost=waiting)}


def _entry_form(provider: Provider, request: HttpRequest | None = None) -> EntryForm:
    auto_id = f"id_{provider.value}_%s"
    data, files = (request.POST, request.FILES) if request else (None, None)
    if PROVIDERS[provider].has_service_accounts:
        return KeyForm(data, files, auto_id=auto_id)
    return PermissionForm(data, auto_id=auto_id)


def _runs(account: Account) -> list[ConnectRun]:
    """The latest, each with how many users of it are in which state."""
    counts = {state.value: Count("items", filter=Q(items__state=state)) for state in ItemState}
    runs = ConnectRun.objects.filter(account=account).annotate(users=Count("items"), **counts)
    return list(runs.order_by("-pk")[:RECENT])


def _back(provider: Provider) -> HttpResponse:
    return redirect(f"{reverse('bulk_connect')}#{provider.value}")
