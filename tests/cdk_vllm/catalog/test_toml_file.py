"""A file is parsed once."""

from __future__ import annotations

from cdk_vllm.catalog.toml_file import read


def test_a_file_is_parsed_once() -> None:
    assert read("regions.toml") is read("regions.toml")
