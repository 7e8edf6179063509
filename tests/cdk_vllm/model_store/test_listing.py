"""What the store holds is told model by model, with what keeps one from being deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm.embedded_aws.tiny_model import write_tiny_model
from cdk_vllm.model_store import delete_model, push, stored_models

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client


def fill(s3: S3Client, directory: Path, *revisions: str) -> None:
    for revision in revisions:
        push(s3, bucket="models", model="a/b", revision=revision, directory=directory)


def test_models_are_told_apart_by_name_and_revision(s3: S3Client, tmp_path: Path) -> None:
    fill(s3, write_tiny_model(tmp_path), "one", "two")
    s3.put_object(Bucket="models", Key="adapters/chat/x/registered.json", Body=b"{}")
    s3.put_object(Bucket="models", Key="models/stray", Body=b"x")
    found = stored_models(s3, "models")
    assert [(stored.model, stored.revision) for stored in found] == [("a/b", "one"), ("a/b", "two")]
    for stored in found:
        assert set(stored.sizes) == {"config.json", "model.safetensors"}
        assert stored.manifest is not None
        assert stored.size_bytes == stored.manifest.size_bytes
        assert stored.pushed is not None
        assert stored.fault == ""


def test_a_manifest_that_cannot_be_read_is_none(s3: S3Client) -> None:
    s3.put_object(Bucket="models", Key="models/a/b/one/manifest.json", Body=b"{")
    (stored,) = stored_models(s3, "models")
    assert stored.fault == "incomplete: no manifest"


def test_deleting_one_revision_leaves_the_others(s3: S3Client, tmp_path: Path) -> None:
    fill(s3, write_tiny_model(tmp_path), "one", "two")
    first, second = stored_models(s3, "models")
    delete_model(s3, "models", first)
    assert stored_models(s3, "models") == [second]
