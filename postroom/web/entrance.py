"""Where a visitor lands, and the sign of life for whoever watches the server."""

from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from postroom.connector.mailboxes import own_mailbox
from postroom.organisations.models import Role
from postroom.web.viewer import viewer

REPS = (Role.SALES_USER, Role.MARKETING_USER)


def home(request: HttpRequest) -> HttpResponse:
    """A rep without a mailbox is led to connecting it; everyone else to the leads."""
    user = viewer(request)
    if user.role in REPS and own_mailbox(user) is None:
        return redirect("my_inbox")
    return redirect("leads")


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while pages can be served from the database."""
    with connection.cursor() as cursor:
        cursor.execute("select 1")
    return HttpResponse("ok\n", content_type="text/plain")
