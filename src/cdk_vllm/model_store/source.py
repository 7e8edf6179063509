"""Where a pushed file comes from: a directory here, or a hub."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdk_vllm.model_store.selection import engine_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _keep(path: Path) -> None:
    """Leave a file where it lies."""


@dataclass(frozen=True)
class SourceFile:
    """A file to push: `fetch(on_bytes)` brings it onto this machine and returns its path.

    `sha256` is what its origin promises, in hex, where it promises anything; so a file that is in
    the store already is not even fetched. `release` is called once the file is in the store,
    `discard` when it is not what was promised.
    """

    name: str
    size_bytes: int
    fetch: Callable[[Callable[[int], None]], Path]
    sha256: str | None = None
    release: Callable[[Path], None] = _keep
    discard: Callable[[Path], None] = _keep


def directory_files(directory: Path) -> list[SourceFile]:
    """Return a model's files in a directory; raises `InputError` where it is not a model."""
    return [local_file(path) for path in engine_files(directory)]


def local_file(path: Path) -> SourceFile:
    """Return a file of this machine as something to push."""
    return SourceFile(path.name, path.stat().st_size, lambda _on_bytes: path)
