"""Fills this sandbox's HTML templates, in the common style of the sandboxes."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from html import escape
from pathlib import Path
from string import Template

from ..google import html as common
from ..google.html import Markup

_FOLDER = Path(__file__).parent / "templates"
_STYLE = Path(common.__file__).parent / "templates" / "style.css"


def render(name: str, /, **values: str) -> Markup:
    """The template ``name`` with its ``$values``, each escaped unless it is ``Markup``."""
    safe = {key: value if isinstance(value, Markup) else escape(value) for key, value in values.items()}
    return Markup(_template(f"{name}.html").substitute(safe, style=_STYLE.read_text("utf-8")))


def render_each(name: str, rows: Iterable[Mapping[str, str]]) -> Markup:
    """One after the other, the template for each row."""
    return Markup("".join(render(name, **row) for row in rows))


@lru_cache
def _template(file: str) -> Template:
    return Template((_FOLDER / file).read_text("utf-8"))
