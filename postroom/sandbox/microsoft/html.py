"""Fills this sandbox's HTML templates; what all sandboxes show alike is taken from Google's."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from html import escape
from pathlib import Path
from string import Template

from ..google import html as common
from ..google.html import Markup

_FOLDER = Path(__file__).parent / "templates"
_COMMON = Path(common.__file__).parent / "templates"


def render(name: str, /, **values: str) -> Markup:
    """The template ``name`` with its ``$values``, each escaped unless it is ``Markup``."""
    safe = {key: value if isinstance(value, Markup) else escape(value) for key, value in values.items()}
    return Markup(_template(f"{name}.html").substitute(safe, style=_template("style.css").template))


def render_each(name: str, rows: Iterable[Mapping[str, str]]) -> Markup:
    """One after the other, the template for each row."""
    return Markup("".join(render(name, **row) for row in rows))


@lru_cache
def _template(file: str) -> Template:
    own = _FOLDER / file
    return Template((own if own.exists() else _COMMON / file).read_text("utf-8"))
