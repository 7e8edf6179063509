"""Writes what is generated from the environment file's schema: its JSON Schema and its reference.

Run `python tools/write_reference.py` after a change to `environment_file.py`; a test holds both.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cdk_vllm.environment_file import EnvironmentFile

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "environments" / "environment.schema.json"
REFERENCE = ROOT / "docs" / "environment-file.md"

INTRODUCTION = """\
# The environment file

One file, `environments/NAME.toml`, is one environment. Unknown keys are refused. Editors that
read JSON Schema complete and check it with
[`environment.schema.json`](../environments/environment.schema.json).

Every service has a plan in `environments/NAME.plan.json`, written by
`cdk-vllm plan environments/NAME.toml --write` and committed. Synth refuses a missing or stale one.

"""


def schema_text() -> str:
    """Return the JSON Schema of an environment file."""
    return json.dumps(EnvironmentFile.model_json_schema(), indent=2) + "\n"


def reference_text() -> str:
    """Return the reference: one section a table, one row a key."""
    schema = EnvironmentFile.model_json_schema()
    defs = schema["$defs"]
    parts = [INTRODUCTION + _section("top level", schema, defs)]
    parts += [_section(title, defs[name], defs) for title, name in _tables(schema)]
    return "\n".join(parts)


def _tables(schema: dict[str, Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []

    def visit(prefix: str, table: dict[str, Any]) -> None:
        for key, value in table["properties"].items():
            nested = value.get("additionalProperties")
            named = isinstance(nested, dict) and "$ref" in nested
            many = "$ref" in value.get("items", {})
            path = f"{prefix}{key}.NAME" if named else f"{prefix}{key}"
            if name := _reference(nested if named else value["items"] if many else value):
                found.append((f"[[{path}]]" if many else f"[{path}]", name))
                visit(f"{path}.", schema["$defs"][name])

    visit("", schema)
    return found


def _reference(value: dict[str, Any]) -> str:
    """Return the name of the table that a value is, or may be."""
    choices = [value, *value.get("anyOf", ())]
    references = [choice["$ref"] for choice in choices if "$ref" in choice]
    return str(references[0]).rpartition("/")[2] if references else ""


def _section(title: str, table: dict[str, Any], defs: dict[str, Any]) -> str:
    heading = f"## `{title}`" if title.startswith("[") else f"## {title.capitalize()}"
    rows = [heading, "", table["description"], ""]
    rows += ["| key | values | default | meaning |", "|---|---|---|---|"]
    required = set(table.get("required", ()))
    for key, value in table["properties"].items():
        default = "required" if key in required else _default(value)
        # A table's own words stand for those of its key, where both are the same.
        meaning = value.get("description") or defs[_reference(value)]["description"]
        words = " ".join(meaning.split())
        rows.append(f"| `{key}` | {_values(value)} | {default} | {words} |")
    return "\n".join(rows) + "\n"


def _default(value: dict[str, Any]) -> str:
    default = value.get("default")
    if default is None or default in ([], {}) or "$ref" in value or "additionalProperties" in value:
        return "-"
    return f"`{json.dumps(default)}`"


def _values(value: dict[str, Any]) -> str:
    if "anyOf" in value:
        return " or ".join(_values(v) for v in value["anyOf"] if v.get("type") != "null")
    if "enum" in value:
        return " or ".join(f"`{json.dumps(item)}`" for item in value["enum"])
    if "$ref" in value or value.get("type") == "object":
        return "table"
    if "$ref" in value.get("items", {}):
        return "tables"
    low, high = value.get("minimum"), value.get("maximum")
    kind = str(value.get("type", "value"))
    return f"{kind}, {low} to {high}" if low is not None and high is not None else kind


if __name__ == "__main__":
    SCHEMA.write_text(schema_text(), encoding="utf-8")
    REFERENCE.write_text(reference_text(), encoding="utf-8")
