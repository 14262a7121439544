"""Reading LeadSquared's JSON: samples are all that documents its shape, so nothing is relied on blindly."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

from postroom.mail.charsets import storable

Row = Mapping[str, object]


def rows(value: object, *names: str) -> list[Row]:
    """The list of objects that an answer is, or has under one of these names; the rest is left out."""
    found = value
    if isinstance(value, dict):
        held = cast("Row", value)
        found = next((held[name] for name in names if isinstance(held.get(name), list)), [])
    if not isinstance(found, list):
        return []
    return [cast("Row", each) for each in cast("list[object]", found) if isinstance(each, dict)]


def text(row: Row, *names: str) -> str:
    """The first of these that is there, as text that can be stored; "" where none is."""
    for name in names:
        value = row.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return storable(str(value)).strip()
    return ""


def number(row: Row, *names: str) -> int | None:
    """The first of these that is a whole number, or its digits."""
    for name in names:
        word = text(row, name)
        if word.isascii() and word.isdigit() and len(word) < 18:
            return int(word)
    return None


def child(value: object, name: str) -> Row:
    """The object under ``name``; empty where there is none."""
    found = cast("Row", value).get(name) if isinstance(value, dict) else None
    return cast("Row", found) if isinstance(found, dict) else {}


def flat(row: Row) -> dict[str, str]:
    """A lead's fields by schema name, whether they come as such ("Search Leads by Criteria") or as pairs of
    attribute and value ("Get Leads by Date Range"); without the empty ones."""
    pairs = rows(row.get("LeadPropertyList"))
    named = {text(pair, "Attribute"): pair.get("Value") for pair in pairs} if pairs else dict(row)
    return {name: word for name, value in named.items() if (word := text({"": value}, ""))}


def moment(words: str) -> datetime | None:
    """A time in UTC, such as ``2026-02-12 10:37:52.000``; None where it is none."""
    try:
        return datetime.fromisoformat(words.replace(" ", "T")).replace(tzinfo=UTC)
    except ValueError:
        return None


def stamp(at: datetime) -> str:
    """A time as LeadSquared takes it: UTC, to the second ("Overview", Date and Time Format)."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
