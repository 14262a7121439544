"""Many rows in one statement, for the commit of a batch.

``bulk_create`` costs Python three times the CPU, most of it for writing arrays of parameters; here the rows
go as one JSON document that PostgreSQL takes apart (``jsonb_to_recordset``).
"""

from collections.abc import Iterable

import orjson
from django.db import DataError, connection
from django.db.models import Field, Model


def insert_rows(rows: Iterable[Model]) -> None:
    """Insert ``rows``, all of one model; those that a unique constraint knows already are left alone.

    Their ids are not filled in. Raises ``DataError`` for values that PostgreSQL cannot hold.
    """
    objects = list(rows)
    if not objects:
        return
    model = type(objects[0])
    fields = _fields(model)
    names = ", ".join(_quoted(field.column) for field in fields)
    kinds = ", ".join(f"{_quoted(field.column)} {field.db_type(connection)}" for field in fields)
    table = _quoted(model._meta.db_table)
    statement = (
        f"insert into {table} ({names}) select {names}"  # noqa: S608 the names are the model's own
        f" from jsonb_to_recordset(%s::jsonb) as row({kinds}) on conflict do nothing"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [_document(objects, fields)])


def _fields(model: type[Model]) -> list["Field[object, object]"]:
    """The columns that an INSERT names: not what the database makes itself."""
    return [
        field
        for field in model._meta.concrete_fields
        if not field.generated and not (field.primary_key and field.db_returning)
    ]


def _document(objects: list[Model], fields: list["Field[object, object]"]) -> str:
    values = [{field.column: field.pre_save(each, True) for field in fields} for each in objects]
    try:
        return orjson.dumps(values).decode()
    except TypeError as error:
        raise DataError(str(error)) from error


def _quoted(name: str | None) -> str:
    return connection.ops.quote_name(name or "")
