"""Account, user, role and team (R-013), custom user fields (R-016) and access rules (R-012, R-050)."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _


class Account(models.Model):
    """A customer organisation. Every row of every other table belongs to one."""

    name = models.CharField(max_length=200)
    domains = ArrayField(models.CharField(max_length=253), default=list, blank=True)
    """The organisation's own mail domains; a mailbox outside them cannot be connected (R-061)."""
    retention_days = models.PositiveIntegerField(default=365)
    """Days after which bodies and attachments of synced mail are deleted (R-011); 0 keeps them."""
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    ADMINISTRATOR = "administrator", _("Administrator")
    SALES_MANAGER = "sales_manager", _("Sales Manager")
    MARKETING_USER = "marketing_user", _("Marketing User")
    SALES_USER = "sales_user", _("Sales User")


class UserManager(BaseUserManager["User"]):
    def of(self, account: Account) -> models.QuerySet["User"]:
        return self.filter(account=account)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser):
    """A person of the account who signs in; a *rep* when a mailbox is connected."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="users")
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200)
    role = models.CharField(max_length=20, choices=Role, default=Role.SALES_USER)
    manager = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="team")
    time_zone = models.CharField(max_length=64, default="UTC")
    language = models.CharField(max_length=10, blank=True)
    """Of the pages, such as "de"; "" for the browser's."""
    is_active = models.BooleanField(default=True)
    yes_fields = ArrayField(models.SlugField(max_length=50), default=list, blank=True)
    """Names of the ``UserField``s that are Yes for this user (R-016)."""
    invited_at = models.DateTimeField(null=True, blank=True)
    """When the invitation under way was sent; None once it was accepted, and where there was none."""
    session_epoch = models.PositiveIntegerField(default=0)
    """Goes up when the user is deactivated: sessions begun before end for good."""
    created_at = models.DateTimeField(auto_now_add=True)

    account_id: int
    manager_id: int | None

    objects = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride] the base is abstract
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("email"), name="user_email_is_unique"),
            models.UniqueConstraint(fields=["account", "id"], name="user_in_account"),
        ]
        indexes: ClassVar = [models.Index("account", Lower("name"), "id", name="user_by_name")]

    def __str__(self) -> str:
        return self.name or self.email

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a session is bound to: besides the password, the epoch."""
        bound = f"{self.password}:{self.session_epoch}"
        return salted_hmac("postroom.session", bound, secret=secret, algorithm="sha256").hexdigest()

    @property
    def is_administrator(self) -> bool:
        return self.role == Role.ADMINISTRATOR

    @property
    def is_manager(self) -> bool:
        return self.role == Role.SALES_MANAGER


class UserField(models.Model):
    """A yes-or-no field that an administrator added to the account's users (R-016).

    Who has a Yes stands in ``User.yes_fields``, so that asking for it costs no query of its own.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="user_fields")
    account_id: int
    name = models.SlugField(max_length=50)
    """Key in ``User.yes_fields``; never changes, whatever becomes of the label."""
    label = models.CharField(max_length=100)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "name"], name="user_field_is_unique"),
            models.UniqueConstraint(fields=["account", "id"], name="user_field_in_account"),
        ]
        ordering: ClassVar = ["label", "id"]

    def __str__(self) -> str:
        return self.label


class Purpose(models.TextChoices):
    """What a rule gives access to."""

    CONFIGURE = "configure", _("Configure the connector")
    CONNECT = "connect", _("Connect my inbox")


class AccessMode(models.TextChoices):
    """How a rule tells who has access; one way at a time."""

    ROLE = "role", _("By role")
    FIELD = "field", _("By user field")


class AccessRule(models.Model):
    """Who may configure the connector (R-012) or connect a mailbox (R-050), besides the administrators'
    right to configure, which no rule takes away."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="access_rules")
    account_id: int
    purpose = models.CharField(max_length=10, choices=Purpose)
    mode = models.CharField(max_length=10, choices=AccessMode, default=AccessMode.ROLE)
    roles = ArrayField(models.CharField(max_length=20, choices=Role), default=list, blank=True)
    """Of mode ``ROLE``."""
    field = models.ForeignKey(
        UserField, null=True, blank=True, on_delete=models.RESTRICT, related_name="rules", db_constraint=False
    )
    """Of mode ``FIELD``: whoever has a Yes here."""
    field_id: int | None

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "purpose"], name="one_rule_a_purpose"),
            models.CheckConstraint(
                condition=models.Q(mode=AccessMode.ROLE, field=None)
                | models.Q(mode=AccessMode.FIELD, field__isnull=False, roles=[]),
                name="one_access_mode_at_a_time",
            ),
        ]
