"""Making tokens, telling whose one is, and ending them.

A token is ``prm_`` and 256 random bits. Its SHA-256 is looked up, so a stolen database gives no token away;
a hash made to be slow would help nothing against guessing that many bits.
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from math import ceil

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from postroom.api.models import ApiToken
from postroom.api.scopes import Scope
from postroom.connector.audit import record
from postroom.connector.models import AuditArea
from postroom.errors import PostroomError
from postroom.organisations.models import User

PREFIX = "prm_"
MOST = 50
"""Tokens of one user that can be used at a time."""
LONGEST_NAME = 100
LIMIT, WINDOW_SECONDS = 600, 60
"""Requests of a token in a minute, counted in the database so that it holds for all servers together."""

_USE = """
    with now as (select clock_timestamp() as moment, make_interval(secs => %(window)s) as length)
    update api_apitoken as token set
        window_used = case when window_at > moment - length then window_used + 1 else 1 end,
        window_at = case when window_at > moment - length then window_at else moment end,
        last_used_at = moment
    from organisations_user as person, now
    where token.sha256 = %(sha256)s and token.revoked_at is null
        and (token.expires_at is null or token.expires_at > moment)
        and person.account_id = token.account_id and person.id = token.user_id
        and person.is_active and person.session_epoch = token.user_epoch
    returning token.id, token.window_used, extract(epoch from token.window_at + length - moment)
"""


class TokenRefused(PostroomError):
    """This token cannot be made."""

    code = "token_refused"

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field
        """What of it is wrong: name, scopes; "" for all of it."""


@dataclass(frozen=True, slots=True)
class Use:
    """A request that a token came with."""

    token: ApiToken
    number: int
    """How many requests it has made in this minute, this one included."""
    seconds: int
    """Until the minute ends."""

    @property
    def left(self) -> int:
        return max(LIMIT - self.number, 0)

    @property
    def is_too_many(self) -> bool:
        return self.number > LIMIT


@transaction.atomic
def make_token(
    user: User, name: str, scopes: Collection[str], lifetime: timedelta | None
) -> tuple[ApiToken, str]:
    """A new token, and what it is in clear text, which is nowhere to be had afterwards.

    It lasts ``lifetime``, or until it is revoked. Raises ``TokenRefused``.
    """
    name = " ".join(name.replace("\x00", "").split())
    _refuse(user, name, scopes)
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        account=user.account,
        user=user,
        user_epoch=user.session_epoch,
        name=name,
        scopes=[scope for scope in Scope.values if scope in scopes],
        sha256=_hash(secret),
        prefix=secret[:12],
        expires_at=datetime.now(UTC) + lifetime if lifetime else None,
    )
    after = {"scopes": token.scopes, "expires": token.expires_at.isoformat() if token.expires_at else ""}
    said = f"Created the API token {token.name} ({token.prefix}…)."
    record(user.account, user, AuditArea.API_TOKENS, said, after=after, about=user)
    return token, secret


def use_token(secret: str) -> Use | None:
    """Count one request of the token; None where it is none, has ended, or its user has been deactivated."""
    with connection.cursor() as cursor:
        cursor.execute(_USE, {"sha256": _hash(secret), "window": WINDOW_SECONDS})
        row = cursor.fetchone()
    if row is None:
        return None
    pk, number, seconds = row
    token = ApiToken.objects.select_related("user__account").get(pk=pk)
    return Use(token, number, max(ceil(seconds), 1))


def visible_tokens(viewer: User) -> QuerySet[ApiToken]:
    """Everyone's for an administrator, the own for all others."""
    tokens = ApiToken.objects.filter(account=viewer.account)
    return tokens if viewer.is_administrator else tokens.filter(user=viewer)


def usable(tokens: QuerySet[ApiToken]) -> QuerySet[ApiToken]:
    """Those that were neither revoked nor have expired, and whose user was not deactivated since."""
    lasting = Q(expires_at=None) | Q(expires_at__gt=datetime.now(UTC))
    held = Q(user__is_active=True, user__session_epoch=F("user_epoch"))
    return tokens.filter(lasting, held, revoked_at=None)


@transaction.atomic
def revoke_token(token: ApiToken, by: User) -> None:
    """End it at once and for good; nothing happens to one that was revoked before."""
    found = ApiToken.objects.filter(account=token.account, pk=token.pk, revoked_at=None)
    if not found.update(revoked_at=datetime.now(UTC)):
        return
    token.refresh_from_db()
    said = f"Revoked the API token {token.name} ({token.prefix}…) of {token.user}."
    record(token.account, by, AuditArea.API_TOKENS, said, about=token.user)


def _refuse(user: User, name: str, scopes: Collection[str]) -> None:
    # The user's row is taken, so that of two tokens made at once the second is counted.
    User.objects.of(user.account).select_for_update(no_key=True).get(pk=user.pk)
    if not name or len(name) > LONGEST_NAME:
        raise TokenRefused(f"A token needs a name of at most {LONGEST_NAME} characters.", "name")
    if not scopes or set(scopes) - set(Scope.values):
        raise TokenRefused("Choose at least one scope among those offered.", "scopes")
    if usable(ApiToken.objects.filter(account=user.account, user=user)).count() >= MOST:
        raise TokenRefused(f"You have {MOST} tokens already. Revoke one that is not used any more.")


def _hash(secret: str) -> str:
    return sha256(secret.encode(errors="surrogatepass")).hexdigest()
