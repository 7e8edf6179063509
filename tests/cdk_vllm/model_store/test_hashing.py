"""One reading gives the hash that people compare and the checksum that S3 keeps."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from boto3.s3.transfer import TransferConfig
from hypothesis import given
from hypothesis import strategies as st

from cdk_vllm.model_store.hashing import (
    MOST_PARTS,
    PART_SIZE_BYTES,
    hash_file,
    hash_stream,
    part_size_for,
)

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

# S3 takes no smaller part than this, but the last.
PART = 5 * 2**20


@pytest.mark.parametrize(
    ("size", "parts"), [(0, 0), (1, 0), (PART - 1, 0), (PART, 1), (PART + 1, 2), (2 * PART, 2)]
)
def test_the_checksum_is_the_one_s3_keeps_of_the_upload(
    s3: S3Client, tmp_path: Path, size: int, parts: int
) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(251)) * (size // 251 + 1))
    with path.open("r+b") as file:
        file.truncate(size)
    hashes = hash_file(path, PART)
    s3.upload_file(
        str(path),
        "models",
        "file",
        ExtraArgs={"ChecksumAlgorithm": "SHA256"},
        Config=TransferConfig(multipart_threshold=PART, multipart_chunksize=PART),
    )
    stored = s3.head_object(Bucket="models", Key="file", ChecksumMode="ENABLED")
    assert stored["ChecksumSHA256"] == hashes.checksum_sha256
    assert hashes.checksum_sha256.endswith(f"-{parts}") is bool(parts)
    assert hashes.size_bytes == size
    assert hashes.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


class Dribble:
    """A stream that gives less than it is asked for, as a network does."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def read(self, size: int, /) -> bytes:
        given, self.content = self.content[: min(size, 7)], self.content[min(size, 7) :]
        return given


@given(st.binary(max_size=200), st.integers(1, 50))
def test_how_a_stream_arrives_does_not_matter(content: bytes, part: int) -> None:
    seen: list[int] = []
    hashes = hash_stream(Dribble(content), part, seen.append)
    assert hashes.sha256 == hashlib.sha256(content).hexdigest()
    assert hashes.size_bytes == len(content) == sum(seen)
    parts = hashes.checksum_sha256.partition("-")[2]
    assert parts == (str(-(-len(content) // part)) if len(content) >= part else "")


@pytest.mark.parametrize(
    ("largest", "size"),
    [
        (1, PART_SIZE_BYTES),
        (MOST_PARTS * PART_SIZE_BYTES, PART_SIZE_BYTES),
        (MOST_PARTS * PART_SIZE_BYTES + 1, 2 * PART_SIZE_BYTES),
    ],
)
def test_parts_grow_only_where_s3_would_count_too_many(largest: int, size: int) -> None:
    assert part_size_for(largest) == size
