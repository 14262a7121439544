"""Times, ids and field values as LeadSquared writes them.

Source: the pages' notes, "The supported DateTime format is UTC (YYYY-MM-DD HH:MM:SS)", and their samples:
leads carry milliseconds (``2022-05-12 10:10:41.000``), activities do not.
"""

import re
from datetime import UTC, datetime
from random import Random
from uuid import UUID

from . import errors

_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,3})?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")


def stamp(moment: float) -> str:
    """``moment`` in seconds since the epoch, as an activity shows it."""
    return datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%d %H:%M:%S")


def lead_stamp(moment: float) -> str:
    """As a lead shows it."""
    return stamp(moment) + ".000"


def read_stamp(text: object, field: str) -> float:
    """Seconds since the epoch. Raises ``LsqError`` for another format, the ISO one with a T included."""
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        raise errors.invalid_value(field, "the format is YYYY-MM-DD HH:MM:SS, in UTC")
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise errors.invalid_value(field, "there is no such time") from None


def guid(random: Random) -> str:
    return str(UUID(int=random.getrandbits(128), version=4))


def read_guid(text: object, field: str) -> str:
    """In lower case. Raises ``LsqError``."""
    try:
        return str(UUID(str(text)))
    except ValueError:
        raise errors.invalid_value(field, "not an id") from None


def read_int(value: object, field: str) -> int:
    """A number, or one in a string, as some samples have it. Raises ``LsqError``."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lstrip("-").isdecimal():
        return int(value)
    raise errors.invalid_value(field, "not a number")


def check(value: str, data_type: str, most: int, field: str) -> None:
    """Whether a value that is not empty fits its field's type and length. Raises ``LsqError``."""
    if most and len(value) > most:
        raise errors.invalid_value(field, f"longer than {most} characters")
    if data_type == "Email" and not _ADDRESS.fullmatch(value):
        raise errors.invalid_value(field, "not an email address")
    if data_type == "Number" and not NUMBER.fullmatch(value):
        raise errors.invalid_value(field, "not a number")
    if data_type in {"Date", "DateTime"} and not _DATE.fullmatch(value):
        read_stamp(value, field)
    if data_type == "Boolean" and value.lower() not in {"0", "1", "true", "false", "yes", "no"}:
        raise errors.invalid_value(field, "neither true nor false")
