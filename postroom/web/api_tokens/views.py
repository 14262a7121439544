"""Making tokens, which are shown once; looking at them, and revoking them."""

from datetime import UTC, datetime

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from postroom.api.models import ApiToken
from postroom.api.tokens import TokenRefused, make_token, revoke_token, visible_tokens
from postroom.connector.secrets import sealer
from postroom.organisations.models import User
from postroom.web.api_tokens.forms import TokenForm
from postroom.web.paging import page_of
from postroom.web.parts import render_part
from postroom.web.sentences import told
from postroom.web.viewer import viewer

SIZE = 50
FRESH = "api_token"
"""Where the session holds a token, sealed, between its making and the page that shows it."""


@never_cache
@require_http_methods(["GET", "POST"])
def own(request: HttpRequest) -> HttpResponse:
    """The user's own tokens, the form of a new one, and once the token that was just made."""
    user = viewer(request)
    form = TokenForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and _make(request, user, form):
        return redirect("api_tokens")
    tokens = ApiToken.objects.filter(account=user.account, user=user).select_related("user")
    context = {
        "form": form,
        "fresh": _take_fresh(request),
        "rows": page_of(tokens, "created_at", request.GET.get("after", ""), SIZE),
        "now": datetime.now(UTC),
        "sees_all": user.is_administrator,
    }
    return render(request, "api_tokens/own.html", context, status=422 if form.is_bound else 200)


@require_GET
def everyones(request: HttpRequest) -> HttpResponse:
    """All tokens of the account, for its administrators."""
    user = viewer(request)
    if not user.is_administrator:
        raise PermissionDenied
    tokens = visible_tokens(user).select_related("user")
    context = {
        "rows": page_of(tokens, "created_at", request.GET.get("after", ""), SIZE),
        "now": datetime.now(UTC),
        "shows_users": True,
    }
    return render(request, "api_tokens/everyones.html", context)


@require_http_methods(["GET", "POST"])
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for confirmation, or do it once that is given."""
    user = viewer(request)
    token = get_token_for(user, pk)
    back = "api_tokens" if token.user_id == user.pk else "api_tokens_all"
    if request.method == "GET":
        context = {"token": token, "back": back}
        return render_part(request, "api_tokens/confirm.html", "api_tokens/_confirm.html", context)
    revoke_token(token, user)
    messages.success(request, _("%(name)s is revoked and can be used no more.") % {"name": token.name})
    return redirect(back)


def get_token_for(user: User, pk: int) -> ApiToken:
    """A token that the user may revoke, or a 404."""
    return get_object_or_404(visible_tokens(user).select_related("user", "account"), pk=pk)


def _make(request: HttpRequest, user: User, form: TokenForm) -> bool:
    """Whether it could be made; the form says why not."""
    try:
        token, secret = make_token(
            user, form.cleaned_data["name"], form.cleaned_data["scopes"], form.lifetime()
        )
    except TokenRefused as refused:
        form.add_error(refused.field or None, told(refused))
        return False
    request.session[FRESH] = sealer().seal({"name": token.name, "secret": secret}).decode()
    return True


def _take_fresh(request: HttpRequest) -> dict[str, object] | None:
    """The token just made, with its name; it is shown this once."""
    sealed = request.session.pop(FRESH, "")
    return sealer().unseal(sealed.encode()) if sealed else None
