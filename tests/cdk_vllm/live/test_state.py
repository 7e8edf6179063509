"""What is live and what was wanted; an update that was undone is called by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from cdk_vllm.embedded_aws import install
from cdk_vllm.live.stacks import DeployedStack
from cdk_vllm.live.state import ServiceState, service_state

if TYPE_CHECKING:
    from collections.abc import Iterator

CLUSTER = "arn:aws:ecs:us-east-1:123456789012:cluster/c"
TASK = "arn:aws:ecs:us-east-1:123456789012:task-definition/chat"


@pytest.fixture
def client() -> Iterator[Any]:
    install()
    with mock_aws():
        make: Any = boto3.client
        yield lambda service: make(
            service,
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )


def stack(**ids: str) -> DeployedStack:
    kinds = {"endpoint": "Endpoint", "config": "EndpointConfig"}
    physical = {
        f"AWS::SageMaker::{kinds[kind]}": (f"arn:aws:sagemaker:::{kind}/{name}",)
        for kind, name in ids.items()
    }
    return DeployedStack("dev-chat", "UPDATE_COMPLETE", {}, physical)


@pytest.fixture
def endpoint(client: Any) -> Any:
    sagemaker, cloudwatch = client("sagemaker"), client("cloudwatch")
    sagemaker.create_model(ModelName="m", PrimaryContainer={"Image": "repository@sha256:1"})
    for name in ("one", "two"):
        sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[
                {
                    "VariantName": "vllm",
                    "ModelName": "m",
                    "InitialInstanceCount": 2,
                    "InstancePools": [
                        {"InstanceType": "ml.g6e.2xlarge", "Priority": 1},
                        {"InstanceType": "ml.g6e.4xlarge", "Priority": 2},
                    ],
                }
            ],
        )
    cloudwatch.put_metric_alarm(
        AlarmName="errors",
        MetricName="Invocation5XXErrors",
        Namespace="AWS/SageMaker",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    sagemaker.create_endpoint(
        EndpointName="chat", EndpointConfigName="one", DeploymentConfig=DEPLOYMENT
    )
    return client


DEPLOYMENT: dict[str, Any] = {
    "RollingUpdatePolicy": {
        "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
        "WaitIntervalInSeconds": 60,
    },
    "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]},
}


def test_an_endpoint_that_serves_what_its_stack_says(endpoint: Any) -> None:
    state = service_state(endpoint, stack(endpoint="chat", config="one"), "chat")
    assert state == ServiceState(
        service="chat",
        backend="sagemaker",
        stack_status="UPDATE_COMPLETE",
        status="InService",
        live="one",
        wanted="one",
        running=2,
        desired=2,
        images=("repository@sha256:1",),
    )


def test_an_update_that_an_alarm_undid_is_a_silent_rollback(endpoint: Any) -> None:
    endpoint("cloudwatch").set_alarm_state(
        AlarmName="errors", StateValue="ALARM", StateReason="a test"
    )
    endpoint("sagemaker").update_endpoint(
        EndpointName="chat", EndpointConfigName="two", DeploymentConfig=DEPLOYMENT
    )
    state = service_state(endpoint, stack(endpoint="chat", config="two"), "chat")
    assert state.status == "InService"
    assert (state.live, state.wanted) == ("one", "two")
    assert state.fault.startswith("silent rollback: one serves, and the stack says two")
    endpoint("cloudwatch").set_alarm_state(
        AlarmName="errors", StateValue="OK", StateReason="a test"
    )
    endpoint("sagemaker").update_endpoint(
        EndpointName="chat", EndpointConfigName="two", RetainDeploymentConfig=True
    )
    assert not service_state(endpoint, stack(endpoint="chat", config="two"), "chat").fault


@pytest.mark.parametrize(
    ("status", "moving", "says"),
    [
        ("Updating", True, ""),
        ("RollingBack", True, "an alarm fired"),
        ("Failed", False, "the endpoint is Failed: no capacity"),
    ],
)
def test_what_an_endpoint_is_doing_is_told(status: str, moving: bool, says: str) -> None:
    answer = {
        "EndpointConfigName": "one",
        "EndpointStatus": status,
        "FailureReason": "no capacity",
    }
    fake: Any = type("SageMaker", (), {"describe_endpoint": lambda _, **name: answer})()
    state = service_state(lambda _: fake, stack(endpoint="chat", config="two"), "chat")
    assert state.moving is moving
    assert says in state.fault
    assert bool(says) == bool(state.fault)


def ecs_stack(task: str) -> DeployedStack:
    ids = {
        "AWS::ECS::Service": ("arn:aws:ecs:us-east-1:123456789012:service/c/chat",),
        "AWS::ECS::TaskDefinition": (task,),
    }
    return DeployedStack("dev-chat", "UPDATE_COMPLETE", {}, ids)


class Ecs:
    """A service that runs one task definition, with one deployment."""

    def __init__(self, **deployment: Any) -> None:
        self.deployment = {"status": "PRIMARY", "rolloutState": "COMPLETED", **deployment}

    def describe_services(self, **_: Any) -> dict[str, Any]:
        service = {
            "status": "ACTIVE",
            "taskDefinition": f"{TASK}:1",
            "runningCount": 1,
            "desiredCount": 2,
            "deployments": [self.deployment],
        }
        return {"services": [service]}

    def describe_task_definition(self, **_: Any) -> dict[str, Any]:
        return {"taskDefinition": {"containerDefinitions": [{"image": "r@sha256:1"}]}}


def test_a_service_s_deployment_is_told() -> None:
    state = service_state(lambda _: Ecs(), ecs_stack(f"{TASK}:1"), "chat")
    assert (state.backend, state.status, state.live) == ("ecs", "COMPLETED", "chat:1")
    assert (state.running, state.desired, state.fault) == (1, 2, "")
    moving = service_state(
        lambda _: Ecs(rolloutState="IN_PROGRESS"), ecs_stack(f"{TASK}:2"), "chat"
    )
    assert moving.moving
    assert not moving.fault


@pytest.mark.parametrize(
    ("deployment", "says"),
    [
        ({}, "silent rollback: chat:1 runs, and the stack says chat:2"),
        ({"rolloutState": "FAILED", "rolloutStateReason": "tasks died"}, "tasks died"),
    ],
)
def test_a_deployment_that_was_undone_is_a_fault(deployment: dict[str, Any], says: str) -> None:
    state = service_state(lambda _: Ecs(**deployment), ecs_stack(f"{TASK}:2"), "chat")
    assert says in state.fault


def test_a_stack_that_failed_is_a_fault_too(endpoint: Any) -> None:
    failed = stack(endpoint="chat", config="one")
    failed = DeployedStack(failed.name, "UPDATE_ROLLBACK_COMPLETE", {}, failed.physical_ids)
    assert "UPDATE_ROLLBACK_COMPLETE" in service_state(endpoint, failed, "chat").fault
