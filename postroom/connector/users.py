"""What is done to the account's users: change, deactivate, and their yes-or-no fields (R-013, R-016).

Changes of one account come one after the other, each with its line in the audit trail; a user who loses
the right to connect by one has the mailbox paused in the same transaction (R-050).
"""

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, replace
from zoneinfo import available_timezones

from django.db import transaction
from django.db.models import F, Func, QuerySet, Value
from django.utils.text import slugify

from postroom.connector.access import hold, pause_without_access
from postroom.connector.audit import record
from postroom.connector.models import AuditArea
from postroom.errors import PostroomError
from postroom.organisations.models import AccessRule, Account, Purpose, Role, User, UserField

LONGEST_NAME, LONGEST_LABEL, MOST_FIELDS = 200, 100, 50


class UserRefused(PostroomError):
    """This cannot be done to the user."""

    code = "user_refused"

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field
        """What of the user it concerns, such as "manager"; "" for all of it."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What an administrator sets of a user."""

    name: str
    role: Role
    manager: User | None
    time_zone: str


def profile_of(user: User) -> Profile:
    return Profile(user.name, Role(user.role), user.manager, user.time_zone)


@transaction.atomic
def change_user(user: User, profile: Profile, by: User | None) -> int:
    """Give the user this profile, and return how many mailboxes were paused by it.

    Raises ``UserRefused``; nothing is changed then.
    """
    hold(user.account)
    user.refresh_from_db()
    before = _data(profile_of(user))
    checked = checked_profile(user.account, profile, user)
    if user.is_administrator and checked.role is not Role.ADMINISTRATOR:
        _refuse_the_last_administrator(user, "role")
    if before == _data(checked):
        return 0
    user.name, user.role, user.manager = checked.name, checked.role, checked.manager
    user.time_zone = checked.time_zone
    user.save(update_fields=["name", "role", "manager", "time_zone"])
    after = _data(checked)
    record(user.account, by, AuditArea.PEOPLE, f"Changed {user}.", before=before, after=after, about=user)
    return pause_without_access(user.account, by)


@transaction.atomic
def change_own(user: User, name: str, time_zone: str) -> None:
    """What users change of themselves; the rest stays as it is by now. Raises ``UserRefused``."""
    hold(user.account)
    user.refresh_from_db()
    change_user(user, replace(profile_of(user), name=name, time_zone=time_zone), by=user)


@transaction.atomic
def deactivate_user(user: User, by: User | None) -> None:
    """Sign the user out everywhere, for good, and pause the mailbox. Raises ``UserRefused``."""
    hold(user.account)
    user.refresh_from_db()
    if not user.is_active:
        return
    if by and by.pk == user.pk:
        raise UserRefused("You cannot deactivate yourself; another administrator can.")
    _refuse_the_last_administrator(user)
    User.objects.of(user.account).filter(pk=user.pk).update(
        is_active=False, session_epoch=F("session_epoch") + 1
    )
    user.refresh_from_db()
    record(user.account, by, AuditArea.PEOPLE, f"Deactivated {user}.", about=user)
    pause_without_access(user.account, by)


@transaction.atomic
def reactivate_user(user: User, by: User | None) -> None:
    """Let the user sign in again; the mailbox stays paused until its rep resumes it."""
    hold(user.account)
    found = User.objects.of(user.account).filter(pk=user.pk, is_active=False, invited_at=None)
    if found.update(is_active=True):
        record(user.account, by, AuditArea.PEOPLE, f"Activated {user} again.", about=user)
    user.refresh_from_db()


@transaction.atomic
def set_fields(user: User, names: Collection[str], by: User | None, among: Collection[str]) -> int:
    """Of the fields ``among``, those in ``names`` are Yes from now on and the rest No (R-016).

    Returns how many mailboxes were paused by it.
    """
    hold(user.account)
    user.refresh_from_db()
    labels = dict(UserField.objects.filter(account=user.account).values_list("name", "label"))
    settable = set(among) & set(labels)
    before = set(user.yes_fields)
    after = (before - settable) | (set(names) & settable)
    if before == after:
        return 0
    user.yes_fields = sorted(after)
    user.save(update_fields=["yes_fields"])
    said = "; ".join(
        f"{labels.get(name, name)} is {'Yes' if name in after else 'No'}" for name in sorted(before ^ after)
    )
    record(
        user.account,
        by,
        AuditArea.PEOPLE,
        f"Changed the fields of {user}: {said}.",
        before={"yes": sorted(before)},
        after={"yes": sorted(after)},
        about=user,
    )
    return pause_without_access(user.account, by)


@transaction.atomic
def add_field(account: Account, label: str, by: User | None) -> UserField:
    """A new field, No for everyone. Raises ``UserRefused``."""
    hold(account)
    fields = UserField.objects.filter(account=account)
    if fields.count() >= MOST_FIELDS:
        raise UserRefused(f"An account has at most {MOST_FIELDS} user fields. Remove one first.", "label")
    label = _checked_label(fields, label)
    field = UserField.objects.create(account=account, name=_free_name(fields, label), label=label)
    record(account, by, AuditArea.PEOPLE, f"Added the user field {label}.", after={"field": field.name})
    return field


@transaction.atomic
def rename_field(field: UserField, label: str, by: User | None) -> None:
    """Give the field another label; rules and values stay. Raises ``UserRefused``."""
    hold(field.account)
    field.refresh_from_db()
    before = field.label
    others = UserField.objects.filter(account_id=field.account_id).exclude(pk=field.pk)
    field.label = _checked_label(others, label)
    if field.label == before:
        return
    field.save(update_fields=["label"])
    said = f"Renamed the user field {before} to {field.label}."
    record(field.account, by, AuditArea.PEOPLE, said, before={"label": before}, after={"label": field.label})


@transaction.atomic
def remove_field(field: UserField, by: User | None) -> None:
    """Remove the field and every Yes in it. Raises ``UserRefused`` while a rule goes by it."""
    hold(field.account)
    rule = AccessRule.objects.filter(account_id=field.account_id, field=field).first()
    if rule:
        what = Purpose(rule.purpose).label
        raise UserRefused(f"Access to “{what}” goes by this field. Change that first.")
    User.objects.of(field.account).filter(yes_fields__contains=[field.name]).update(
        yes_fields=Func(F("yes_fields"), Value(field.name), function="array_remove")
    )
    record(field.account, by, AuditArea.PEOPLE, f"Removed the user field {field.label}.")
    field.delete()


def possible_managers(account: Account) -> QuerySet[User]:
    """Whom a user can have as manager: those whose role lets them see a team."""
    return User.objects.of(account).filter(role__in=(Role.SALES_MANAGER, Role.ADMINISTRATOR))


def checked_profile(account: Account, profile: Profile, user: User | None) -> Profile:
    """The profile with a tidy name; ``user`` is None for one to come. Raises ``UserRefused``."""
    if profile.time_zone not in available_timezones():
        raise UserRefused("Choose one of the time zones offered.", "time_zone")
    if profile.manager:
        _check_manager(account, profile.manager, user)
    return Profile(tidy(profile.name, "name", LONGEST_NAME), profile.role, profile.manager, profile.time_zone)


def tidy(text: str, field: str, longest: int) -> str:
    """``text`` on one line. Raises ``UserRefused`` where it is empty, too long, or not what it seems."""
    said = unicodedata.normalize("NFC", " ".join(text.split()))
    if not said:
        raise UserRefused("This cannot be empty.", field)
    if len(said) > longest:
        raise UserRefused(f"At most {longest} characters, please.", field)
    if any(unicodedata.category(char) in {"Cc", "Cs"} or char in _DIRECTIONS for char in said):
        raise UserRefused("This holds characters that cannot be seen. Please type it again.", field)
    return said


_DIRECTIONS = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the text around them, and so could disguise a name."""


def _check_manager(account: Account, manager: User, user: User | None) -> None:
    if manager.account_id != account.pk:
        raise UserRefused("Choose one of the people offered.", "manager")
    if user is None:
        return
    if manager.pk == user.pk:
        raise UserRefused("Nobody can be their own manager.", "manager")
    bosses = dict(User.objects.of(account).values_list("pk", "manager_id"))
    seen: set[int] = set()
    above = bosses.get(manager.pk)
    while above is not None and above not in seen:
        if above == user.pk:
            raise UserRefused(
                f"{manager} is in the team of {user.name} already, so cannot be their manager.", "manager"
            )
        seen.add(above)
        above = bosses.get(above)


def _refuse_the_last_administrator(user: User, field: str = "") -> None:
    others = User.objects.of(user.account).filter(role=Role.ADMINISTRATOR, is_active=True)
    if user.is_administrator and not others.exclude(pk=user.pk).exists():
        raise UserRefused(
            f"{user} is the only administrator. Make someone else an administrator first.", field
        )


def _checked_label(others: QuerySet[UserField], label: str) -> str:
    label = tidy(label, "label", LONGEST_LABEL)
    if others.filter(label__iexact=label).exists():
        raise UserRefused(f"There is a user field {label} already.", "label")
    return label


def _free_name(fields: QuerySet[UserField], label: str) -> str:
    """A key made of the label, that no other field has."""
    taken, base = set(fields.values_list("name", flat=True)), slugify(label)[:40].strip("-") or "field"
    numbers = range(2, len(taken) + 3)
    return next(name for name in (base, *(f"{base}-{number}" for number in numbers)) if name not in taken)


def _data(profile: Profile) -> dict[str, object]:
    return {
        "name": profile.name,
        "role": str(profile.role),
        "manager": profile.manager.email if profile.manager else "",
        "time_zone": profile.time_zone,
    }
