"""Fills the sandbox's HTML templates; every value is escaped unless it is markup made here."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from html import escape
from pathlib import Path
from string import Template

_FOLDER = Path(__file__).parent / "templates"


class Markup(str):
    """HTML that is safe already."""

    __slots__ = ()


def render(name: str, /, **values: str) -> Markup:
    """The template ``name`` with its ``$values``; ``$style`` is the common style sheet."""
    safe = {key: value if isinstance(value, Markup) else escape(value) for key, value in values.items()}
    return Markup(_template(f"{name}.html").substitute(safe, style=_template("style.css").template))


def render_each(name: str, rows: Iterable[Mapping[str, str]]) -> Markup:
    """One after the other, the template for each row."""
    return Markup("".join(render(name, **row) for row in rows))


@lru_cache
def _template(file: str) -> Template:
    return Template((_FOLDER / file).read_text("utf-8"))
