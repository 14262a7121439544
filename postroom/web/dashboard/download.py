"""The log as CSV, written row by row, so that its length costs no memory."""

import csv
from collections.abc import Iterator

from django.db.models import QuerySet
from django.utils import timezone

from postroom.connector.models import JournalEntry, Outcome
from postroom.web.paging import page_of

HEADINGS = (
    *("Time", "Mail of", "User", "Direction", "Subject", "Counterpart", "Lead id", "Lead", "New lead"),
    *("Outcome", "Rule", "Reason", "Setting", "Settings version", "Version of own settings"),
)
BATCH = 1000
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet may take for the beginning of a formula (OWASP, "CSV Injection")."""


class _Line:
    """What ``csv`` writes to: hands each line back."""

    def write(self, line: str) -> str:
        return line


def lines(entries: QuerySet[JournalEntry]) -> Iterator[str]:
    """The file, line by line, newest first; begins with the mark by which spreadsheets know UTF-8."""
    writer = csv.writer(_Line())
    yield "\ufeff" + str(writer.writerow(HEADINGS))
    after = ""
    while True:
        page = page_of(entries, "recorded_at", after, BATCH)
        for entry in page.rows:
            yield str(writer.writerow([harmless(cell) for cell in _cells(entry)]))
        after = page.next
        if not after:
            return


def harmless(cell: str) -> str:
    """The cell as text, whatever it begins with."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _cells(entry: JournalEntry) -> list[str]:
    return [
        timezone.localtime(entry.recorded_at).isoformat(timespec="seconds"),
        timezone.localtime(entry.happened_at).isoformat(timespec="seconds") if entry.happened_at else "",
        entry.user.name,
        entry.direction,
        entry.subject,
        entry.counterpart,
        str(entry.lead_id or ""),
        entry.lead.name if entry.lead else "",
        "yes" if entry.captured else "",
        str(Outcome(entry.outcome).label),
        entry.rule_name,
        entry.reason,
        entry.setting,
        str(entry.settings_version or "defaults"),
        str(entry.rep_settings_version or ""),
    ]
