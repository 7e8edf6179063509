"""What is generated from the schema is what is committed, and covers every table."""

from __future__ import annotations

import json

from tools import write_reference


def test_the_committed_schema_is_todays() -> None:
    assert write_reference.SCHEMA.read_text(encoding="utf-8") == write_reference.schema_text()


def test_the_committed_reference_is_todays() -> None:
    assert write_reference.REFERENCE.read_text(encoding="utf-8") == write_reference.reference_text()


def test_every_table_has_a_section_and_every_key_a_meaning() -> None:
    text = write_reference.reference_text()
    for title in ("Top level", "`[services.NAME]`", "`[services.NAME.replicas]`", "`[network]`"):
        assert f"## {title}" in text
    for table in json.loads(write_reference.schema_text())["$defs"].values():
        for key, value in table["properties"].items():
            # Where a key's words are its table's, the schema holds them once.
            assert value.get("description") or "$ref" in value, key
