"""Destinations, what is to be delivered to them (the outbox), each attempt, and what they call our leads."""

import uuid
from datetime import datetime
from typing import ClassVar, Self, cast

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from postroom.destinations.base import Event
from postroom.organisations.models import Account, User


class DestinationState(models.TextChoices):
    ON = "on", _("On")
    PAUSED = "paused", _("Paused")
    STOPPED = "stopped", _("Stopped")
    """By Postroom: its keys are no longer good, or its settings cannot work."""


class DestinationQuerySet(models.QuerySet["Destination"]):
    def of(self, account: Account) -> Self:
        """Those that were not removed."""
        return self.filter(account=account, removed_at=None)

    def open(self, now: datetime) -> Self:
        """Those that take deliveries now."""
        patient = models.Q(not_before=None) | models.Q(not_before__lte=now)
        return self.filter(patient, state=DestinationState.ON, removed_at=None)


class Destination(models.Model):
    """Where the account's activities and leads are delivered to."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    account_id: int
    kind = models.CharField(max_length=20)
    """A name in ``destinations.registry``."""
    name = models.CharField(max_length=100)
    settings = models.JSONField(default=dict)
    """The kind's own, without secrets. "events", "body" and "attachments" mean the same for all
    kinds: the events it is told (where missing, all that the kind knows), and whether text and files go
    along (where missing, yes)."""
    events = ArrayField(models.CharField(max_length=20), default=list)
    """What is queued for it, as ``settings`` and kind have it; the triggers of the outbox read it."""
    sealed_secrets = models.BinaryField(default=bytes)
    version = models.PositiveIntegerField(default=1)
    """Raised by every save of the settings, so that of two people who change them the second is told."""
    state = models.CharField(max_length=10, choices=DestinationState, default=DestinationState.ON)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+", db_constraint=False
    )
    not_before = models.DateTimeField(null=True, blank=True)
    """It asked for patience until then, or could not be reached."""
    pace = models.JSONField(default=dict)
    """When its latest calls went out, by the name of the limit: what keeps all workers within it."""
    failures = models.PositiveIntegerField(default=0)
    """In a row, of whole calls."""
    failing_since = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    last_delivered_at = models.DateTimeField(null=True, blank=True)
    mirror = models.JSONField(default=dict)
    """How far its leads were read into ours, in the kind's own terms."""
    history = models.JSONField(default=dict)
    """How far earlier activities are queued: ``days``, ``total``, ``done``, and ``after``, the id of the last
    one looked at; ``finished`` once all are. Empty where none were asked for."""
    epoch = models.PositiveIntegerField(default=0)
    """Raised by every drain that begins: one of an earlier epoch sends no more."""
    held_until = models.DateTimeField(null=True, blank=True)
    """Until when the drain under way holds it; None where there is none."""
    told_at = models.DateTimeField(null=True, blank=True)
    """When the administrators were told that it stopped, or has been failing; None while all is well."""
    removed_at = models.DateTimeField(null=True, blank=True)
    """It takes nothing any more, and goes together with its deliveries."""

    objects = cast("DestinationQuerySet", DestinationQuerySet.as_manager())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "name"],
                condition=models.Q(removed_at=None),
                name="destination_name_is_unique",
            ),
            models.UniqueConstraint(fields=["account", "id"], name="destination_in_account"),
        ]

    def __str__(self) -> str:
        return self.name


class RemoteLead(models.Model):
    """What a destination calls one of our leads."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    account_id: int
    destination = models.ForeignKey(
        Destination, on_delete=models.CASCADE, db_constraint=False, db_index=False
    )
    destination_id: int
    lead_id = models.BigIntegerField()
    remote_id = models.CharField(max_length=100)
    modified_at = models.DateTimeField(null=True, blank=True)
    """When it last changed there, as far as was read."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "destination", "remote_id"], name="remote_lead_is_known_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "destination", "lead_id"], name="remote_lead_by_lead")
        ]


class RemoteActivity(models.Model):
    """That a destination has one of our activities, and what it calls it; outlives the delivery's row."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    account_id: int
    destination = models.ForeignKey(
        Destination, on_delete=models.CASCADE, db_constraint=False, db_index=False
    )
    destination_id: int
    activity_id = models.BigIntegerField()
    remote_id = models.CharField(max_length=100, blank=True)
    """"" where the destination does not tell."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "destination", "activity_id"], name="activity_is_remote_once"
            ),
        ]


class DeliveryState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    SENDING = "sending", _("Being sent")
    UNKNOWN = "unknown", _("Sent, answer missing")
    DELIVERED = "delivered", _("Delivered")
    GIVEN_UP = "given_up", _("Given up")
    DROPPED = "dropped", _("Not needed any more")


TO_DO = (DeliveryState.WAITING, DeliveryState.SENDING, DeliveryState.UNKNOWN)


class Delivery(models.Model):
    """One event for one destination; its content is put together when it is sent, and kept nowhere else."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    account_id: int
    destination = models.ForeignKey(
        Destination,
        on_delete=models.CASCADE,
        related_name="deliveries",
        db_constraint=False,
        db_index=False,
    )
    destination_id: int
    key = models.UUIDField(default=uuid.uuid4)
    """``Parcel.key``."""
    event = models.CharField(max_length=20, choices=[(event, event) for event in Event])
    lead_id = models.BigIntegerField()
    """Deliveries of one lead go out in the order of their ids."""
    subject_id = models.BigIntegerField()
    """The activity, or the lead once more: with event and ``nth`` what makes a delivery the same."""
    nth = models.PositiveIntegerField(default=0)
    """Tells repeated changes of one thing apart."""
    gone = models.JSONField(default=dict)
    """``Parcel.gone``."""
    state = models.CharField(max_length=10, choices=DeliveryState, default=DeliveryState.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    remote_id = models.CharField(max_length=100, blank=True)
    said = models.TextField(blank=True)
    """What the last attempt ended with, in words."""
    is_maybe_sent = models.BooleanField(default=False, db_default=False)
    """``Parcel.maybe_sent``: an attempt ended without an answer, and nobody has asked since."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "destination", "event", "subject_id", "lead_id", "nth"],
                name="delivery_is_queued_once",
            ),
            models.UniqueConstraint(fields=["account", "id"], name="delivery_in_account"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["account", "destination", "lead_id", "id"],
                condition=models.Q(state__in=["waiting", "sending", "unknown"]),
                name="delivery_to_do",
            ),
            models.Index(
                fields=["account", "destination", "due_at", "id"],
                condition=models.Q(state__in=["waiting", "unknown"]),
                name="delivery_due",
            ),
            models.Index(
                fields=["account", "destination", "-created_at", "-id"],
                condition=models.Q(state="given_up"),
                name="delivery_given_up",
            ),
            models.Index(fields=["account", "destination", "-created_at", "-id"], name="delivery_by_time"),
            models.Index(fields=["account", "subject_id", "event"], name="delivery_by_subject"),
            models.Index(
                fields=["account", "destination", "lead_id", "-created_at", "-id"], name="delivery_by_lead"
            ),
        ]


class DeliveryAttempt(models.Model):
    """One try of one delivery."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    account_id: int
    delivery = models.ForeignKey(
        Delivery, on_delete=models.CASCADE, related_name="tries", db_constraint=False, db_index=False
    )
    delivery_id: int
    at = models.DateTimeField()
    milliseconds = models.PositiveIntegerField(default=0)
    outcome = models.CharField(max_length=10)
    """``delivered``, ``refused``, ``later`` or ``unknown``."""
    request_id = models.CharField(max_length=100, blank=True)
    said = models.TextField(blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["account", "delivery", "id"], name="attempt_by_delivery")]
