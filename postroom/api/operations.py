"""How an operation is declared: its name, the scope it needs, and every answer it may give."""

from collections.abc import Collection
from typing import Any

from pydantic import BaseModel

from postroom.api.auth import Bearer
from postroom.api.scopes import Scope
from postroom.api.shapes import ProblemShown


def operation(
    name: str,
    scope: Scope | None,
    shows: type[BaseModel] | None,
    *,
    status: int = 200,
    problems: Collection[int] = (),
    **more: Any,
) -> dict[str, Any]:
    """The arguments of a route. ``problems`` are those besides what any operation may answer."""
    return {
        "operation_id": name,
        "url_name": name,
        "by_alias": True,
        "auth": Bearer(scope),
        "response": {status: shows, **dict.fromkeys(sorted(problems), ProblemShown)},
        "openapi_extra": {"x-scope": scope.value if scope else "", **more},
    }
