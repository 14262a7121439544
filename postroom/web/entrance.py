"""Where a visitor lands, and the sign of life for whoever watches the server."""

from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from postroom.connector.mailboxes import own_mailbox
from postroom.connector.setting_up import set_up_of
from postroom.organisations.access import may_configure, may_connect
from postroom.web.viewer import viewer


def home(request: HttpRequest) -> HttpResponse:
    """Whoever may configure is led to a set-up that is not complete, administrators and managers to the
    mailboxes they look after, a rep without a mailbox to connecting it, and everyone else to the leads."""
    user = viewer(request)
    if not set_up_of(user.account).completed_at and may_configure(user):
        return redirect("setup")
    if user.is_administrator or user.is_manager:
        return redirect("mailboxes")
    if own_mailbox(user) is None and may_connect(user):
        return redirect("my_inbox")
    return redirect("leads")


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while pages can be served from the database."""
    with connection.cursor() as cursor:
        cursor.execute("select 1")
    return HttpResponse("ok\n", content_type="text/plain")
