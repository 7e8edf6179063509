"""What is read from a deployed foundation, or the command that deploys it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from cdk_vllm import environment_file
from cdk_vllm.cli.foundation import aws_errors, model_bucket, output
from cdk_vllm.errors import CdkVllmError, InputError

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from cdk_vllm.environment_file import EnvironmentFile

TEXT = """
region = "eu-central-1"
[services.chat]
backend = "sagemaker"
model = "Qwen/Qwen3-8B"
max_model_len = 4096
"""


@pytest.fixture
def environment(tmp_path: Path) -> EnvironmentFile:
    path = tmp_path / "dev.toml"
    path.write_text(TEXT, encoding="utf-8")
    return environment_file.load(path)


def test_the_bucket_is_an_output_of_the_stack(
    store: S3Client, environment: EnvironmentFile
) -> None:
    assert model_bucket(environment) == "models"


@pytest.mark.usefixtures("aws")
def test_without_a_foundation_the_command_to_run_is_named(environment: EnvironmentFile) -> None:
    with pytest.raises(InputError, match="deploy it first: cdk deploy 'dev/foundation'"):
        model_bucket(environment)


@pytest.mark.usefixtures("aws")
def test_an_older_foundation_has_to_be_deployed_again(environment: EnvironmentFile) -> None:
    template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    boto3.client("cloudformation", region_name="eu-central-1").create_stack(
        StackName="dev-foundation", TemplateBody=json.dumps(template)
    )
    with pytest.raises(InputError, match=r"has no output PushProject; deploy it again: cdk"):
        output(environment, "PushProject")


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutObject"),
        EndpointConnectionError(endpoint_url="https://s3"),
    ],
)
def test_what_aws_refuses_is_one_sentence(error: Exception) -> None:
    with (
        pytest.raises(CdkVllmError, match="AWS refused the push to dev: "),
        aws_errors("the push to dev"),
    ):
        raise error
