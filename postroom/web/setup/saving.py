"""Two people at the same settings: the second who saves is told what the first did, and loses nothing.

A form carries the number of the newest audit entry there was when it was shown. What was changed since is
looked up under the account's lock, in the transaction that saves.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django import forms
from django.db import transaction
from django.db.models import Max

from postroom.connector.access import hold
from postroom.connector.models import AuditArea, AuditEntry
from postroom.connector.policies import current_settings, save_settings
from postroom.connector.stops import Missed
from postroom.errors import PostroomError
from postroom.organisations.models import Account, User
from postroom.policy.problems import Problem
from postroom.policy.settings import Settings
from postroom.web.sentences import told
from postroom.web.setup.words import Line, changes

MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Part:
    """What one page edits: areas of the audit trail, and of the settings the paths that begin so."""

    areas: tuple[AuditArea, ...]
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What someone else did meanwhile."""

    entry: AuditEntry
    lines: Sequence[Line]


class ChangedMeanwhile(PostroomError):
    """Someone else saved these settings meanwhile."""

    code = "settings_changed"

    def __init__(self, found: Sequence[Change]) -> None:
        super().__init__()
        self.changes = found

    def is_all_by(self, user: User) -> bool:
        """Whether nobody else did: the user has the page open twice, or went back to it."""
        return all(change.entry.by_id == user.pk for change in self.changes)


def last_change(account: Account) -> int:
    """The number that a form carries; 0 where nothing was ever changed."""
    return AuditEntry.objects.filter(account=account).aggregate(last=Max("pk"))["last"] or 0


@contextmanager
def saving(account: Account, part: Part, seen: int) -> Iterator[None]:
    """A transaction in which nobody else changes settings. Raises ``ChangedMeanwhile``."""
    with transaction.atomic():
        hold(account)
        if found := _since(account, part, seen):
            raise ChangedMeanwhile(found)
        yield


def save_part(
    account: Account, by: User, change: Callable[[Settings], Settings], missed: Missed = Missed.CATCH_UP
) -> None:
    """Change a part of the settings in force, whatever else of them was changed meanwhile."""
    now = current_settings(account.pk)
    save_settings(account, change(now), by, expected_version=now.version, missed=missed)


def explain(found: Sequence[Problem], form: forms.Form, prefix: str = "") -> None:
    """Put each fault beside the field that it concerns."""
    for problem in found:
        name = _ASKED_AS.get(problem.path, problem.path.removeprefix(prefix))
        form.add_error(name if name in form.fields else None, told(problem.sentence))


_ASKED_AS = {"search_fields": "search_1"}


def _since(account: Account, part: Part, seen: int) -> list[Change]:
    """Newest first; entries of other parts of the settings do not count."""
    rows = AuditEntry.objects.filter(account=account, pk__gt=seen, area__in=part.areas).order_by("-pk")
    found: list[Change] = []
    for entry in rows.iterator(chunk_size=50):
        lines = list(changes(entry, part.paths if entry.area == AuditArea.SETTINGS else ()))
        if lines or entry.area != AuditArea.SETTINGS:
            found.append(Change(entry, lines))
        if len(found) == MOST_SHOWN:
            break
    return found
