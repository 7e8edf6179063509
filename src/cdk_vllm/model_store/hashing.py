"""SHA-256 of a file as people compare it, and as S3 keeps it, from one reading."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PART_SIZE_BYTES = 64 * 2**20
"""The size of an upload's parts; S3 takes 10,000 of them, so 625 GiB in one file."""
MOST_PARTS = 10_000
_READ_BYTES = 2**20


class Readable(Protocol):
    """Anything with `read(size)`: an open file, or the body of an S3 object."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, none at the end."""


@dataclass(frozen=True)
class FileHashes:
    """A file's size, its SHA-256 in hex, and S3's checksum of it (see `ManifestFile`)."""

    size_bytes: int
    sha256: str
    checksum_sha256: str


def part_size_for(largest_bytes: int) -> int:
    """Return the parts' size for files of at most `largest_bytes`.

    >>> part_size_for(50 * 2**30) == PART_SIZE_BYTES
    True
    """
    size = PART_SIZE_BYTES
    while largest_bytes > size * MOST_PARTS:
        size *= 2
    return size


def hash_file(
    path: Path,
    part_size_bytes: int = PART_SIZE_BYTES,
    on_bytes: Callable[[int], None] | None = None,
) -> FileHashes:
    """Return a file's hashes; memory stays flat."""
    with path.open("rb", buffering=0) as stream:
        return hash_stream(stream, part_size_bytes, on_bytes)


def hash_stream(
    stream: Readable, part_size_bytes: int, on_bytes: Callable[[int], None] | None = None
) -> FileHashes:
    """Return the hashes of a stream as its upload in parts of `part_size_bytes` has them.

    A file of at least one part is uploaded in parts, as boto3 does from its threshold on. Source of
    the composite checksum: Amazon S3 User Guide, "Checking object integrity", "Using part-level
    checksums for multipart uploads".
    """
    whole, part, digests = hashlib.sha256(), hashlib.sha256(), []
    size, room = 0, part_size_bytes
    while data := stream.read(min(_READ_BYTES, room)):
        whole.update(data)
        part.update(data)
        size, room = size + len(data), room - len(data)
        if not room:
            digests.append(part.digest())
            part, room = hashlib.sha256(), part_size_bytes
        if on_bytes:
            on_bytes(len(data))
    if not digests:
        return FileHashes(size, whole.hexdigest(), _base64(whole.digest()))
    if room < part_size_bytes:
        digests.append(part.digest())
    composite = _base64(hashlib.sha256(b"".join(digests)).digest())
    return FileHashes(size, whole.hexdigest(), f"{composite}-{len(digests)}")


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
