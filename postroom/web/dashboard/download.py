"""The log as CSV, written row by row, so that its length costs no memory.

It is for people and their spreadsheets: columns and values are in the language of whoever downloads it, as on
the page. Times, ids and the names of settings are the same in all; programs read the API.
"""

import csv
from collections.abc import Iterator

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postroom.connector.models import JournalEntry, Outcome
from postroom.crm.csv_file import safe_cell
from postroom.web.paging import page_of
from postroom.web.sentences import told

HEADINGS = (
    *(gettext_lazy("Time"), gettext_lazy("Mail of"), gettext_lazy("User"), gettext_lazy("Direction")),
    *(gettext_lazy("Subject"), gettext_lazy("Counterpart"), gettext_lazy("Lead id"), gettext_lazy("Lead")),
    *(gettext_lazy("New lead"), gettext_lazy("Outcome"), gettext_lazy("Rule"), gettext_lazy("Reason")),
    *(gettext_lazy("Setting"), gettext_lazy("Settings version")),
    gettext_lazy("Version of own settings"),
)
DIRECTIONS = {"sent": gettext_lazy("sent"), "received": gettext_lazy("received")}
BATCH = 1000


class _Line:
    """What ``csv`` writes to: hands each line back."""

    def write(self, line: str) -> str:
        return line


def lines(entries: QuerySet[JournalEntry]) -> Iterator[str]:
    """The file, line by line, newest first; begins with the mark by which spreadsheets know UTF-8."""
    writer = csv.writer(_Line())
    yield "\ufeff" + str(writer.writerow([str(heading) for heading in HEADINGS]))
    after = ""
    while True:
        page = page_of(entries, "recorded_at", after, BATCH)
        for entry in page.rows:
            yield str(writer.writerow([safe_cell(cell) for cell in _cells(entry)]))
        after = page.next
        if not after:
            return


def _cells(entry: JournalEntry) -> list[str]:
    return [
        timezone.localtime(entry.recorded_at).isoformat(timespec="seconds"),
        timezone.localtime(entry.happened_at).isoformat(timespec="seconds") if entry.happened_at else "",
        entry.user.name,
        str(DIRECTIONS.get(entry.direction, entry.direction)),
        entry.subject,
        entry.counterpart,
        str(entry.lead_id or ""),
        entry.lead.name if entry.lead else "",
        _("yes") if entry.captured else "",
        str(Outcome(entry.outcome).label),
        entry.rule_name,
        told(entry.reason),
        entry.setting,
        str(entry.settings_version or _("defaults")),
        str(entry.rep_settings_version or ""),
    ]
