"""What the tests of the store share: a bucket with versions, and models to put into it."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from cdk_vllm.embedded_aws import install
from tests.cdk_vllm.loopback_hub import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

    from tests.cdk_vllm.loopback_hub import Hub

BUCKET = "models"


@cache
def _client() -> S3Client:
    """Making a client takes longer than most tests do, and it holds nothing of them."""
    return boto3.client(
        "s3",
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


@pytest.fixture
def s3() -> Iterator[S3Client]:
    """Give a client of an empty S3 with one bucket that keeps versions."""
    install()
    with mock_aws():
        client = _client()
        client.create_bucket(Bucket=BUCKET)
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield client


@pytest.fixture
def repository(hub: Hub) -> Repository:
    """Give the hub a model in two shards, among files that no engine needs."""
    weights = {"a": "model-1.safetensors", "b": "model-2.safetensors"}
    files = {
        "config.json": b'{"architectures": ["Qwen3ForCausalLM"]}',
        "model.safetensors.index.json": json.dumps({"weight_map": weights}).encode(),
        "model-1.safetensors": bytes(range(256)) * 4096,
        "model-2.safetensors": b"second" * 1000,
        "tokenizer.json": b"{}",
        "stray.safetensors": b"stray",
        "consolidated.safetensors": b"again",
        "pytorch_model.bin": b"pickle",
        "model.gguf": b"gguf",
        "onnx/model.onnx": b"onnx",
        "README.md": b"read me",
    }
    found = Repository(files)
    hub.repositories["org/name"] = found
    return found
