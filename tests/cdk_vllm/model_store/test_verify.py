"""Verifying reads what is there, and finds what S3 would not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm.embedded_aws.tiny_model import write_tiny_model
from cdk_vllm.model_store import push, stored_models, verify

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client


def test_every_byte_is_read_and_a_changed_one_is_named(s3: S3Client, tmp_path: Path) -> None:
    push(s3, bucket="models", model="a/b", revision="r", directory=write_tiny_model(tmp_path))
    seen: list[int] = []
    (stored,) = stored_models(s3, "models")
    assert verify(s3, "models", stored, seen.append) == []
    assert sum(seen) == stored.size_bytes
    key = "models/a/b/r/config.json"
    content = s3.get_object(Bucket="models", Key=key)["Body"].read()
    s3.put_object(Bucket="models", Key=key, Body=b"[" + content[1:])
    (stored,) = stored_models(s3, "models")
    (fault,) = verify(s3, "models", stored)
    assert fault.startswith("config.json has the SHA-256 ")


def test_what_is_incomplete_is_not_read(s3: S3Client, tmp_path: Path) -> None:
    push(s3, bucket="models", model="a/b", revision="r", directory=write_tiny_model(tmp_path))
    s3.delete_object(Bucket="models", Key="models/a/b/r/model.safetensors")
    (stored,) = stored_models(s3, "models")
    assert verify(s3, "models", stored) == ["incomplete: model.safetensors is missing"]
