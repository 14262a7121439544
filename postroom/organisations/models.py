"""Account, user, role and team (R-013)."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower


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
    ADMINISTRATOR = "administrator", "Administrator"
    SALES_MANAGER = "sales_manager", "Sales Manager"
    MARKETING_USER = "marketing_user", "Marketing User"
    SALES_USER = "sales_user", "Sales User"


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
    is_active = models.BooleanField(default=True)
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

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def is_administrator(self) -> bool:
        return self.role == Role.ADMINISTRATOR

    @property
    def is_manager(self) -> bool:
        return self.role == Role.SALES_MANAGER
