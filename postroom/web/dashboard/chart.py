"""Synced and skipped mail by day, as the coordinates of a small SVG chart."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from postroom.connector.journal import DayCount

HEIGHT, WIDTH, GAP = 100, 20, 4
"""Of the drawing, and of a day's column in it; it is stretched to the page."""


@dataclass(frozen=True, slots=True)
class Column:
    """A day: its counts, and its bars from the bottom up."""

    day: date
    count: DayCount
    x: float
    width: int
    synced_y: float
    synced_height: float
    skipped_y: float
    skipped_height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """``most`` is what a full column stands for."""

    columns: Sequence[Column]
    most: int
    total: DayCount
    width: int
    height: int = HEIGHT


def chart_of(days: Sequence[date], counts: Sequence[DayCount]) -> Chart:
    most = max((count.all for count in counts), default=0)
    columns = [_column(n, day, count, most) for n, (day, count) in enumerate(zip(days, counts, strict=True))]
    total = DayCount(
        sum(count.synced for count in counts),
        sum(count.skipped for count in counts),
        sum(count.set_aside for count in counts),
    )
    return Chart(columns, most, total, max(len(days), 1) * WIDTH)


def _column(n: int, day: date, count: DayCount, most: int) -> Column:
    scale = HEIGHT / most if most else 0
    synced, skipped = round(count.synced * scale, 2), round((count.skipped + count.set_aside) * scale, 2)
    return Column(
        day,
        count,
        x=n * WIDTH + GAP / 2,
        width=WIDTH - GAP,
        synced_y=round(HEIGHT - synced, 2),
        synced_height=synced,
        skipped_y=round(HEIGHT - synced - skipped, 2),
        skipped_height=skipped,
    )
