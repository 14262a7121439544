"""Lead with its fields and addresses, lead source, stored message, activity and attachment.

One mail is stored once (``StoredMessage``) and shows as one ``Activity`` on each lead it concerns
(R-005, R-006); the unique constraints below are what makes that hold.
"""

from typing import ClassVar, Self, cast

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Concat, Lower

from postroom.organisations.models import Account, User


class LeadSource(models.Model):
    """Where leads come from; comes into being with the first activity posted with it (R-045)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    account_id: int
    name = models.CharField(max_length=200)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["account", "name"], name="source_is_unique")]

    def __str__(self) -> str:
        return self.name


class FieldType(models.TextChoices):
    TEXT = "text", "Text"
    EMAIL = "email", "Email"
    PHONE = "phone", "Phone"
    NUMBER = "number", "Number"
    BOOLEAN = "boolean", "Yes or no"
    DATE = "date", "Date"
    SELECT = "select", "Choice"


class LeadField(models.Model):
    """A field that the account added to its leads (R-081)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    account_id: int
    name = models.SlugField(max_length=50)
    """Key in ``Lead.custom``; never changes, for settings refer to it (R-044)."""
    label = models.CharField(max_length=100)
    type = models.CharField(max_length=10, choices=FieldType)
    options = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    """What can be chosen, of a field of type ``SELECT``."""
    position = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "name"], name="lead_field_is_unique")
        ]
        ordering: ClassVar = ["position", "id"]

    def __str__(self) -> str:
        return self.label


class LeadQuerySet(models.QuerySet["Lead"]):
    def of(self, account: Account) -> Self:
        return self.filter(account=account)

    def matching(self, text: str) -> Self:
        """Leads whose name, address or company holds every word of ``text``, or whose id it is."""
        found = self
        for word in text.split():
            found = found.filter(models.Q(search__icontains=word) | models.Q(pk=_id(word)))
        return found


def _id(word: str) -> int:
    return int(word) if word.isascii() and word.isdigit() and len(word) < 18 else 0


class Lead(models.Model):
    """A person whom the account sells to."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    account_id: int
    first_name = models.CharField(max_length=200, blank=True)
    last_name = models.CharField(max_length=200, blank=True)
    email = models.CharField(max_length=320, blank=True)
    email_key = models.CharField(max_length=320, blank=True, editable=False)
    """``Address.key`` of ``email``: what incoming mail is matched by."""
    company = models.CharField(max_length=200, blank=True)
    phone = models.CharField(max_length=50, blank=True)
    custom = models.JSONField(default=dict, blank=True)
    """The account's own fields by ``LeadField.name``; written by ``crm.fields.set_values`` only."""
    source = models.ForeignKey(LeadSource, null=True, blank=True, on_delete=models.SET_NULL)
    owner = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, db_constraint=False)
    created_at = models.DateTimeField(auto_now_add=True)
    last_activity_at = models.DateTimeField(null=True, blank=True)
    search = models.GeneratedField(
        expression=Lower(
            Concat(
                "first_name",
                models.Value(" "),
                "last_name",
                models.Value(" "),
                "email",
                models.Value(" "),
                "company",
            )
        ),
        output_field=models.TextField(),
        db_persist=True,
    )

    objects = cast("LeadQuerySet", LeadQuerySet.as_manager())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "email_key"],
                condition=~models.Q(email_key=""),
                name="lead_email_is_unique",
            ),
            models.UniqueConstraint(fields=["account", "id"], name="lead_in_account"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "-last_activity_at", "-id"], name="lead_by_activity"),
            GinIndex(fields=["search"], opclasses=["gin_trgm_ops"], name="lead_search"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.email or f"Lead {self.pk}"


class LeadAddress(models.Model):
    """The index by which mail finds its leads: every address of a lead and the field that holds it (R-044).

    A trigger keeps the rows of the standard email field, ``crm.fields.set_values`` those of the others.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    account_id: int
    key = models.CharField(max_length=320)
    """``Address.key``."""
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="addresses", db_constraint=False)
    lead_id: int
    field = models.CharField(max_length=50)
    """"email", or a ``LeadField.name``."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "lead", "field"], name="one_address_a_field")
        ]
        indexes: ClassVar = [models.Index(fields=["account", "key"], name="lead_by_address")]


class StoredMessage(models.Model):
    """A synced mail, once per account however many mailboxes hold it (R-006)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    account_id: int
    identity = models.CharField(max_length=64)
    """What makes two copies the same mail; see ``policy.identity``."""
    message_id = models.TextField(blank=True)
    conversation = models.CharField(max_length=64, blank=True)
    """The same for every mail of one thread: derived from References and In-Reply-To."""
    happened_at = models.DateTimeField()
    subject = models.TextField(blank=True)
    """"" where the policy leaves the subject out (R-040)."""
    from_address = models.TextField(blank=True)
    from_name = models.TextField(blank=True)
    to = models.JSONField(default=list)
    """[[address, display name], …]; likewise cc and bcc, empty where the policy leaves them out."""
    cc = models.JSONField(default=list)
    bcc = models.JSONField(default=list)
    details = models.JSONField(default=list)
    """Which of cc, bcc, subject, body, attachments were captured; what is not, is shown as left out."""
    content_deleted_at = models.DateTimeField(null=True, blank=True)
    """When body and attachments passed the retention period and were deleted (R-011)."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "identity"], name="message_is_stored_once"),
            models.UniqueConstraint(fields=["account", "id"], name="message_in_account"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "conversation"], name="message_by_conversation"),
            models.Index(
                fields=["account", "happened_at"],
                condition=models.Q(content_deleted_at=None),
                name="message_with_content",
            ),
        ]


class MessageBody(models.Model):
    """The readable content, apart so that retention can drop it and lists never load it."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    account_id: int
    message = models.OneToOneField(
        StoredMessage, on_delete=models.CASCADE, primary_key=True, related_name="body", db_constraint=False
    )
    text = models.TextField(blank=True)
    html = models.TextField(blank=True)


class MessageCopy(models.Model):
    """A rep's mailbox that holds the mail; the reps an activity shows."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    account_id: int
    message = models.ForeignKey(
        StoredMessage, on_delete=models.CASCADE, related_name="copies", db_constraint=False
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, db_constraint=False)
    sent = models.BooleanField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "message", "user"], name="copy_is_unique")
        ]


class Attachment(models.Model):
    """A part of a stored mail: kept in the blob store, or named with the reason why it is not."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    account_id: int
    message = models.ForeignKey(
        StoredMessage, on_delete=models.CASCADE, related_name="attachments", db_constraint=False
    )
    part = models.CharField(max_length=255)
    filename = models.TextField(blank=True)
    content_type = models.CharField(max_length=255, blank=True)
    size = models.BigIntegerField(default=0)
    inline = models.BooleanField(default=False)
    content_id = models.TextField(blank=True)
    blob = models.CharField(max_length=64, blank=True)
    """SHA-256 of the bytes in the blob store; "" where they were not captured."""
    reason = models.TextField(blank=True)
    """Why it was not captured, in words; "" where it was."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "message", "part"], name="part_is_unique")
        ]
        indexes: ClassVar = [models.Index(fields=["account", "blob"], name="attachment_by_blob")]


class DoomedBlob(models.Model):
    """Bytes in the blob store that no attachment names any more; deleted after a day of grace.

    The row outlives the bytes by a while, so that a pass that stored the same bytes meanwhile can tell
    that they went (``crm.retention``).
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    account_id: int
    blob = models.CharField(max_length=64)
    doomed_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "blob"], name="blob_is_doomed_once")
        ]
        indexes: ClassVar = [models.Index(fields=["doomed_at"], name="blob_by_doom")]


class ActivityKind(models.TextChoices):
    SENT = "email_sent", "Email Sent"
    RECEIVED = "email_received", "Email Received"


class Activity(models.Model):
    """One mail on one lead (R-004, R-005)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    account_id: int
    lead_id: int
    message_id: int
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="activities", db_constraint=False)
    message = models.ForeignKey(
        StoredMessage, on_delete=models.CASCADE, related_name="activities", db_constraint=False
    )
    kind = models.CharField(max_length=20, choices=ActivityKind)
    happened_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "lead", "message"], name="activity_is_posted_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "lead", "-happened_at", "-id"], name="activity_by_lead")
        ]
