"""Manifests that are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.container.conftest import Said
    from tests.container.pushed import Store


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"files": None}, "NoneType"),
        ({"part_size_bytes": 0}, "part_size_bytes is 0"),
        ({"part_size_bytes": "64"}, "part_size_bytes is '64'"),
        ({"part_size_bytes": 2**20}, "has 3 parts and its size makes 11"),
        ({"files": [{"name": "config.json"}]}, "'size_bytes' is missing"),
    ],
)
def test_a_manifest_of_another_form_is_refused(
    said: Said, big_model: Store, change: dict[str, object], why: str
) -> None:
    big_model.put_manifest(**change)
    told = said.refusal("--model", big_model.uri)
    assert told.startswith(f"{big_model.uri}manifest.json is not a manifest (")
    assert why in told


@pytest.mark.parametrize(
    "name", ["../config.json", "/config.json", "a//b", "a/../b", ".hidden", "", "manifest.json"]
)
def test_a_manifest_cannot_name_a_file_elsewhere(
    said: Said, model: Store, tmp_path: Path, name: str
) -> None:
    model.files[0]["name"] = name
    model.put_manifest()
    told = said.refusal("--model", model.uri, "--download-to", tmp_path / "model")
    assert f"files[0] has the name {name!r}, which is no file of a model" in told
    assert not (tmp_path / "model").exists()


def test_a_manifest_names_a_file_once(said: Said, model: Store) -> None:
    model.files.append(model.files[0])
    model.put_manifest()
    assert "a file is named twice" in said.refusal("--model", model.uri)


def test_what_is_no_json_is_no_manifest(said: Said, model: Store) -> None:
    model.s3.put_object(Bucket=model.bucket, Key=model.prefix + "manifest.json", Body=b"{")
    assert "manifest.json is not a manifest (" in said.refusal("--model", model.uri)
