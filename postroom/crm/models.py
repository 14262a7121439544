"""Lead with its fields and addresses, lead source, stored message, activity and attachment; and the work
on them that takes long or can be undone: merges, imports, erasures, removals of a rep's mail.

One mail is stored once (``StoredMessage``) and shows as one ``Activity`` on each lead it concerns
(R-005, R-006); the unique constraints below are what makes that hold.
"""

from typing import ClassVar, Self, cast

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Coalesce, Concat, Lower
from django.utils.translation import gettext_lazy as _

from postroom.crm import lookups as lookups
from postroom.organisations.finding import words_of
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
    TEXT = "text", _("Text")
    EMAIL = "email", _("Email")
    PHONE = "phone", _("Phone")
    NUMBER = "number", _("Number")
    BOOLEAN = "boolean", _("Yes or no")
    DATE = "date", _("Date")
    SELECT = "select", _("Choice")


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
    retired_at = models.DateTimeField(null=True, blank=True)
    """Since when it is offered no more; what leads hold in it stays."""

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
        """Leads whose name, address or company holds every word of ``text``, or whose id it is.

        The first ten words count, for each is one more look at every lead.
        """
        found = self
        for word in words_of(text):
            found = found.filter(models.Q(search__has=word) | models.Q(pk=_id(word)))
        return found

    def with_touch(self) -> Self:
        """With ``touched_at``: when the newest mail came or, without one, when the lead was made."""
        return self.annotate(touched_at=Coalesce("last_activity_at", "created_at"))


def _id(word: str) -> int:
    return int(word) if word.isascii() and word.isdigit() and len(word) < 18 else 0


class Lead(models.Model):
    """A person whom the account sells to."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_index=False)
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
    source_id: int | None
    owner_id: int | None
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
            models.Index(
                models.F("account"),
                Coalesce("last_activity_at", "created_at").desc(),
                models.F("id").desc(),
                name="lead_by_touch",
            ),
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

    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    account_id: int
    key = models.CharField(max_length=320)
    """``Address.key``."""
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="addresses", db_constraint=False)
    lead_id: int
    merge_id: int | None
    field = models.CharField(max_length=50)
    """"email", or a ``LeadField.name``."""
    merge = models.ForeignKey(
        "LeadMerge", null=True, on_delete=models.CASCADE, related_name="addresses", db_constraint=False
    )
    """The merge that brought an address which is no value of this lead's fields (R-083); else None."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "lead", "field"],
                condition=models.Q(merge=None),
                name="one_address_a_field",
            ),
            models.UniqueConstraint(fields=["account", "lead", "field", "merge"], name="one_address_a_merge"),
        ]
        indexes: ClassVar = [models.Index(fields=["account", "key"], name="lead_by_address")]


class StoredMessage(models.Model):
    """A synced mail, once per account however many mailboxes hold it (R-006)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_index=False)
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

    def people(self) -> set[str]:
        """Everyone's address, as far as it is stored."""
        named = [address for address, _name in [*self.to, *self.cc, *self.bcc]]
        return {self.from_address, *named} - {""}


class MessageBody(models.Model):
    """The readable content, apart so that retention can drop it and lists never load it."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    account_id: int
    message = models.OneToOneField(
        StoredMessage, on_delete=models.CASCADE, primary_key=True, related_name="body", db_constraint=False
    )
    text = models.TextField(blank=True)
    html = models.TextField(blank=True)
    preview = models.CharField(max_length=240, blank=True)
    """Its beginning in one line, of what the writer wrote themselves; see ``crm.previews``."""


class MessageCopy(models.Model):
    """A rep's mailbox that holds the mail; the reps an activity shows."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_constraint=False, db_index=False)
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

    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_constraint=False, db_index=False)
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

    Bytes just stored are doomed as well, until a commit names them. The row outlives the bytes by a while,
    so that a pass that stored the same bytes meanwhile can tell that they went (``crm.retention``).
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
    SENT = "email_sent", _("Email Sent")
    RECEIVED = "email_received", _("Email Received")


class Activity(models.Model):
    """One mail on one lead (R-004, R-005)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    account_id: int
    lead_id: int
    message_id: int
    lead = models.ForeignKey(
        Lead, on_delete=models.CASCADE, related_name="activities", db_constraint=False, db_index=False
    )
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
            models.Index(fields=["account", "lead", "-happened_at", "-id"], name="activity_by_lead"),
            models.Index(fields=["account", "-happened_at", "-id"], name="activity_by_time"),
        ]


class LeadMerge(models.Model):
    """That a lead became part of another, and for a time how to undo it (R-083); undoing removes the row."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    account_id: int
    kept_id = models.BigIntegerField()
    """The lead that stayed; it may itself have been merged, or be deleted, since."""
    gone_id = models.BigIntegerField()
    """The lead that went; its links lead to the one that stayed."""
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_constraint=False)
    by_name = models.CharField(max_length=320, blank=True)
    merged_at = models.DateTimeField(auto_now_add=True)
    before = models.JSONField(null=True)
    """Both leads as they were; None once it cannot be undone any more."""
    moved = ArrayField(models.BigIntegerField(), default=list)
    """Ids of the messages whose activities went over."""
    doubled = ArrayField(models.BigIntegerField(), default=list)
    """Ids of the messages that were on both leads."""
    journal = ArrayField(models.BigIntegerField(), default=list)
    """Ids of the journal rows that went over."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "gone_id"], name="lead_goes_once"),
            models.UniqueConstraint(fields=["account", "id"], name="merge_in_account"),
        ]
        indexes: ClassVar = [models.Index(fields=["account", "kept_id"], name="merge_by_kept")]

    @property
    def gone_name(self) -> str:
        """What the lead that went was called, as long as that is kept."""
        gone = (self.before or {}).get("gone", {})
        name = f"{gone.get('first_name', '')} {gone.get('last_name', '')}".strip()
        return name or gone.get("email") or f"Lead {self.gone_id}"


class ImportState(models.TextChoices):
    CHECKING = "checking", _("Being checked")
    CHECKED = "checked", _("Waiting for your go-ahead")
    RUNNING = "running", _("Importing")
    DONE = "done", _("Done")
    CANCELLED = "cancelled", _("Cancelled")
    FAILED = "failed", _("Failed")


class LeadImport(models.Model):
    """A CSV file of leads: first checked, then written once somebody says so (R-082)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    account_id: int
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_constraint=False)
    by_name = models.CharField(max_length=320, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    filename = models.CharField(max_length=255)
    content = models.TextField(blank=True)
    """The file as text; "" once it is done with."""
    separator = models.CharField(max_length=1)
    columns = models.JSONField(default=list)
    """The lead field of each column, "" for one that is left out."""
    source = models.CharField(max_length=200, blank=True)
    """The lead source of new leads whose row names none."""
    state = models.CharField(max_length=10, choices=ImportState, default=ImportState.CHECKING)
    total = models.PositiveIntegerField(default=0)
    """Rows of the file below its header."""
    done = models.PositiveIntegerField(default=0)
    """Rows checked, or written, so far."""
    new = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    examples = models.JSONField(default=list)
    """Some rows with what becomes of them, to look at before the go-ahead."""
    refusals = models.JSONField(default=list)
    """[[line, reason, [cell, …]], …] of the rows that were refused."""
    said = models.TextField(blank=True)
    """Why it failed."""

    class Meta:
        indexes: ClassVar = [models.Index(fields=["account", "-created_at", "-id"], name="import_by_time")]


class Erasure(models.Model):
    """That a person was erased: who did it, when and how much went, without saying who it was (R-083)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    account_id: int
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_constraint=False)
    by_name = models.CharField(max_length=320, blank=True)
    asked_at = models.DateTimeField(auto_now_add=True)
    fingerprints = ArrayField(models.CharField(max_length=64), default=list)
    """Keyed hashes of the person's addresses: whoever has an address can ask whether it was erased."""
    work = models.JSONField(null=True)
    """Whom it concerns, while it is under way; None afterwards."""
    counts = models.JSONField(default=dict)
    """What went so far: leads, mails, files, log rows."""
    total = models.PositiveIntegerField(default=0)
    """Mails to go, as counted at the beginning."""
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["account", "-asked_at", "-id"], name="erasure_by_time")]


class MailRemoval(models.Model):
    """Synced mail of a rep that goes together with the mailbox (R-063)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    account_id: int
    user = models.ForeignKey(User, on_delete=models.CASCADE, db_constraint=False)
    user_id: int
    asked_at = models.DateTimeField(auto_now_add=True)
    last_copy = models.BigIntegerField()
    """The newest ``MessageCopy`` that goes; what is synced after a new connection stays."""
    total = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["account", "user", "-id"], name="removal_by_user")]
