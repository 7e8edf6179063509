"""A manifest survives being stored, and nothing else passes for one."""

from __future__ import annotations

import json

import pytest

from cdk_vllm.model_store import Manifest, ManifestFile

FILES = (
    ManifestFile("config.json", 2, "ab" * 32, "checksum=", "version-1"),
    ManifestFile("model.safetensors", 70, "cd" * 32, "checksum=-2", None),
)
MANIFEST = Manifest("a/b", "main", 64, FILES)


def test_it_is_read_back_as_it_was_written() -> None:
    assert Manifest.from_json(MANIFEST.to_json()) == MANIFEST
    assert MANIFEST.size_bytes == 72


def test_keys_of_a_later_version_are_left_out() -> None:
    data = json.loads(MANIFEST.to_json())
    data["signature"] = "x"
    data["files"][0]["owner"] = "y"
    assert Manifest.from_json(json.dumps(data)) == MANIFEST


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"files": 1}', '{"files": [{}]}', '{"files": []}', '{"files": [1]}', "null"],
)
def test_anything_else_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Manifest.from_json(text)
