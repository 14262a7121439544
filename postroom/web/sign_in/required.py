"""Signed-in is the default: who is not, is asked to sign in, and comes back to the page they were on."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

View = Callable[..., HttpResponseBase]


class SignInRequired(LoginRequiredMiddleware):
    """Asks by a whole page, also where a session ended behind a page that is still open.

    A part of a page that htmx asks for would otherwise become the page of signing in, in the middle of the
    other; and a form that was sent would lead back to an address that only takes forms.
    """

    def process_view(
        self,
        request: HttpRequest,
        view_func: View,
        view_args: tuple[object, ...],
        view_kwargs: dict[str, object],
    ) -> HttpResponseBase | None:
        answer = super().process_view(request, view_func, view_args, view_kwargs)
        if answer is not None and request.headers.get("HX-Request"):
            return HttpResponse(headers={"HX-Redirect": answer["Location"]})
        return answer

    def handle_no_permission(self, request: HttpRequest, view_func: View) -> HttpResponseRedirect:
        if request.method != "GET" and _is_sent_by_hand(request):
            said = _("You were signed out meanwhile, so nothing was saved. Please sign in and send it again.")
            messages.warning(request, said)
        is_page = request.method == "GET" and not request.headers.get("HX-Request")
        page = request.get_full_path() if is_page else _page_of(request)
        return redirect_to_login(page, resolve_url(self.get_login_url(view_func)))


def _is_sent_by_hand(request: HttpRequest) -> bool:
    """Whether it is a form that somebody sent, rather than a question of a script, such as of the tags."""
    mode = request.headers.get("Sec-Fetch-Mode", "navigate")
    return mode == "navigate" or bool(request.headers.get("HX-Request"))


def _page_of(request: HttpRequest) -> str:
    """The page of this site that the request came from; the start where that is not told."""
    told = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(told, {request.get_host()}):
        return resolve_url("home")
    page = urlsplit(told)
    if not page.netloc:
        return resolve_url("home")
    return f"{page.path}?{page.query}" if page.query else page.path
