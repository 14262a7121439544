"""The policy as saved: versions that are added, never changed (R-046), the account's and the reps' own."""

from collections.abc import Iterator, Sequence

from django.db import transaction

from postroom.connector.audit import record
from postroom.connector.models import AuditArea, RepSettingsVersion, SettingsVersion
from postroom.connector.stops import Missed, begin_stop, end_stop
from postroom.crm.fields import search_fields
from postroom.errors import PostroomError
from postroom.organisations.models import Account, User
from postroom.policy.problems import Problem, problems, rep_problems
from postroom.policy.settings import (
    EMAIL_FIELD,
    RepSettings,
    Settings,
    effective,
    from_data,
    rep_from_data,
    rep_to_data,
    to_data,
)


class SettingsChanged(PostroomError):
    """Someone else saved these settings meanwhile. Look at what they saved, then save yours again."""

    code = "settings_changed"


class SettingsRefused(PostroomError):
    """These settings cannot be saved."""

    code = "settings_refused"

    def __init__(self, found: Sequence[Problem]) -> None:
        super().__init__(" ".join(problem.sentence for problem in found))
        self.problems = tuple(found)
        """What is wrong, each with the setting it concerns."""


def current_settings(account_id: int) -> Settings:
    """The account's settings in force; the defaults where none were saved."""
    latest = SettingsVersion.objects.filter(account_id=account_id).order_by("-number").first()
    return from_data(latest.values, latest.number) if latest else Settings()


def current_rep_settings(account_id: int, user_id: int) -> RepSettings:
    """What the rep added; nothing where none was saved."""
    saved = RepSettingsVersion.objects.filter(account_id=account_id, user_id=user_id)
    latest = saved.order_by("-number").first()
    return rep_from_data(latest.values, latest.number) if latest else RepSettings()


def effective_settings(account_id: int, user_id: int) -> Settings:
    """The settings in force for a rep: the account's and, as far as it lets them, the rep's own."""
    return joined(current_settings(account_id), current_rep_settings(account_id, user_id))


def joined(settings: Settings, own: RepSettings) -> Settings:
    """``effective``, but the very same value where the rep never added anything."""
    return effective(settings, own) if own.version else settings


def save_settings(
    account: Account,
    settings: Settings,
    by: User | None,
    expected_version: int | None = None,
    missed: Missed = Missed.CATCH_UP,
) -> int:
    """Add a version and return its number; saving what is in force already adds none.

    Raises ``SettingsRefused`` where something is wrong with them. ``expected_version`` is the one that was
    edited: raises ``SettingsChanged`` where it is in force no more. Turning ``sync_disabled`` on stops every
    mailbox in the same transaction (R-051); turning it off takes them up again, and ``missed`` tells what
    becomes of the mail that came meanwhile.
    """
    _refuse([*problems(settings), *_unknown_fields(account, settings)])
    with transaction.atomic():
        # No stronger lock: commits under way check their references to the account when they end.
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        now = current_settings(account.pk)
        if expected_version is not None and expected_version != now.version:
            raise SettingsChanged
        before, after = to_data(now), to_data(settings)
        if before == after:
            return now.version
        SettingsVersion.objects.create(account=account, number=now.version + 1, values=after, saved_by=by)
        said = f"Saved version {now.version + 1} of the settings."
        record(account, by, AuditArea.SETTINGS, said, before=before, after=after)
        if settings.sync_disabled != now.sync_disabled:
            _switch(account, by, off=settings.sync_disabled, missed=missed)
        return now.version + 1


def _refuse(found: Sequence[Problem]) -> None:
    if found:
        raise SettingsRefused(found)


def _unknown_fields(account: Account, settings: Settings) -> Iterator[Problem]:
    """R-044: leads are found by email-type fields that there are."""
    known = {EMAIL_FIELD, *(field.name for field in search_fields(account.pk))}
    for name in settings.search_fields:
        if name not in known:
            yield Problem("search_fields", f"Leads have no email field {name}.")


def _switch(account: Account, by: User | None, *, off: bool, missed: Missed) -> None:
    if off:
        begin_stop(account)
        said = "Switched the sync off for all users."
    else:
        end_stop(account, missed)
        what = "is caught up on" if missed is Missed.CATCH_UP else "is skipped"
        said = f"Switched the sync on again; mail that came meanwhile {what}."
    record(account, by, AuditArea.SYNC_SWITCH, said, before={"off": not off}, after={"off": off})


def save_rep_settings(
    user: User, own: RepSettings, by: User | None, expected_version: int | None = None
) -> int:
    """As ``save_settings``, for what a rep adds. Raises ``SettingsRefused``, ``SettingsChanged``."""
    _refuse(rep_problems(own))
    with transaction.atomic():
        User.objects.of(user.account).select_for_update(no_key=True).get(pk=user.pk)
        now = current_rep_settings(user.account_id, user.pk)
        if expected_version is not None and expected_version != now.version:
            raise SettingsChanged
        before, after = rep_to_data(now), rep_to_data(own)
        if before == after:
            return now.version
        number = now.version + 1
        RepSettingsVersion.objects.create(
            account=user.account, user=user, number=number, values=after, saved_by=by
        )
        said = f"Saved version {number} of {user}'s own settings."
        record(user.account, by, AuditArea.REP_SETTINGS, said, before=before, after=after, about=user)
        return number
