"""A push is complete or not at all, and sends nothing twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from cdk_vllm.embedded_aws.tiny_model import write_tiny_model
from cdk_vllm.model_store import MANIFEST_NAME, Manifest, PushResult, push

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

BUCKET, PREFIX = "models", "models/a/b/main/"


@pytest.fixture
def s3() -> Iterator[S3Client]:
    with mock_aws():
        client = boto3.client(
            "s3",
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        client.create_bucket(Bucket=BUCKET)
        yield client


def pushed(s3: S3Client, directory: Path) -> PushResult:
    return push(s3, bucket=BUCKET, model="a/b", revision="main", directory=directory)


def stored(s3: S3Client) -> set[str]:
    listed = s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return {entry["Key"].removeprefix(PREFIX) for entry in listed}


def test_every_file_arrives_as_the_manifest_says(s3: S3Client, tmp_path: Path) -> None:
    result = pushed(s3, write_tiny_model(tmp_path))
    body = s3.get_object(Bucket=BUCKET, Key=PREFIX + MANIFEST_NAME)["Body"].read()
    assert result.uri == f"s3://{BUCKET}/{PREFIX}"
    assert Manifest.from_json(body) == result.manifest
    assert stored(s3) == {"config.json", "model.safetensors", MANIFEST_NAME}
    for file in result.manifest.files:
        content = s3.get_object(Bucket=BUCKET, Key=PREFIX + file.name)["Body"].read()
        assert len(content) == file.size_bytes


def test_a_second_push_sends_only_what_changed(s3: S3Client, tmp_path: Path) -> None:
    pushed(s3, write_tiny_model(tmp_path))
    assert pushed(s3, tmp_path).sent == ()
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    again = pushed(s3, tmp_path)
    assert again.sent == ("tokenizer.json",)
    assert again.kept == ("config.json", "model.safetensors")


def test_a_file_that_is_gone_leaves_the_store(s3: S3Client, tmp_path: Path) -> None:
    (tmp_path / "extra.safetensors").write_bytes(b"x")
    pushed(s3, write_tiny_model(tmp_path))
    (tmp_path / "extra.safetensors").unlink()
    pushed(s3, tmp_path)
    assert "extra.safetensors" not in stored(s3)


def test_a_push_that_breaks_off_leaves_no_manifest(
    s3: S3Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed(s3, write_tiny_model(tmp_path))
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")

    def cut(*_: object, **__: object) -> None:
        raise ClientError({"Error": {"Code": "SlowDown", "Message": "cut"}}, "PutObject")

    monkeypatch.setattr(s3, "upload_file", cut)
    with pytest.raises(ClientError):
        pushed(s3, tmp_path)
    assert MANIFEST_NAME not in stored(s3)


def test_a_broken_manifest_in_the_store_is_replaced(s3: S3Client, tmp_path: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key=PREFIX + MANIFEST_NAME, Body=b"{")
    assert len(pushed(s3, write_tiny_model(tmp_path)).sent) == 2


def test_progress_adds_up_to_the_size(s3: S3Client, tmp_path: Path) -> None:
    seen: list[int] = []
    result = push(
        s3,
        bucket=BUCKET,
        model="a/b",
        revision="main",
        directory=write_tiny_model(tmp_path),
        on_bytes=seen.append,
    )
    assert sum(seen) == result.manifest.size_bytes
