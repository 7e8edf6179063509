"""Whether CloudFormation itself refuses a resource: its published schemas, as cfn-lint ships them.

What is missing, of another type, outside a list of values, a pattern or a range. A function of
CloudFormation may become anything, so it is never refused.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cfnlint

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMAS = Path(cfnlint.__file__).parent / "data" / "schemas"
REGION = "us-east-1"
TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str, int, float, bool),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}
Schema = dict[str, Any]


@cache
def _index() -> dict[str, str]:
    index: dict[str, str] = json.loads((SCHEMAS / "providers" / f"{REGION}.json").read_text())
    return index


@cache
def _schema(resource_type: str) -> Schema:
    file = SCHEMAS / "resources" / f"{_index()[resource_type]}.json"
    schema: Schema = json.loads(file.read_text())
    return schema


def refuses(resource_type: str, properties: dict[str, Any]) -> bool:
    """Tell whether the schema of a resource type refuses some properties."""
    if resource_type not in _index():
        return False
    schema = _schema(resource_type)
    return any(True for _ in _faults(properties, schema, schema))


def _faults(value: Any, schema: Schema, root: Schema) -> Iterator[str]:
    schema = _resolved(schema, root)
    if _is_function(value):
        return
    if not _is_of_type(value, schema.get("type")):
        yield "type"
    elif isinstance(value, dict):
        yield from _table_faults(value, schema, root)
    elif isinstance(value, list):
        if len(value) < schema.get("minItems", 0):
            yield "minItems"
        for item in value:
            yield from _faults(item, schema.get("items", {}), root)
    else:
        yield from _scalar_faults(value, schema)


def _table_faults(value: dict[str, Any], schema: Schema, root: Schema) -> Iterator[str]:
    missing = [name for name in schema.get("required", []) if name not in value]
    yield from missing
    properties = schema.get("properties", {})
    for name, item in value.items():
        if name in properties:
            yield from _faults(item, properties[name], root)
    for key in ("oneOf", "anyOf"):
        choices = [_resolved(choice, root) for choice in schema.get(key, [])]
        asked = [choice["required"] for choice in choices if set(choice) == {"required"}]
        met = any(all(name in value for name in names) for names in asked)
        if asked and len(asked) == len(choices) and not met:
            yield key


def _scalar_faults(value: Any, schema: Schema) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        yield "enum"
    if isinstance(value, str):
        if not _matches(schema.get("pattern"), value):
            yield "pattern"
        if len(value) < schema.get("minLength", 0):
            yield "minLength"
    elif value < schema.get("minimum", value) or value > schema.get("maximum", value):
        yield "range"


@cache
def _matches(pattern: str | None, value: str) -> bool:
    try:
        return pattern is None or re.search(pattern, value) is not None
    except re.error:  # some patterns are Java's
        return True


def _is_of_type(value: Any, wanted: str | list[str] | None) -> bool:
    if wanted is None:
        return True
    names = [wanted] if isinstance(wanted, str) else wanted
    return isinstance(value, tuple(kind for name in names for kind in TYPES.get(name, (object,))))


def _is_function(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and len(value) == 1
        and all(name == "Ref" or name.startswith("Fn::") for name in value)
    )


def _resolved(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema:
        found: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema
