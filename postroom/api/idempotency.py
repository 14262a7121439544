"""The header Idempotency-Key: a request sent twice is done once.

The answer is kept in the transaction of the effect: either both are there or neither. Only success is kept;
after an error nothing was done, and the key is free.

Source: draft-ietf-httpapi-idempotency-key-header-06.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from hashlib import sha256

import orjson
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse

from postroom.api.auth import Caller, caller
from postroom.api.models import KeptAnswer
from postroom.api.problems import Kinds, Problem
from postroom.crm.giving_way import again_if_broken_off

HEADER = "Idempotency-Key"
LONGEST = 255
PATTERN = rf'^"?[A-Za-z0-9_.~+/=:-]{{1,{LONGEST}}}"?$'
KEPT = timedelta(hours=24)

View = Callable[..., HttpResponse]


def once(*, shows_lead: bool) -> Callable[[View], View]:
    """Run the operation in a transaction; with a key, do for one request what was not done before.

    An answer that shows a lead is kept no longer than the lead.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, **values: object) -> HttpResponse:
            key = _key_of(request)

            @transaction.atomic
            def work() -> HttpResponse:
                kept = _kept(request, caller(request), key) if key else None
                if kept:
                    return _again(kept)
                response = view(request, **values)
                if key:
                    lead = orjson.loads(response.content)["id"] if shows_lead else None
                    _keep(request, key, response, lead)
                return response

            return again_if_broken_off(work)

        return wrapped

    return decorate


def forget_answers(now: datetime) -> int:
    """Remove what was kept for a day; returns how many answers."""
    return KeptAnswer.objects.filter(created_at__lte=now - KEPT).delete()[0]


def _key_of(request: HttpRequest) -> str:
    """The key, which may be quoted, as the draft has it, or not; empty where there is none."""
    if HEADER not in request.headers:
        return ""
    key = request.headers[HEADER].strip()
    if not re.fullmatch(PATTERN, key):
        said = f"{HEADER} is 1 to {LONGEST} letters, digits and -_.~+/=: such as a UUID."
        raise Problem(Kinds.MALFORMED, said)
    return key.strip('"')


def _kept(request: HttpRequest, who: Caller, key: str) -> KeptAnswer | None:
    """The answer given before. Raises ``Problem`` where the key is in use, or was for something else."""
    with connection.cursor() as cursor:
        lock = f"idempotency:{who.token.pk}:{key}"
        cursor.execute("select pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [lock])
        (is_free,) = cursor.fetchone()
    if not is_free:
        raise Problem(Kinds.KEY_BUSY, headers={"Retry-After": "1"})
    answers = KeptAnswer.objects.filter(account=who.user.account, token=who.token, key=key)
    answers.filter(created_at__lte=datetime.now(UTC) - KEPT).delete()
    kept = answers.first()
    if kept and kept.fingerprint != _fingerprint(request):
        raise Problem(Kinds.KEY_REUSED)
    return kept


def _keep(request: HttpRequest, key: str, response: HttpResponse, lead: int | None) -> None:
    who = caller(request)
    KeptAnswer.objects.create(
        account=who.user.account,
        token=who.token,
        key=key,
        fingerprint=_fingerprint(request),
        lead_id=lead,
        status=response.status_code,
        location=response.get("Location", ""),
        body=response.content.decode(),
    )


def _again(kept: KeptAnswer) -> HttpResponse:
    response = HttpResponse(kept.body, status=kept.status, content_type="application/json")
    response["Idempotent-Replayed"] = "true"
    if kept.location:
        response["Location"] = kept.location
    return response


def _fingerprint(request: HttpRequest) -> str:
    asked = f"{request.method} {request.get_full_path()}\n".encode()
    return sha256(asked + request.body).hexdigest()
