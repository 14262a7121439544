"""OAuth app, settings versions with their audit trail, mailbox, grant, processed mail and journal."""

from datetime import datetime, timedelta
from typing import ClassVar, Self, cast

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from postroom.connector.rule_names import RULES
from postroom.crm.models import Lead, StoredMessage
from postroom.organisations.models import Account, User
from postroom.policy.decision import Rule


class Provider(models.TextChoices):
    GMAIL = "gmail", "Gmail"
    OUTLOOK = "outlook", "Outlook"


class OAuthApp(models.Model):
    """The account's own OAuth client at a provider (R-020); the secret is sealed."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    account_id: int
    provider = models.CharField(max_length=20, choices=Provider)
    client_id = models.CharField(max_length=255)
    sealed_secret = models.BinaryField()
    tenant = models.CharField(max_length=255, blank=True)
    """Of Outlook: the organisation that the client is limited to; "" for any."""
    tested_at = models.DateTimeField(null=True, blank=True)
    """When the provider last said that it knows the client."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "provider"], name="one_app_a_provider")
        ]


class OrganisationAccess(models.Model):
    """What lets Postroom open the organisation's mailboxes at a provider, with no rep signing in."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    account_id: int
    provider = models.CharField(max_length=20, choices=Provider)
    sealed_key = models.BinaryField(default=bytes, blank=True)
    """The key file of a service account, sealed; empty where the permission is the OAuth client's own."""
    name = models.CharField(max_length=255)
    """Who is let in: the service account, or the tenant."""
    name_id = models.CharField(max_length=255)
    """By which the organisation's own console names it."""
    granted_at = models.DateTimeField(auto_now_add=True)
    granted_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+", db_constraint=False
    )
    granted_by_name = models.CharField(max_length=320)
    tested_at = models.DateTimeField(null=True, blank=True)
    """When a mailbox was last opened by it on request."""
    told_at = models.DateTimeField(null=True, blank=True)
    """When the administrators were told that it fails; None while it works."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "provider"], name="one_access_a_provider")
        ]


class SetUp(models.Model):
    """How far the account's set-up has come (R-010); reps connect once it is complete (R-053)."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="set_up")
    account_id: int
    steps = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    """The steps that were saved: values of ``connector.setting_up.Step``."""
    providers = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    """The providers that reps may connect with; mailboxes connected before go on without (R-021)."""
    prepared = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    """The providers whose side was marked as complete: the app is trusted there (R-020)."""
    completed_at = models.DateTimeField(null=True, blank=True)
    """None until *Save & Complete*."""


class SettingsVersion(models.Model):
    """The policy as saved, never changed afterwards; the highest number is in force (R-046)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    account_id: int
    number = models.PositiveIntegerField()
    values = models.JSONField()
    """``policy.settings.to_data`` of the whole settings."""
    saved_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, db_constraint=False)
    saved_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "number"], name="settings_version_is_unique")
        ]


class RepSettingsVersion(models.Model):
    """What a rep added to the policy for the own mailbox; the highest number is in force (R-033, R-038)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    account_id: int
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="settings_versions", db_constraint=False
    )
    user_id: int
    number = models.PositiveIntegerField()
    values = models.JSONField()
    """``policy.settings.rep_to_data`` of the rep's settings."""
    saved_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+", db_constraint=False
    )
    saved_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "user", "number"], name="rep_settings_version_is_unique"
            )
        ]


class SyncStop(models.Model):
    """A time in which the sync of the whole account was switched off (R-051)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    account_id: int
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    """None while the sync is off."""
    skips_missed = models.BooleanField(default=False)
    """Whether mail that came in this time stays out for good, as chosen when the sync went on again."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account"], condition=models.Q(ended_at=None), name="one_stop_at_a_time"
            )
        ]


class AuditArea(models.TextChoices):
    SETTINGS = "settings", _("Settings")
    REP_SETTINGS = "rep_settings", _("A rep's own settings")
    SYNC_SWITCH = "sync_switch", _("Sync for all users")
    MAILBOX = "mailbox", _("Mailbox")
    RETENTION = "retention", _("Retention")
    ACCESS = "access", _("Access")
    PEOPLE = "people", _("People")
    PROVIDER = "provider", _("Provider")
    SET_UP = "set_up", _("Set-up")
    LEADS = "leads", _("Leads")
    DESTINATIONS = "destinations", _("Destinations")
    API_TOKENS = "api_tokens", _("API tokens")


class AuditEntry(models.Model):
    """Who changed what, and how it was before (R-046); rows are added, never changed."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    account_id: int
    at = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_constraint=False)
    """None where Postroom itself, or the command line, acted."""
    by_id: int | None
    by_name = models.CharField(max_length=320, blank=True)
    """Their name at the time, which outlives the user."""
    area = models.CharField(max_length=20, choices=AuditArea)
    about = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+", db_constraint=False
    )
    """Whose mailbox or settings; None where it is about the account."""
    said = models.TextField()
    """What was done, as a sentence."""
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["account", "-at", "-id"], name="audit_by_time")]


class MailboxState(models.TextChoices):
    CONNECTED = "connected", _("Connected, not yet active")
    IMPORTING = "importing", _("Importing")
    ACTIVE = "active", _("Active")
    PAUSED = "paused", _("Paused")
    RECONNECT = "reconnect", _("Reconnect needed")
    DEACTIVATED = "deactivated", _("Deactivated by admin")


SYNCING = (MailboxState.IMPORTING, MailboxState.ACTIVE)


class MailboxQuerySet(models.QuerySet["Mailbox"]):
    def of(self, account: Account) -> Self:
        return self.filter(account=account)

    def syncing(self) -> Self:
        """Mailboxes that sync: not paused, and of no account whose sync is switched off (R-051)."""
        stop = SyncStop.objects.filter(account=models.OuterRef("account"), ended_at=None)
        return self.filter(~models.Exists(stop), state__in=SYNCING)

    def due(self, now: datetime) -> Self:
        """Mailboxes whose next look has come."""
        return self.syncing().filter(next_sync_at__lte=now)

    def watch_expiring(self, before: datetime) -> Self:
        return self.syncing().filter(
            models.Q(watch_expires_at__isnull=True) | models.Q(watch_expires_at__lt=before)
        )


class Mailbox(models.Model):
    """A rep's connected mailbox, and how far its sync has come."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    account_id: int
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="mailbox", db_constraint=False)
    user_id: int
    provider = models.CharField(max_length=20, choices=Provider)
    address = models.CharField(max_length=320)
    address_key = models.CharField(max_length=320)
    aliases = ArrayField(models.CharField(max_length=320), default=list, blank=True)
    """Keys of the rep's other addresses (send-as); never counterparts."""
    state = models.CharField(max_length=20, choices=MailboxState, default=MailboxState.CONNECTED)
    state_reason = models.TextField(blank=True)
    """Why it is in this state, as a sentence for the rep; "" where the state says it all."""
    epoch = models.PositiveIntegerField(default=1)
    """Goes up with every pause, removal, reconnect and switch-off; a pass of an older epoch cannot write."""
    cursor = models.JSONField(null=True)
    """How far the sync has come, in the provider's terms; None before activation."""
    connected_at = models.DateTimeField(auto_now_add=True)
    by_organisation = models.BooleanField(default=False)
    """Whether it is opened by ``OrganisationAccess``, rather than by a grant of its user."""
    connected_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+", db_constraint=False
    )
    """The administrator who connected it for its user; None where its user did."""
    connected_by_id: int | None
    connected_by_name = models.CharField(max_length=320, blank=True)
    """Their name at the time, which outlives the user."""
    activated_at = models.DateTimeField(null=True, blank=True)
    last_sync_at = models.DateTimeField(null=True, blank=True)
    followed_at = models.DateTimeField(null=True, blank=True)
    """When the sync had last read everything there was; what a lost cursor hides is listed from then on."""
    next_sync_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    """Passes in a row that ended in a passing fault; sets the wait before the next."""
    last_error = models.TextField(blank=True)
    watch_expires_at = models.DateTimeField(null=True, blank=True)
    synced_count = models.PositiveBigIntegerField(default=0)
    skipped_count = models.PositiveBigIntegerField(default=0)
    import_total = models.PositiveIntegerField(null=True, blank=True)
    """The provider's estimate of mails to import; None when there is no import."""
    import_done = models.PositiveIntegerField(default=0)

    objects = cast("MailboxQuerySet", MailboxQuerySet.as_manager())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "provider", "address_key"], name="mailbox_is_unique"),
            models.UniqueConstraint(fields=["account", "id"], name="mailbox_in_account"),
            models.CheckConstraint(
                condition=models.Q(by_organisation=False) | ~models.Q(connected_by_name=""),
                name="who_connected_is_named",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["next_sync_at"], condition=models.Q(state__in=SYNCING), name="mailbox_due"),
            models.Index(fields=["provider", "address_key"], name="mailbox_by_address"),
        ]

    def __str__(self) -> str:
        return self.address

    @property
    def is_syncing(self) -> bool:
        return self.state in SYNCING

    def retry_delay(self) -> timedelta:
        """How long to wait after ``failures`` failed passes: 5 s, doubling, at most 15 minutes."""
        return timedelta(seconds=min(5 * 2 ** min(self.failures, 10), 900))


class ConnectRun(models.Model):
    """Users whose mailboxes an administrator had connected in one go."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    account_id: int
    provider = models.CharField(max_length=20, choices=Provider)
    import_days = models.PositiveIntegerField(default=0)
    """How far back each mailbox begins."""
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_constraint=False)
    by_name = models.CharField(max_length=320)
    begun_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["account", "id"], name="run_in_account")]


class ItemState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    CONNECTED = "connected", _("Connected")
    REFUSED = "refused", _("Refused")
    REMOVING = "removing", _("Being removed")
    REMOVED = "removed", _("Removed")


class ConnectItem(models.Model):
    """One user of a run, and what came of it."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_index=False)
    account_id: int
    run = models.ForeignKey(
        ConnectRun, on_delete=models.CASCADE, related_name="items", db_constraint=False, db_index=False
    )
    run_id: int
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    user_id: int
    address = models.CharField(max_length=320)
    """As it was entered; the mailbox has the one that the provider gives."""
    state = models.CharField(max_length=10, choices=ItemState, default=ItemState.WAITING)
    reason = models.TextField(blank=True)
    """Why it was refused, as a sentence."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "run", "user"], name="one_item_a_user")
        ]


class Grant(models.Model):
    """The OAuth tokens of a mailbox, sealed; the refresh token outlives the access token."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    account_id: int
    mailbox = models.OneToOneField(
        Mailbox, on_delete=models.CASCADE, related_name="grant", db_constraint=False
    )
    sealed = models.BinaryField()
    """``vault.seal`` of the tokens as JSON."""
    updated_at = models.DateTimeField(auto_now=True)


class ProcessedMail(models.Model):
    """A mail of a mailbox that was decided; the row that makes repeated work harmless (R-007)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    account_id: int
    mailbox = models.ForeignKey(Mailbox, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    """Of one that was removed, until ``connector.sweeping`` has been here; likewise in the journal."""
    provider_id = models.CharField(max_length=255)
    message = models.ForeignKey(StoredMessage, null=True, on_delete=models.SET_NULL, db_constraint=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "mailbox", "provider_id"], name="mail_is_processed_once"
            )
        ]


class Outcome(models.TextChoices):
    SYNCED = "synced", _("Synced")
    SKIPPED = "skipped", _("Skipped")
    SET_ASIDE = "set_aside", _("Set aside")


class JournalEntry(models.Model):
    """A log row for each mail and lead (R-072). Of skipped mail it keeps the rule, never the content."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    account_id: int
    mailbox = models.ForeignKey(Mailbox, null=True, on_delete=models.DO_NOTHING, db_constraint=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    provider_id = models.CharField(max_length=255)
    direction = models.CharField(max_length=10)
    """"sent" or "received"; "" for a mail that could not be read."""
    happened_at = models.DateTimeField(null=True)
    """The mail's own time; None where it could not be read."""
    recorded_at = models.DateTimeField(auto_now_add=True)
    outcome = models.CharField(max_length=10, choices=Outcome)
    rule = models.CharField(max_length=40)
    """``policy.Rule`` that decided."""
    reason = models.TextField()
    """The decision in words."""
    setting = models.CharField(max_length=80, blank=True)
    """The setting that decided, such as "inbound.excluded"; "" where none did."""
    settings_version = models.PositiveIntegerField()
    rep_settings_version = models.PositiveIntegerField(null=True)
    """``RepSettingsVersion.number`` where the rep's own keywords or exclusions took part."""
    subject = models.TextField(blank=True)
    counterpart = models.TextField(blank=True)
    user_id: int
    lead_id: int | None
    lead = models.ForeignKey(Lead, null=True, on_delete=models.SET_NULL, db_constraint=False)
    captured = models.BooleanField(default=False)
    """Whether this mail made the lead."""
    nth = models.PositiveSmallIntegerField(default=0)
    """0 for a mail's first row, 1 and on for its further leads; what counts mails looks at 0."""
    message = models.ForeignKey(StoredMessage, null=True, on_delete=models.SET_NULL, db_constraint=False)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["account", "-recorded_at", "-id"], include=["outcome", "nth"], name="journal_by_time"
            ),
            models.Index(
                fields=["account", "user", "-recorded_at", "-id"],
                include=["outcome", "nth"],
                name="journal_by_user",
            ),
            models.Index(
                fields=["account", "-recorded_at", "-id"],
                include=["user"],
                condition=models.Q(captured=True),
                name="journal_of_captures",
            ),
            GinIndex(
                fields=["subject"],
                opclasses=["gin_trgm_ops"],
                condition=~models.Q(subject=""),
                name="journal_by_subject",
            ),
        ]

    @property
    def rule_name(self) -> str:
        """The rule in a word or two."""
        return str(RULES[Rule(self.rule)]) if self.rule in Rule.__members__.values() else self.rule
