"""Intake of notifications: Gmail's, as Cloud Pub/Sub delivers them, and Outlook's, as Microsoft Graph posts.

Sources: "Push notifications" of the Gmail guides and "Push subscriptions" of Pub/Sub: 102, 200, 201, 202
and 204 acknowledge; anything else is delivered again. "Receive change notifications through webhooks" of
Microsoft Graph: the validation token comes back as text/plain within 10 seconds; 202 acknowledges.
"""

import logging

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from postroom.errors import Misconfigured
from postroom.providers.outlook.notifications import MAX_BODY
from postroom.sync.push import PushMalformed, PushRefused, accept, accept_outlook, verify

log = logging.getLogger(__name__)

LARGEST = 64 * 1024
"""Bytes; a notification of Gmail has about 200."""
LONGEST_TOKEN = 2048
"""Characters of a validation token."""


@login_not_required
@csrf_exempt
@require_POST
def google(request: HttpRequest) -> HttpResponse:
    """204 once the mailbox's pass is queued; 401 or 403 for a push that proves nothing."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST:
        return HttpResponse("This is larger than any notification.", status=413)
    try:
        verify(request.headers.get("Authorization", ""))
        accept(request.body)
    except PushRefused as error:
        log.warning("A push was refused: %s", error)
        return HttpResponse(str(error), status=401)
    except Misconfigured as error:
        log.error("A push was refused: %s", error)
        return HttpResponse("Push is not set up here.", status=403)
    except PushMalformed as error:
        # Acknowledged, for delivering it again would not mend it.
        log.warning("A push was set aside: %s", error)
    return HttpResponse(status=204)


@login_not_required
@csrf_exempt
@require_POST
def outlook(request: HttpRequest, pk: int) -> HttpResponse:
    """202 once the mailbox's pass is queued; the handshake of a new subscription gets its token back."""
    if (token := request.GET.get("validationToken")) is not None:
        return HttpResponse(token[:LONGEST_TOKEN], content_type="text/plain; charset=utf-8")
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY:
        return HttpResponse("This is larger than any notification.", status=413)
    try:
        accept_outlook(pk, request.body)
    except PushRefused as error:
        log.warning("A push was refused: %s", error)
        return HttpResponse(str(error), status=401)
    except PushMalformed as error:
        log.warning("A push was set aside: %s", error)
    return HttpResponse(status=202)
