"""The manifest of a pushed model: its files with sizes and hashes, written last."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MANIFEST_NAME = "manifest.json"


@dataclass(frozen=True)
class ManifestFile:
    """One file: its name under the prefix, its size in bytes, its SHA-256 in hex."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a complete model consists of; a prefix without one is not a model."""

    model: str
    revision: str
    files: tuple[ManifestFile, ...]

    @property
    def size_bytes(self) -> int:
        """The sum of the files' sizes."""
        return sum(file.size_bytes for file in self.files)

    def to_json(self) -> str:
        """Return the manifest's text, the same for the same files."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Manifest:
        """Read what `to_json` wrote; raises `ValueError` or `KeyError` on anything else."""
        data = json.loads(text)
        files = tuple(ManifestFile(**file) for file in data["files"])
        return cls(model=data["model"], revision=data["revision"], files=files)

    @classmethod
    def of_files(cls, model: str, revision: str, paths: Iterable[Path]) -> Manifest:
        """Hash the files of a model."""
        files = tuple(_entry(path) for path in paths if path.name != MANIFEST_NAME)
        return cls(model=model, revision=revision, files=files)


def _entry(path: Path) -> ManifestFile:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return ManifestFile(name=path.name, size_bytes=path.stat().st_size, sha256=digest)
