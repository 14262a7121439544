"""The account's policy as saved: versions that are added, never changed (R-046)."""

from django.db import transaction
from django.db.models import Max

from postroom.connector.models import SettingsVersion
from postroom.organisations.models import Account, User
from postroom.policy.settings import Settings, from_data, to_data


def current_settings(account_id: int) -> Settings:
    """The settings in force; the defaults where none were saved."""
    latest = SettingsVersion.objects.filter(account_id=account_id).order_by("-number").first()
    return from_data(latest.values, latest.number) if latest else Settings()


@transaction.atomic
def save_settings(account: Account, settings: Settings, by: User | None) -> int:
    """Add a version and return its number; saving what is in force already adds none."""
    Account.objects.select_for_update().get(pk=account.pk)
    values = to_data(settings)
    if values == to_data(current_settings(account.pk)):
        return current_settings(account.pk).version
    highest = SettingsVersion.objects.filter(account=account).aggregate(highest=Max("number"))["highest"]
    version = SettingsVersion.objects.create(
        account=account, number=(highest or 0) + 1, values=values, saved_by=by
    )
    return version.number
