"""How text is searched: ``field__has="word"``, whatever the case, by a trigram index where there is one.

Django's own ``icontains`` compares ``UPPER(field)``, for which PostgreSQL has no statistics: it then takes a
word that is everywhere for one that is rare, and the wrong way to find it.
"""

from typing import Any

from django.db.models import CharField, Lookup, TextField
from django.db.models.sql.compiler import SQLCompiler


class Has(Lookup):  # pyright: ignore[reportMissingTypeArgument]
    """``ILIKE '%word%'``; the word is taken literally."""

    lookup_name = "has"

    def get_prep_lookup(self) -> str:
        text = str(self.rhs)
        for special in ("\\", "%", "_"):
            text = text.replace(special, f"\\{special}")
        return f"%{text}%"

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, tuple[Any, ...]]:
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} ILIKE {right}", (*left_params, *right_params)


for field in (CharField, TextField):
    field.register_lookup(Has)
