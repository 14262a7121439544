"""My account: everyone's own name, time zone and language."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from postroom.connector.users import UserRefused, change_own
from postroom.organisations.models import User
from postroom.web.my_account.forms import MyAccountForm
from postroom.web.sentences import told
from postroom.web.viewer import viewer


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    user = viewer(request)
    initial = {"name": user.name, "time_zone": user.time_zone, "language": user.language}
    form = MyAccountForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            change_own(user, data["name"], data["time_zone"])
        except UserRefused as error:
            form.add_error(error.field if error.field in form.fields else None, told(error))
            user.refresh_from_db()
        else:
            _speak(request, user, data["language"])
            messages.success(request, _("Your account is saved."))
            return redirect("my_account")
    context = {"form": form, "person": user}
    return render(request, "my_account/page.html", context, status=422 if form.errors else 200)


def _speak(request: HttpRequest, user: User, language: str) -> None:
    """Pages are in this language from now on, and so is what is said of it."""
    user.language = language
    user.save(update_fields=["language"])
    translation.activate(language or translation.get_language_from_request(request))
