"""TOML as the catalogue writes it."""

from __future__ import annotations

import tomllib

import pytest

from tools.catalog_toml import natural, toml_file, toml_key, toml_value


@pytest.mark.parametrize("value", [True, 3, 0.25, 'a "quoted" word', ["x", 1], {"k": [1.5]}])
def test_a_value_is_read_back(value: object) -> None:
    assert tomllib.loads(f"x = {toml_value(value)}") == {"x": value}


def test_keys_are_quoted_where_they_must() -> None:
    assert (toml_key("g6e"), toml_key("g6e.xlarge")) == ("g6e", '"g6e.xlarge"')


def test_sizes_are_sorted_as_people_count() -> None:
    names = ["g5.12xlarge", "g5.2xlarge", "g5.xlarge", "g4dn.xlarge"]
    assert sorted(names, key=natural) == ["g4dn.xlarge", "g5.xlarge", "g5.2xlarge", "g5.12xlarge"]


def test_a_file_has_comment_head_and_tables() -> None:
    text = toml_file("Why.\nMore.", {"as_of": "2026-01-02"}, {"a/b": {"z": 1, "y": 2}})
    assert text == '# Why.\n# More.\nas_of = "2026-01-02"\n\n[a.b]\ny = 2\nz = 1\n'
