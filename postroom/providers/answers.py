"""Reading the JSON of a provider: its shape is documented, but never trusted.

Everything here raises of ``ProviderError`` only, so that no odd answer ends as a ``KeyError`` far away.
"""

from datetime import UTC, datetime
from typing import cast

import orjson

from postroom.errors import ProviderError, Unavailable

Json = dict[str, object]
"""A JSON object."""

_LARGEST = 2**64 - 1


class Misshapen(ProviderError):
    """The provider's answer is not of the documented shape."""


def read_json(data: bytes) -> Json:
    """The object in ``data``. Raises ``Unavailable`` for what is no JSON: a page of some proxy, or half."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Unavailable("The provider's answer is no JSON, or was cut short.") from error
    return _as_object(value, "answer")


def text(of: Json, name: str, default: str | None = None) -> str:
    """A string; ``default`` where it is missing, which is an error without one."""
    value = of.get(name, default)
    if not isinstance(value, str):
        raise Misshapen(f"The provider's answer has no text as {name}.")
    return value


def number(of: Json, name: str, default: int | None = None) -> int:
    """A whole number of at most 64 bits, or its digits: Google and Microsoft send long ones as text."""
    value = of.get(name, default)
    try:
        found = int(value) if isinstance(value, str) else value
    except ValueError:
        found = None
    if not isinstance(found, int) or isinstance(found, bool) or not -_LARGEST <= found <= _LARGEST:
        raise Misshapen(f"The provider's answer has no number as {name}.")
    return found


def moment(of: Json, name: str, default: int | None = None) -> datetime:
    """A time given in milliseconds since the epoch."""
    try:
        return datetime.fromtimestamp(number(of, name, default) / 1000, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Misshapen(f"The provider's answer has no time as {name}.") from error


def child(of: Json, name: str) -> Json:
    """An object; empty where it is missing."""
    return _as_object(of.get(name) or {}, name)


def objects(of: Json, name: str) -> list[Json]:
    """A list of objects; empty where it is missing, for Google leaves empty lists out."""
    return [_as_object(each, name) for each in _as_list(of.get(name) or [], name)]


def texts(of: Json, name: str) -> list[str]:
    """A list of strings; empty where it is missing."""
    return [text({name: each}, name) for each in _as_list(of.get(name) or [], name)]


def _as_object(value: object, name: str) -> Json:
    if not isinstance(value, dict):
        raise Misshapen(f"The provider's answer has no object as {name}.")
    return cast("Json", value)


def _as_list(value: object, name: str) -> list[object]:
    if not isinstance(value, list):
        raise Misshapen(f"The provider's answer has no list as {name}.")
    return cast("list[object]", value)
