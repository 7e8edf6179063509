"""A manifest names every file with its size and hash, and survives being stored."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cdk_vllm.model_store import MANIFEST_NAME, Manifest

if TYPE_CHECKING:
    from pathlib import Path


def test_sizes_and_hashes_are_the_files_own(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"weights")
    manifest = Manifest.of_files("a/b", "main", [path, tmp_path / MANIFEST_NAME])
    (file,) = manifest.files
    assert file.size_bytes == manifest.size_bytes == 7
    assert file.sha256 == hashlib.sha256(b"weights").hexdigest()


def test_it_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text("{}", encoding="utf-8")
    manifest = Manifest.of_files("a/b", "main", [path])
    assert Manifest.from_json(manifest.to_json()) == manifest
