"""Uploads go in parts with checksums, and all of them end together."""

from __future__ import annotations

from concurrent.futures import CancelledError
from typing import TYPE_CHECKING

import pytest

from cdk_vllm.model_store.uploads import Uploads

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

# S3 takes no smaller part than this, but the last.
PART = 5 * 2**20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "file"
    found.write_bytes(bytes(2 * PART + 1))
    return found


def test_a_file_goes_in_parts_and_every_byte_is_told(s3: S3Client, path: Path) -> None:
    seen: list[int] = []
    with Uploads(s3, "models", PART) as uploads:
        uploads.send("key", path, "ab", seen.append)
    found = s3.head_object(Bucket="models", Key="key", ChecksumMode="ENABLED")
    assert found["ETag"].endswith('-3"')
    assert found["ChecksumSHA256"].endswith("-3")
    assert found["Metadata"] == {"sha256": "ab"}
    assert sum(seen) == 2 * PART + 1


def test_after_a_cancel_nothing_begins(s3: S3Client, path: Path) -> None:
    with Uploads(s3, "models", PART) as uploads:
        uploads.cancel()
        with pytest.raises(CancelledError):
            uploads.send("key", path, "ab", lambda _: None)
    assert "Contents" not in s3.list_objects_v2(Bucket="models")


def test_a_cancel_on_the_way_leaves_no_parts(s3: S3Client, path: Path) -> None:
    with Uploads(s3, "models", PART) as uploads, pytest.raises(CancelledError):
        uploads.send("key", path, "ab", lambda _: uploads.cancel())
    assert "Contents" not in s3.list_objects_v2(Bucket="models")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="models")
