"""Fills the stand-ins' HTML templates; every value is escaped unless it is markup made here."""

from collections.abc import Iterable, Mapping
from functools import cache
from html import escape
from pathlib import Path
from string import Template

_COMMON = Path(__file__).parent / "templates"


class Markup(str):
    """HTML that is safe already."""

    __slots__ = ()


class Templates:
    """The templates of one stand-in's folder; what all show alike lies in the common one."""

    def __init__(self, module: str) -> None:
        """``module``: ``__file__`` of a module beside the folder."""
        self._folder = Path(module).parent / "templates"

    def render(self, name: str, /, **values: str) -> Markup:
        """The template ``name`` with its ``$values``; ``$style`` is the common style sheet."""
        safe = {key: value if isinstance(value, Markup) else escape(value) for key, value in values.items()}
        own = self._folder / f"{name}.html"
        template = _template(own if own.exists() else _COMMON / own.name)
        return Markup(template.substitute(safe, style=_template(_COMMON / "style.css").template))

    def render_each(self, name: str, rows: Iterable[Mapping[str, str]]) -> Markup:
        """One after the other, the template for each row."""
        return Markup("".join(self.render(name, **row) for row in rows))


@cache
def _template(file: Path) -> Template:
    return Template(file.read_text("utf-8"))
