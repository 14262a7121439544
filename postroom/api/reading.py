"""Reading a request's body: JSON that the database can hold."""

import json
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest
from ninja.parser import Parser

from postroom.api.problems import Kinds, Problem

MOST_DEEP = 50
"""Levels of nesting; nothing here has more than a few."""


class JsonParser(Parser):
    """Raises ``Problem`` for what is no JSON, and for text that PostgreSQL cannot hold."""

    def parse_body(self, request: HttpRequest) -> Any:
        try:
            text = request.body.decode()
        except UnicodeDecodeError as error:
            raise Problem(Kinds.INVALID, "The body is not encoded in UTF-8.") from error
        if not text:
            return None
        try:
            data = json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise Problem(Kinds.MALFORMED, "The body is no JSON.") from error
        for part in _texts(data):
            if "\x00" in part or _has_surrogates(part):
                raise Problem(Kinds.INVALID, "A text holds a character that cannot be stored.")
        return data


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON.")


def _texts(data: object, deep: int = 0) -> Iterator[str]:
    if deep > MOST_DEEP:
        raise Problem(Kinds.MALFORMED, f"The body is nested more than {MOST_DEEP} deep.")
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for name, value in data.items():
            yield str(name)
            yield from _texts(value, deep + 1)
    elif isinstance(data, list):
        for value in data:
            yield from _texts(value, deep + 1)


def _has_surrogates(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
