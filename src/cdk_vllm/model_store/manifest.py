"""The manifest of a pushed model: its files with sizes and hashes, written last."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

MANIFEST_NAME = "manifest.json"


@dataclass(frozen=True)
class ManifestFile:
    """One file: its name under the prefix, its size in bytes, its hashes, S3's version of it.

    `sha256` is the whole file's, in hex. `checksum_sha256` is what S3 keeps and checks: base64 of
    the same digest, or for an object of several parts base64 of the digest of the parts' digests,
    with `-` and their number. `version_id` is `None` in a bucket without versions.
    """

    name: str
    size_bytes: int
    sha256: str
    checksum_sha256: str
    version_id: str | None = None


@dataclass(frozen=True)
class Manifest:
    """What a complete model consists of; a prefix without one is not a model.

    An adapter has the same form: `model` is its name, `revision` its version.
    """

    model: str
    revision: str
    part_size_bytes: int
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
        """Read what `to_json` wrote, leaving unknown keys out; raises `ValueError` on all else."""
        try:
            data = json.loads(text)
            files = tuple(ManifestFile(**_known(ManifestFile, file)) for file in data["files"])
            return cls(**_known(cls, data) | {"files": files})
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a manifest: {error}") from None


def _known(kind: type, data: dict[str, Any]) -> dict[str, Any]:
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in data.items() if name in names}
