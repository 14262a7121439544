"""Provider: which are on, their OAuth clients, and what is done at the provider itself (R-020, R-021)."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from postroom.connector.clients import (
    ClientInForce,
    client_in_force,
    forget_client,
    keep_client,
    note_test,
    own_client,
)
from postroom.connector.models import AuditArea, Provider
from postroom.connector.secrets import deployment_client
from postroom.connector.setting_up import Step, connected_mailboxes, mark_prepared, save_providers
from postroom.errors import Misconfigured, PostroomError
from postroom.providers.base import Client
from postroom.providers.registry import PROVIDERS
from postroom.sync import connecting
from postroom.sync.trying import try_client
from postroom.web.consent.pending import Pending, Purpose, callback_url, keep
from postroom.web.sentences import told
from postroom.web.setup import saving
from postroom.web.setup.forms import ClientForm, ProvidersForm
from postroom.web.setup.frame import Place, enter, first_open, leave, show, step_url
from postroom.web.setup.saving import ChangedMeanwhile, Part, last_change

PROVIDER = Part((AuditArea.PROVIDER,))


@dataclass(frozen=True, slots=True)
class Card:
    """One provider as the page shows it."""

    provider: Provider
    is_on: bool
    client: ClientInForce | None
    has_deployment_client: bool
    is_prepared: bool
    mailboxes: int
    callback: str
    form: ClientForm
    asks_to_change: bool = False
    fault: str = ""

    @property
    def template(self) -> str:
        """How the provider's own side is made ready."""
        return f"setup/_prepare_{self.provider.value}.html"


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    place = enter(request, Step.PROVIDER)
    if place.is_ahead:
        return first_open(place)
    user, account = place.user, place.user.account
    if request.method == "GET":
        return _page(request, place)
    form = ProvidersForm(request.POST)
    if not form.is_valid():
        return _page(request, place, form, status=422)
    chosen = form.cleaned_data["providers"]
    if faults := _unready(place, chosen):
        return _page(request, place, form, status=422, faults=faults)
    mailboxes = connected_mailboxes(account)
    left = {
        name: mailboxes[name] for name in place.set_up.providers if name not in chosen and name in mailboxes
    }
    if left and "change" not in request.POST.getlist("confirmed"):
        return _page(request, place, form, status=422, left=left)
    try:
        with saving.saving(account, PROVIDER, form.cleaned_data["seen"]):
            save_providers(account, chosen, user)
    except ChangedMeanwhile as error:
        return _page(request, place, _again(request), status=409, changed=error)
    return leave(request, place, "" if place.is_wizard else _("Saved."))


@require_POST
def client(request: HttpRequest, name: str) -> HttpResponse:
    """Test a client at the provider and keep it, where it is known there."""
    place = enter(request, Step.PROVIDER)
    if place.is_ahead:
        return first_open(place)
    provider, account = _provider(name), place.user.account
    known = own_client(account, provider)
    form = ClientForm(provider, known.id if known else "", request.POST)
    if not form.is_valid():
        return _page(request, place, status=422, client_form=form)
    data = form.cleaned_data
    secret = data["client_secret"] or (known.secret if known else "")
    entered = Client(data["client_id"], secret, data.get("tenant", ""))
    fault = _tried(provider, entered)
    if fault:
        name_of_field, sentence = fault
        form.add_error(name_of_field, sentence)
        return _page(request, place, status=422, client_form=form)
    now = client_in_force(account, provider)
    hits = connected_mailboxes(account).get(provider.value, 0)
    loses = bool(now and now.id != entered.id and hits)
    if loses and "client" not in request.POST.getlist("confirmed"):
        return _page(request, place, status=422, client_form=form, asks_to_change=provider)
    try:
        with saving.saving(account, PROVIDER, data["seen"]):
            keep_client(account, provider, entered, place.user)
    except ChangedMeanwhile as error:
        again = request.POST.copy()
        again["seen"] = str(last_change(account))
        form = ClientForm(provider, known.id if known else "", again)
        return _page(request, place, status=409, client_form=form, changed=error)
    messages.success(
        request, _("%(provider)s knows this client. It is saved.") % {"provider": provider.label}
    )
    return _back(provider)


@require_POST
def test(request: HttpRequest, name: str) -> HttpResponse:
    """Ask the provider whether it knows the client in force."""
    place = enter(request, Step.PROVIDER)
    if place.is_ahead:
        return first_open(place)
    provider = _provider(name)
    own = own_client(place.user.account, provider)
    in_force = own or deployment_client(provider)
    if in_force is None:
        messages.error(request, _("There is no client to test yet."))
        return _back(provider)
    if fault := _tried(provider, in_force):
        messages.error(request, fault[1])
    else:
        note_test(place.user.account, provider)
        messages.success(request, _("%(provider)s knows the client.") % {"provider": provider.label})
    return _back(provider)


@require_POST
def forget(request: HttpRequest, name: str) -> HttpResponse:
    """Go back to the client of the deployment."""
    place = enter(request, Step.PROVIDER)
    if place.is_ahead:
        return first_open(place)
    provider = _provider(name)
    forget_client(place.user.account, provider, place.user)
    messages.success(request, _("The client was removed; its secret is forgotten."))
    return _back(provider)


@require_POST
def prepared(request: HttpRequest, name: str) -> HttpResponse:
    """Mark as complete what is done at the provider, or take the mark back."""
    place = enter(request, Step.PROVIDER)
    if place.is_ahead:
        return first_open(place)
    provider, done = _provider(name), request.POST.get("prepared") == "yes"
    mark_prepared(place.user.account, provider, place.user, prepared=done)
    return _back(provider)


@require_POST
def approve(request: HttpRequest, name: str) -> HttpResponse:
    """Send an administrator of the organisation to the provider, to approve Postroom for all users."""
    place = enter(request, Step.PROVIDER)
    if place.is_ahead:
        return first_open(place)
    provider = _provider(name)
    try:
        begun = connecting.approval(place.user.account_id, provider, callback_url(provider))
    except PostroomError as error:
        messages.error(request, told(error))
        return _back(provider)
    if begun is None:
        raise Http404("This provider has no page for that.")
    keep(request, Pending(provider.value, Purpose.ORGANISATION, begun.state))
    return redirect(begun.url)


def approved(request: HttpRequest, provider: Provider) -> HttpResponse:
    """The administrator is back from the provider's page."""
    place = enter(request, Step.PROVIDER)
    company = PROVIDERS[provider].company
    if request.GET.get("admin_consent", "").lower() == "true" and "error" not in request.GET:
        mark_prepared(place.user.account, provider, place.user, prepared=True)
        said = _("%(company)s says that Postroom is approved for all users of your organisation.")
        messages.success(request, said % {"company": company})
    else:
        said = _("%(company)s says that the approval was declined. Nothing was changed.")
        messages.error(request, said % {"company": company})
    return _back(provider)


def _back(provider: Provider) -> HttpResponse:
    """To the page with the provider's card open, though it may not have been saved as on yet."""
    return redirect(f"{step_url(Step.PROVIDER)}?on={provider.value}#{provider.value}")


def _provider(name: str) -> Provider:
    if name not in Provider.values:
        raise Http404("There is no such provider.")
    return Provider(name)


def _tried(provider: Provider, entered: Client) -> tuple[str, str] | None:
    """The field at fault and a sentence on it; None where the provider knows the client."""
    try:
        try_client(provider, entered)
    except Misconfigured as error:
        return "client_secret", told(error)
    except PostroomError as error:
        said = _("%(provider)s could not be asked, so nothing was saved: %(why)s Try again in a moment.")
        return "client_id", said % {"provider": provider.label, "why": told(error)}
    return None


def _unready(place: Place, chosen: list[str]) -> dict[str, str]:
    """What is still missing at a provider that is to be on."""
    faults: dict[str, str] = {}
    for provider in map(Provider, chosen):
        if client_in_force(place.user.account, provider) is None:
            faults[provider.value] = _("Enter an OAuth client first, and save it.")
        elif provider.value not in place.set_up.prepared:
            faults[provider.value] = _("Mark the last step as complete first.")
    return faults


def _again(request: HttpRequest) -> ProvidersForm:
    data = request.POST.copy()
    user = request.user
    data["seen"] = str(last_change(user.account))  # pyright: ignore[reportAttributeAccessIssue]
    return ProvidersForm(data)


def _page(
    request: HttpRequest,
    place: Place,
    form: ProvidersForm | None = None,
    status: int = 200,
    *,
    client_form: ClientForm | None = None,
    asks_to_change: Provider | None = None,
    left: dict[str, int] | None = None,
    faults: dict[str, str] | None = None,
    changed: ChangedMeanwhile | None = None,
) -> HttpResponse:
    account = place.user.account
    seen = last_change(account)
    at = request.GET.get("on", "")
    at_work = {at, *([client_form.provider.value] if client_form else [])}
    initial = {"providers": [*(place.set_up.providers or [Provider.GMAIL.value]), *at_work], "seen": seen}
    form = form or ProvidersForm(initial=initial)
    chosen = form["providers"].value() or []
    mailboxes = connected_mailboxes(account)
    cards: list[Card] = []
    for provider in Provider:
        in_force = client_in_force(account, provider)
        own = in_force if in_force and in_force.is_own else None
        own_id = own.id if own else ""
        initial = {"client_id": own_id, "tenant": own.tenant if own else "", "seen": seen}
        entered = client_form if client_form and client_form.provider is provider else None
        cards.append(
            Card(
                provider=provider,
                is_on=provider.value in chosen,
                client=in_force,
                has_deployment_client=deployment_client(provider) is not None,
                is_prepared=provider.value in place.set_up.prepared,
                mailboxes=mailboxes.get(provider.value, 0),
                callback=callback_url(provider),
                form=entered or ClientForm(provider, own_id, initial=initial),
                asks_to_change=asks_to_change is provider,
                fault=(faults or {}).get(provider.value, ""),
            )
        )
    context: dict[str, object] = {
        "form": form,
        "cards": cards,
        "at": at if at in Provider.values and request.method == "GET" else "",
        "changed": changed,
        "left": sum((left or {}).values()),
        "left_names": ", ".join(str(Provider(name).label) for name in left or {}),
    }
    return show(request, place, "setup/provider.html", context, status)
