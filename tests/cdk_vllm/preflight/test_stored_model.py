"""A model in the store is complete as its manifest says, or its faults are named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from cdk_vllm.preflight.stored_model import stored_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdk_vllm.preflight.facts import ModelFact

PREFIX = "models/Qwen/Qwen3-8B/main/"
FILES = {"config.json": b"{}", "model.safetensors": b"weights"}


@pytest.fixture
def s3(client: Callable[[str], Any]) -> Any:
    s3 = client("s3")
    s3.create_bucket(Bucket="models")
    for name, body in FILES.items():
        s3.put_object(Bucket="models", Key=PREFIX + name, Body=body)
    return s3


def put_manifest(s3: Any, body: str | None = None) -> None:
    files = [
        {"name": name, "size_bytes": len(content), "sha256": "0" * 64, "version_id": None}
        for name, content in FILES.items()
    ]
    manifest = {"model": "Qwen/Qwen3-8B", "revision": "main", "part_size_bytes": 1, "files": files}
    s3.put_object(Bucket="models", Key=PREFIX + "manifest.json", Body=body or json.dumps(manifest))


def look(s3: Any) -> ModelFact:
    return stored_model(s3, bucket="models", model="Qwen/Qwen3-8B", revision="main")


def test_a_whole_model_has_no_fault(s3: Any) -> None:
    put_manifest(s3)
    fact = look(s3)
    assert fact.uri == f"s3://models/{PREFIX}"
    assert (fact.files, fact.size_bytes, fact.faults) == (2, 9, ())


def test_without_its_manifest_half_a_model_is_no_model(s3: Any) -> None:
    (fault,) = look(s3).faults
    assert "manifest.json is missing" in fault


@pytest.mark.parametrize("body", ["no JSON", "{}", '{"files": [1]}', '{"files": [{"name": "a"}]}'])
def test_what_is_no_manifest_is_said_to_be_none(s3: Any, body: str) -> None:
    put_manifest(s3, body)
    assert look(s3).faults == ("manifest.json is not a manifest",)


def test_a_manifest_of_nothing_is_a_fault(s3: Any) -> None:
    put_manifest(s3, '{"files": []}')
    assert "manifest.json names no file" in look(s3).faults


def test_missing_changed_and_stray_files_are_named(s3: Any) -> None:
    put_manifest(s3)
    s3.delete_object(Bucket="models", Key=PREFIX + "config.json")
    s3.put_object(Bucket="models", Key=PREFIX + "model.safetensors", Body=b"other weights")
    s3.put_object(Bucket="models", Key=PREFIX + "old.safetensors", Body=b"")
    s3.put_object(Bucket="models", Key=PREFIX + "notes.md", Body=b"")
    assert look(s3).faults == (
        "config.json is missing",
        "model.safetensors has 13 bytes instead of 7",
        "old.safetensors lies there and belongs to no model",
    )


def test_what_may_not_be_read_is_left_to_the_caller(s3: Any) -> None:
    with pytest.raises(ClientError, match="NoSuchBucket"):
        stored_model(s3, bucket="another", model="a/b", revision="main")
