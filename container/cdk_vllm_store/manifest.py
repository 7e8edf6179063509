"""The manifest of a model or an adapter: its files, their sizes and their hashes."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from .failure import PrepareError

MANIFEST_NAME = "manifest.json"
PICKLES = (".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth")

# No hidden file, no empty part, nothing that leaves the folder.
_NAME = re.compile(r"(?!\.)[\w.+=@ -]+(?:/(?!\.)[\w.+=@ -]+)*", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CHECKSUM = re.compile(r"[A-Za-z0-9+/]{43}=(?:-[1-9][0-9]{0,4})?")


@dataclass(frozen=True)
class ManifestFile:
    """One file: its size in bytes, its SHA-256 in hex, and the checksum and version S3 keeps.

    S3's checksum is base64: the file's SHA-256, or for an object of N parts the SHA-256 of the
    parts' SHA-256s, with `-N` after it. `version_id` is `None` in a bucket without versions.
    """

    name: str
    size_bytes: int
    sha256: str
    checksum_sha256: str
    version_id: str | None

    @property
    def parts(self) -> int | None:
        """The number of parts that S3's checksum is made of, or `None` where it is the file's."""
        _, _, count = self.checksum_sha256.partition("-")
        return int(count) if count else None


@dataclass(frozen=True)
class Manifest:
    """What is complete; a prefix without a manifest is nothing."""

    model: str
    revision: str
    part_size_bytes: int
    files: tuple[ManifestFile, ...]

    @property
    def names(self) -> frozenset[str]:
        """The files' names."""
        return frozenset(file.name for file in self.files)

    @property
    def size_bytes(self) -> int:
        """The sum of the files' sizes."""
        return sum(file.size_bytes for file in self.files)


def parse(text: str | bytes, where: str) -> Manifest:
    """Return the manifest in `text`; raises `PrepareError`, naming `where`, on anything else.

    Keys that are not known are left alone.
    """
    try:
        data = json.loads(text)
        files = tuple(_file(number, entry) for number, entry in enumerate(data["files"]))
        part_size = _positive(data["part_size_bytes"], "part_size_bytes")
        found = Manifest(str(data["model"]), str(data["revision"]), part_size, files)
        _check(found)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise PrepareError(
            f"{where}{MANIFEST_NAME} is not a manifest ({reason}); push again with this release"
        ) from None
    return found


def _file(number: int, entry: dict[str, object]) -> ManifestFile:
    name, version = str(entry["name"]), entry.get("version_id")
    if not _NAME.fullmatch(name) or name == MANIFEST_NAME:
        raise ValueError(f"files[{number}] has the name {name!r}, which is no file of a model")
    return ManifestFile(
        name=name,
        size_bytes=_positive(entry["size_bytes"], f"size_bytes of {name}", least=0),
        sha256=_matching(_SHA256, entry["sha256"], f"sha256 of {name}"),
        checksum_sha256=_matching(
            _CHECKSUM, entry["checksum_sha256"], f"checksum_sha256 of {name}"
        ),
        version_id=None if version is None else str(version),
    )


def _check(manifest: Manifest) -> None:
    if len(manifest.names) != len(manifest.files):
        raise ValueError("a file is named twice")
    for file in manifest.files:
        expected = -(-file.size_bytes // manifest.part_size_bytes)
        if file.parts is not None and file.parts != max(1, expected):
            raise ValueError(f"{file.name} has {file.parts} parts and its size makes {expected}")


def _positive(value: object, what: str, least: int = 1) -> int:
    if not isinstance(value, int) or value < least:
        raise ValueError(f"{what} is {value!r}")
    return value


def _matching(pattern: re.Pattern[str], value: object, what: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f"{what} is {value!r}")
    return value
