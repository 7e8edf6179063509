"""Write the catalogue's TOML: one fact a line, sorted as people count, alike on every run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

CATALOG = Path(__file__).resolve().parent.parent / "src/cdk_vllm/catalog"


def toml_value(value: Any) -> str:
    """Render a string, number, boolean, list or table as one line of TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, list):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    items = ", ".join(f"{toml_key(key)} = {toml_value(item)}" for key, item in value.items())
    return "{ " + items + " }"


def toml_key(key: str) -> str:
    """Render a TOML key, quoted where it is not bare."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def toml_file(comment: str, head: dict[str, Any], tables: dict[str, dict[str, Any]]) -> str:
    """Render a whole file: a comment, the head's keys, then each table with one row per line."""
    lines = [f"# {line}" for line in comment.splitlines()]
    lines += [f"{toml_key(key)} = {toml_value(value)}" for key, value in head.items()]
    for name, rows in tables.items():
        lines += ["", f"[{'.'.join(toml_key(part) for part in name.split('/'))}]"]
        lines += [f"{toml_key(key)} = {toml_value(rows[key])}" for key in sorted(rows, key=natural)]
    return "\n".join(lines) + "\n"


def natural(key: str) -> list[tuple[int, int, str]]:
    """Sort `g5.2xlarge` before `g5.12xlarge`, and `g5.xlarge` before both."""
    key = re.sub(r"(?<=\.)xlarge", "1xlarge", key)
    parts = re.split(r"(\d+)", key)
    return [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in parts]
