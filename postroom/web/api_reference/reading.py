"""The OpenAPI document as a page shows it: operations by what they are about, and their fields."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Value:
    """A parameter, or a field of a body."""

    name: str
    type: str
    description: str
    required: bool = False
    where: str = ""
    """"query", "path" or "header"; "" for a field."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method at one address."""

    name: str
    method: str
    path: str
    description: str
    scope: str
    """"" where any token will do."""
    parameters: Sequence[Value]
    body: Sequence[Value]
    answer: Sequence[Value]
    statuses: Sequence[tuple[str, str]]
    """(status, what it says)."""


def sections(document: Document) -> dict[str, list[Operation]]:
    """The operations by their tag, in the order of the document."""
    found: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            made = _operation(document, path, method, operation)
            found.setdefault(operation["tags"][0], []).append(made)
    return found


def _operation(document: Document, path: str, method: str, said: Mapping[str, Any]) -> Operation:
    good = next(response for status, response in said["responses"].items() if status.startswith("2"))
    return Operation(
        name=said["operationId"],
        method=method.upper(),
        path=path,
        description=said["description"],
        scope=next(iter(said["security"][0]["Bearer"]), ""),
        parameters=[_parameter(document, each) for each in said.get("parameters", [])],
        body=list(_fields(document, _schema(said.get("requestBody", {})))),
        answer=list(_fields(document, _schema(good))),
        statuses=[(status, response["description"]) for status, response in said["responses"].items()],
    )


def _schema(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of what is sent or answered as JSON; empty where nothing is."""
    return message.get("content", {}).get("application/json", {}).get("schema", {})


def _parameter(document: Document, said: Mapping[str, Any]) -> Value:
    return Value(
        said["name"],
        _type(document, said["schema"]),
        said.get("description", ""),
        bool(said.get("required")),
        said["in"],
    )


def _fields(document: Document, schema: Mapping[str, Any], prefix: str = "") -> Iterator[Value]:
    """The fields of an object, and those of the objects inside, by their path."""
    schema = _resolved(document, schema)
    required = schema.get("required", [])
    for name, field in schema.get("properties", {}).items():
        path, described = f"{prefix}{name}", _resolved(document, field)
        said = field.get("description") or described.get("description", "")
        yield Value(path, _type(document, field), said, name in required)
        inner = _resolved(document, described.get("items", {})) if "items" in described else described
        if "properties" in inner:
            yield from _fields(document, inner, f"{path}[]." if "items" in described else f"{path}.")


def _resolved(document: Document, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in schema:
        return schema
    return document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]


def _type(document: Document, schema: Mapping[str, Any]) -> str:
    """In words that a programmer knows."""
    schema = _resolved(document, schema)
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(document, each) for each in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(f'"{value}"' for value in schema["enum"])
    if "const" in schema:
        return f'"{schema["const"]}"'
    if schema.get("type") == "array":
        return f"[{_type(document, schema.get('items', {}))}]"
    return schema.get("format") or schema.get("type", "any")
