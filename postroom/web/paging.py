"""Keyset pages: newest first, by a time and an id, so that page 1,000 costs no more than page 1."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet
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
    return Rows(found[:size], _cursor(last, lambda row: getattr(row, by)) if last else "")


def _cursor(row: Row, time_of: Callable[[Row], datetime]) -> str:
    return f"{time_of(row).isoformat()}_{row.pk}"


def _parsed(cursor: str) -> tuple[datetime, int]:
    at, _, pk = cursor.rpartition("_")
    try:
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None or not pk.isascii() or not pk.isdigit() or len(pk) > 18:
            raise ValueError
        return moment, int(pk)
    except ValueError as error:
        raise Http404("There is no such page.") from error
