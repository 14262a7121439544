"""What the values that come and go have in common."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


class Shown(BaseModel):
    """Part of an answer."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Given(BaseModel):
    """Part of a request: nothing unknown in it, and nothing of another type than said."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


class ProblemShown(Shown):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: dict[str, list[str]]
    """Sentences by the field that they are about."""


def _moment(value: object) -> datetime:
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise ValueError("Give a time with its offset as in RFC 3339, such as 2026-05-04T10:00:00Z")
    # A leap second is the first of the next minute to everything here.
    moment = datetime.fromisoformat(re.sub(r":60(?=[.Zz+-])", ":59", value.upper()))
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return moment.replace(tzinfo=UTC)


Moment = Annotated[
    datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})
]
"""A time of a query, in UTC."""


class Named(Shown):
    """Somebody on a mail."""

    address: str
    name: str


def named(pairs: Any) -> list[Named]:
    """From ``StoredMessage``'s [[address, display name], …]."""
    return [Named(address=address, name=name) for address, name in pairs]
