"""`cdk-vllm status`: what is live, in words and as JSON, and an exit code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from click.testing import CliRunner
from moto import mock_aws

from cdk_vllm.cli.status import command
from cdk_vllm.embedded_aws import install
from cdk_vllm.errors import CdkVllmError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENVIRONMENT = """
region = "us-east-1"
[services.summaries]
backend = "sagemaker"
model = "Qwen/Qwen3-8B"
max_model_len = 4096
max_request_seconds = 60
"""


def template(image: str) -> str:
    variant = {
        "VariantName": "vllm",
        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
        "InstanceType": "ml.g6e.2xlarge",
        "InitialInstanceCount": 1,
    }
    deployment: dict[str, Any] = {
        "RollingUpdatePolicy": {
            "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
            "WaitIntervalInSeconds": 60,
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]},
    }
    resources: dict[str, Any] = {
        "Model": {
            "Type": "AWS::SageMaker::Model",
            "Properties": {
                "ExecutionRoleArn": "arn:aws:iam::123456789012:role/r",
                "PrimaryContainer": {"Image": image},
            },
        },
        "Config": {
            "Type": "AWS::SageMaker::EndpointConfig",
            "Properties": {"ProductionVariants": [variant]},
        },
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {
                "DeploymentConfig": deployment,
                "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
                "EndpointName": "summaries",
            },
        },
    }
    return json.dumps({"Resources": resources})


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    install()
    with mock_aws():
        make: Any = boto3.client
        yield lambda service: make(service, region_name="us-east-1")


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    path = tmp_path / "dev.toml"
    path.write_text(ENVIRONMENT, encoding="utf-8")
    return path


def status(*arguments: object) -> tuple[str, str]:
    """Return what is printed, and the sentence that it ends with, if any."""
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, CdkVllmError):
        raise result.exception
    return result.output, str(result.exception or "")


def test_a_silent_rollback_is_called_by_its_name(client: Any, environment: Path) -> None:
    cloudformation, cloudwatch = client("cloudformation"), client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="errors",
        MetricName="m",
        Namespace="n",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    cloudformation.create_stack(StackName="dev-summaries", TemplateBody=template("r@sha256:1"))
    printed, fault = status(environment)
    assert fault == ""
    assert "summaries  sagemaker, InService, stack CREATE_COMPLETE: as deployed" in printed
    assert "(1 of 1 replicas)" in printed
    assert "image  r@sha256:1" in printed
    cloudwatch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="a test")
    cloudformation.update_stack(StackName="dev-summaries", TemplateBody=template("r@sha256:2"))
    printed, fault = status(environment)
    # CloudFormation is content; the endpoint serves the old image.
    assert "stack UPDATE_COMPLETE: silent rollback" in printed
    assert "image  r@sha256:1" in printed
    assert "the stack's configuration  " in printed
    assert fault.startswith("summaries: silent rollback: ")


def test_json_says_the_same(client: Any, environment: Path) -> None:
    client("cloudformation").create_stack(
        StackName="dev-summaries", TemplateBody=template("r@sha256:1")
    )
    printed, fault = status(environment, "--json")
    (state,) = json.loads(printed)
    assert (state["service"], state["fault"], fault) == ("summaries", "", "")
    assert state["live"] == state["wanted"]


def test_what_is_not_deployed_is_said_in_one_sentence(client: Any, environment: Path) -> None:
    printed, fault = status(environment)
    assert printed == ""
    assert fault.startswith("the stack dev-summaries does not exist")
