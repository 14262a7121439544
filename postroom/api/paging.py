"""Keyset pages: what is added meanwhile moves nothing from one page to another."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import Annotated, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Field, Schema

from postroom.api.problems import Kinds, Problem

Row = TypeVar("Row", bound=Model)

LARGEST_ID = 2**53 - 1
"""Ids are JSON numbers, which many programs read as doubles."""
Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]


class Paged(Schema):
    """What every list can be asked for."""

    limit: int = Field(50, ge=1, le=200, description="How many items a page has at the most.")
    after: str = Field("", max_length=200, description="`next` of the page before; empty for the first page.")


@dataclass(frozen=True, slots=True)
class Rows(Generic[Row]):
    """One page, and the cursor of the next one; None on the last."""

    rows: Sequence[Row]
    next: str | None


def known_query(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Refuse parameters that the operation does not have: a mistyped filter would show too much."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: object, **values: object) -> HttpResponseBase:
        known = {
            name for value in values.values() if isinstance(value, Paged) for name in type(value).model_fields
        }
        unknown = {name: ["There is no such parameter."] for name in request.GET if name not in known}
        if unknown:
            raise Problem(Kinds.INVALID, errors=unknown)
        return view(request, *args, **values)

    return wrapped


def by_time(rows: QuerySet[Row], by: str, asked: Paged) -> Rows[Row]:
    """Newest first by the time ``by``, then by id. Raises ``Problem`` for a cursor that is none."""
    if asked.after:
        moment, pk = _time_and_id(asked.after)
        rows = rows.filter(**{f"{by}__lte": moment}).exclude(**{by: moment, "pk__gte": pk})
    found = list(rows.order_by(f"-{by}", "-pk")[: asked.limit + 1])
    last = found[asked.limit - 1] if len(found) > asked.limit else None
    return Rows(found[: asked.limit], _packed(f"{getattr(last, by).isoformat()}_{last.pk}") if last else None)


def by_id(rows: QuerySet[Row], asked: Paged) -> Rows[Row]:
    """Oldest id first. Raises ``Problem`` for a cursor that is none."""
    if asked.after:
        rows = rows.filter(pk__gt=_id(_unpacked(asked.after)))
    found = list(rows.order_by("pk")[: asked.limit + 1])
    last = found[asked.limit - 1] if len(found) > asked.limit else None
    return Rows(found[: asked.limit], _packed(str(last.pk)) if last else None)


def _packed(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _unpacked(cursor: str) -> str:
    try:
        return urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)).decode()
    except ValueError as error:
        raise _no_page() from error


def _time_and_id(cursor: str) -> tuple[datetime, int]:
    at, _, pk = _unpacked(cursor).rpartition("_")
    try:
        return datetime.fromisoformat(at).astimezone(UTC), _id(pk)
    except (ValueError, OverflowError) as error:
        raise _no_page() from error


def _id(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise _no_page()
    return int(text)


def _no_page() -> Problem:
    return Problem(Kinds.NOT_FOUND, "There is no such page: `after` is no cursor of this list.")
