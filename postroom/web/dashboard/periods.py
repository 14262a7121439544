"""The days that a dashboard shows, by the viewer's own calendar."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from postroom.connector.journal import FURTHEST_DAYS


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days, the first and the last included, in a time zone."""

    first: date
    last: date
    zone: tzinfo

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    def starts(self) -> list[datetime]:
        """When each day begins, in UTC, and when the last ends.

        A day has 23 or 25 hours where clocks change; one whose midnight is left out begins with the change.
        """
        days = [*self.days, self.last + timedelta(days=1)]
        return [datetime.combine(day, time.min, self.zone).astimezone(UTC) for day in days]


def furthest(today: date) -> date:
    return today - timedelta(days=FURTHEST_DAYS)


def named_period(name: str, today: date, zone: tzinfo) -> Period:
    """Today, Yesterday, Last 7 days or Last 30 days; the latter two end today."""
    back, length = _NAMED[name]
    last = today - timedelta(days=back)
    return Period(last - timedelta(days=length - 1), last, zone)


_NAMED = {"today": (0, 1), "yesterday": (1, 1), "7": (0, 7), "30": (0, 30)}
