"""Google's discovery document of the Gmail API, as JSON Schemas and lists of parameters."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator

_STRING_FORMATS = {
    "uint64": {"type": "string", "pattern": r"^\d{1,20}$"},
    "int64": {"type": "string", "pattern": r"^-?\d{1,19}$"},
    "byte": {"type": "string", "pattern": r"^[A-Za-z0-9_-]*={0,2}$"},
}


@cache
def document() -> dict[str, Any]:
    folder = files("googleapiclient.discovery_cache.documents")
    return json.loads(folder.joinpath("gmail.v1.json").read_text("utf-8"))


@cache
def validator(schema: str) -> Draft202012Validator:
    """Strict: a property that the schema does not name is an error."""
    schemas = {name: _convert(value) for name, value in document()["schemas"].items()}
    return Draft202012Validator({"$ref": f"#/$defs/{schema}", "$defs": schemas})


def check(schema: str, answer: Any) -> None:
    validator(schema).validate(answer)


@cache
def methods() -> dict[str, dict[str, Any]]:
    """Every method by its id, such as ``gmail.users.messages.get``."""
    return dict(_methods(document()))


def _methods(resource: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found = [(method["id"], method) for method in resource.get("methods", {}).values()]
    for child in resource.get("resources", {}).values():
        found += _methods(child)
    return found


def _convert(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return {"$ref": f"#/$defs/{schema['$ref']}"}
    if schema.get("type") == "object":
        properties = {name: _convert(value) for name, value in schema.get("properties", {}).items()}
        return {"type": "object", "properties": properties, "additionalProperties": False}
    if schema.get("type") == "array":
        return {"type": "array", "items": _convert(schema["items"]), "minItems": 1}
    if schema.get("type") == "string":
        allowed = {"enum": schema["enum"]} if "enum" in schema else {}
        return _STRING_FORMATS.get(schema.get("format", ""), {"type": "string"}) | allowed
    return {"type": schema["type"]}
