"""A directory's files as something to push: they stay where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm.embedded_aws.tiny_model import write_tiny_model
from cdk_vllm.model_store import directory_files

if TYPE_CHECKING:
    from pathlib import Path


def test_a_directorys_files_are_not_moved_or_deleted(tmp_path: Path) -> None:
    for file in directory_files(write_tiny_model(tmp_path)):
        path = file.fetch(lambda _: None)
        file.release(path)
        file.discard(path)
        assert path == tmp_path / file.name
        assert path.stat().st_size == file.size_bytes
        assert file.sha256 is None
