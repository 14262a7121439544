"""What every operation has in common, put into the document that Ninja makes of the code."""

from typing import Any, TypeVar

from postroom.api.door import WITH_BODY
from postroom.api.idempotency import HEADER, PATTERN
from postroom.api.problems import CONTENT_TYPE
from postroom.api.tokens import LIMIT

Document = TypeVar("Document", bound=dict[str, Any])

_SHOWN = {"$ref": "#/components/schemas/ProblemShown"}
_ALWAYS = {
    "401": "No valid token",
    "403": "Scope missing, or not allowed",
    "422": "Values refused",
    "429": "Too many requests",
}
_WITH_BODY = {
    "400": "Malformed request",
    "411": "Length required",
    "413": "Body too large",
    "415": "Not JSON",
}
_ONCE = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Makes a repetition harmless: for a day the same key with the same request is answered"
    " as the first time, and nothing is done again.",
    "schema": {"type": "string", "pattern": PATTERN},
}
_LIMITS = {
    "RateLimit-Policy": {
        "description": f"The limit of the token: {LIMIT} requests a minute.",
        "schema": {"type": "string"},
    },
    "RateLimit": {
        "description": "Requests left (r), and seconds until there are new ones (t).",
        "schema": {"type": "string"},
    },
}
_RETRY = {
    "description": "Seconds to wait.",
    "schema": {"type": "integer"},
}


def finished(document: Document) -> Document:
    """The document with tokens, scopes, limits and problems."""
    document["jsonSchemaDialect"] = "https://spec.openapis.org/oas/3.1/dialect/base"
    document["security"] = [{"Bearer": []}]
    components = document["components"]
    components["headers"] = _LIMITS
    components["securitySchemes"]["Bearer"] |= {"bearerFormat": "prm_…"}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _finish(path, method, operation)
    return document


def _finish(path: str, method: str, operation: dict[str, Any]) -> None:
    scope = operation.pop("x-scope", "")
    operation["security"] = [{"Bearer": [scope] if scope else []}]
    operation["tags"] = [path.split("/")[3]]
    responses = {str(status): said for status, said in operation["responses"].items()}
    common = {**_ALWAYS, **(_WITH_BODY if method.upper() in WITH_BODY else {})}
    if method == "post":
        operation.setdefault("parameters", []).append(_ONCE)
        common |= {"409": "Conflict"}
    for status, said in common.items():
        responses.setdefault(status, {"description": said, "content": {"": {}}})
    for status, response in responses.items():
        if int(status) >= 400:
            response["content"] = {CONTENT_TYPE: {"schema": _SHOWN}}
        if status != "401":
            response["headers"] = {
                **response.get("headers", {}),
                **{name: {"$ref": f"#/components/headers/{name}"} for name in _LIMITS},
                **({"Retry-After": _RETRY} if status == "429" else {}),
            }
    operation["responses"] = dict(sorted(responses.items()))
