"""Tokens, and the answers kept so that a request sent twice is done once."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from postroom.api.scopes import Scope
from postroom.crm.models import Lead
from postroom.organisations.models import Account, User


class ApiToken(models.Model):
    """What a program presents instead of a password; it acts as its user. The token itself is not kept."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    account_id: int
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens", db_constraint=False)
    user_id: int
    user_epoch = models.PositiveIntegerField()
    """``User.session_epoch`` at the time: a user who is deactivated loses tokens as well as sessions."""
    name = models.CharField(max_length=100)
    scopes = ArrayField(models.CharField(max_length=30, choices=Scope))
    sha256 = models.CharField(max_length=64, unique=True)
    """Of the whole token, in hexadecimal."""
    prefix = models.CharField(max_length=12)
    """Its first characters, by which people tell tokens apart."""
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    """None: never."""
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    window_at = models.DateTimeField(null=True, blank=True)
    """When the minute began in which its requests are counted."""
    window_used = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["account", "id"], name="token_in_account")]
        indexes: ClassVar = [
            models.Index(fields=["account", "-created_at", "-id"], name="token_by_time"),
            models.Index(fields=["account", "user", "-created_at", "-id"], name="token_by_user"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def has_lost_its_user(self) -> bool:
        """Whether the user is, or was since, deactivated; a token does not come back with them."""
        return not self.user.is_active or self.user.session_epoch != self.user_epoch


class KeptAnswer(models.Model):
    """The answer to a request with an Idempotency-Key, given again for a day to the same request."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    account_id: int
    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, db_constraint=False)
    token_id: int
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    """SHA-256 of what was asked for: method, address and body."""
    lead = models.ForeignKey(Lead, null=True, on_delete=models.CASCADE, db_constraint=False)
    """The lead that the answer shows: with a person who is erased, what was said of them goes (R-083)."""
    status = models.PositiveSmallIntegerField()
    location = models.TextField(blank=True)
    """Header of the answer; "" where it had none."""
    body = models.TextField(blank=True)
    """JSON."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "token", "key"], name="answer_is_kept_once")
        ]
        indexes: ClassVar = [models.Index(fields=["created_at"], name="answer_by_time")]
