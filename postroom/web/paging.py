"""Keyset pages: newest first, by a time and an id, so that page 1,000 costs no more than page 1."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from django.db.models import F, Model, QuerySet
from django.db.models.functions import Lower
from django.http import Http404

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Rows(Generic[Row]):
    """One page, and the cursor of the next one, "" on the last."""

    rows: Sequence[Row]
    next: str


def page_of(rows: QuerySet[Row], by: str, after: str, size: int) -> Rows[Row]:
    """The ``size`` rows that follow the cursor ``after``, by ``by`` and id, descending.

    The cursor is "" for the first page. Raises ``Http404`` for a cursor that is none.
    """
    if after:
        at, pk = _parsed(after)
        rows = rows.filter(**{f"{by}__lte": at}).exclude(**{by: at, "pk__gte": pk})
    found = list(rows.order_by(f"-{by}", "-pk")[: size + 1])
    last = found[size - 1] if len(found) > size else None
    return Rows(found[:size], cursor_of(last, by) if last else "")


def up_to(rows: QuerySet[Row], by: str, cursor: str) -> QuerySet[Row]:
    """All rows before the page that the cursor begins, as ``page_of`` orders them. Raises ``Http404``."""
    at, pk = _parsed(cursor)
    return rows.filter(**{f"{by}__gte": at}).exclude(**{by: at, "pk__lt": pk}).order_by(f"-{by}", "-pk")


def page_by_name(rows: QuerySet[Row], by: str, after: str, size: int, tie: str = "pk") -> Rows[Row]:
    """As ``page_of``, in the order of the text ``by``, whatever its case, then of the id ``tie``."""
    rows = rows.annotate(sorted_by=Lower(by), tied_by=F(tie))
    if after:
        name, _, pk = after.rpartition("_")
        if not pk.isascii() or not pk.isdigit() or len(pk) > 18 or "\x00" in name:
            raise Http404("There is no such page.")
        rows = rows.filter(sorted_by__gte=name).exclude(sorted_by=name, tied_by__lte=int(pk))
    found = list(rows.order_by("sorted_by", "tied_by")[: size + 1])
    last = found[size - 1] if len(found) > size else None
    return Rows(
        found[:size], f"{getattr(last, 'sorted_by', '')}_{getattr(last, 'tied_by', '')}" if last else ""
    )


def cursor_of(row: Model, by: str) -> str:
    """The cursor of the page that follows this row."""
    return f"{getattr(row, by).isoformat()}_{row.pk}"


def _parsed(cursor: str) -> tuple[datetime, int]:
    at, _, pk = cursor.rpartition("_")
    try:
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None or not pk.isascii() or not pk.isdigit() or len(pk) > 18:
            raise ValueError
        # In UTC, for PostgreSQL knows no offset of 16 hours and more.
        return moment.astimezone(UTC), int(pk)
    except (ValueError, OverflowError) as error:
        raise Http404("There is no such page.") from error
