"""What the store's commands share: an embedded AWS with a deployed foundation of `dev`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from cdk_vllm.embedded_aws import install

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

REGION = "eu-central-1"
FOUNDATION = {
    "Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "models"}}},
    "Outputs": {
        "ModelBucket": {"Value": {"Ref": "Bucket"}},
        "PushProject": {"Value": "push-models"},
    },
}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give an empty embedded AWS inside the process, and credentials for it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    install()
    with mock_aws():
        yield


@pytest.fixture
def store(aws: None) -> S3Client:
    """Deploy a foundation of the environment `dev` and return a client of its S3."""
    boto3.client("cloudformation", region_name=REGION).create_stack(
        StackName="dev-foundation", TemplateBody=json.dumps(FOUNDATION)
    )
    return boto3.client("s3", region_name=REGION)
