from __future__ import annotations

from typing import Any

import pytest

from cdk_vllm.embedded_aws.readback import exists

Client = Any
Wrong = Any
CONTAINER = {
    "Command": ["--model", "/model"],
    "Environment": [{"Name": "VLLM_LOGGING_LEVEL", "Value": "INFO"}],
    "Essential": True,
    "Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/vllm@sha256:0",
    "Memory": 24000,
    "Name": "vllm",
    "PortMappings": [{"ContainerPort": 8000, "Protocol": "tcp"}],
    "ResourceRequirements": [{"Type": "GPU", "Value": "4"}],
    "Secrets": [{"Name": "TOKEN", "ValueFrom": "arn:aws:secretsmanager:us-east-1:1:secret:t"}],
}


def small(value: Any) -> Any:
    """Spell the names the way the ECS API does."""
    if isinstance(value, dict):
        return {key[0].lower() + key[1:]: small(item) for key, item in value.items()}
    return [small(item) for item in value] if isinstance(value, list) else value


@pytest.fixture
def cluster(client: Client) -> str:
    answer = client("ecs").create_cluster(
        clusterName="gpus", settings=[{"name": "containerInsights", "value": "enhanced"}]
    )
    return str(answer["cluster"]["clusterArn"])


@pytest.fixture
def definition(client: Client) -> str:
    answer = client("ecs").register_task_definition(
        family="vllm", networkMode="bridge", containerDefinitions=[small(CONTAINER)]
    )
    return str(answer["taskDefinition"]["taskDefinitionArn"])


@pytest.mark.usefixtures("cluster")
def test_cluster(client: Client, wrong: Wrong) -> None:
    settings = [{"Name": "containerInsights", "Value": "enhanced"}]
    assert wrong("ECS::Cluster", "gpus", {"ClusterName": "gpus", "ClusterSettings": settings}) == []
    client("ecs").delete_cluster(cluster="gpus")
    assert not exists(client, "AWS::ECS::Cluster", "gpus")


def test_task_definition(client: Client, wrong: Wrong, definition: str) -> None:
    written = {"ContainerDefinitions": [CONTAINER], "Family": "vllm", "NetworkMode": "bridge"}
    assert wrong("ECS::TaskDefinition", definition, written) == []
    fewer = {**CONTAINER, "ResourceRequirements": [{"Type": "GPU", "Value": "1"}]}
    assert wrong("ECS::TaskDefinition", definition, {"ContainerDefinitions": [fewer]}) == [
        'ContainerDefinitions[0].ResourceRequirements[0].Value should be "1" but is "4"'
    ]
    client("ecs").deregister_task_definition(taskDefinition=definition)
    assert not exists(client, "AWS::ECS::TaskDefinition", definition)


def test_service(client: Client, wrong: Wrong, cluster: str, definition: str) -> None:
    written = {
        "DesiredCount": 2,
        "LoadBalancers": [
            {
                "ContainerName": "vllm",
                "ContainerPort": 8000,
                "TargetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/a/b",
            }
        ],
        "SchedulingStrategy": "REPLICA",
        "ServiceName": "chat",
        "TaskDefinition": definition,
    }
    answer = client("ecs").create_service(cluster=cluster, **small(written))
    arn = answer["service"]["serviceArn"]
    for spelling in (cluster, "gpus"):
        assert wrong("ECS::Service", arn, {**written, "Cluster": spelling}) == []
    client("ecs").update_service(cluster=cluster, service="chat", desiredCount=0)
    assert wrong("ECS::Service", arn, written) == ["DesiredCount should be 2 but is 0"]
    client("ecs").delete_service(cluster=cluster, service="chat")
    assert not exists(client, "AWS::ECS::Service", arn)


def test_capacity_provider(client: Client, wrong: Wrong, cluster: str) -> None:
    ecs = client("ecs")
    arn = "arn:aws:autoscaling:us-east-1:1:autoScalingGroup:uuid:autoScalingGroupName/gpus"
    group = {
        "AutoScalingGroupArn": arn,
        "ManagedScaling": {"Status": "ENABLED", "TargetCapacity": 100},
        "ManagedTerminationProtection": "ENABLED",
    }
    ecs.create_capacity_provider(name="gpus", autoScalingGroupProvider=small(group))
    # A template may give the group's name where the service answers with its ARN.
    for spelling in (arn, "gpus"):
        written = {"AutoScalingGroupProvider": {**group, "AutoScalingGroupArn": spelling}}
        assert wrong("ECS::CapacityProvider", "gpus", written) == []

    strategy = [{"CapacityProvider": "gpus", "Weight": 1, "Base": 0}]
    association = {
        "CapacityProviders": ["gpus"],
        "Cluster": "gpus",
        "DefaultCapacityProviderStrategy": strategy,
    }
    kind = "ECS::ClusterCapacityProviderAssociations"
    assert wrong(kind, "gpus", association)
    ecs.put_cluster_capacity_providers(
        cluster=cluster,
        capacityProviders=["gpus"],
        defaultCapacityProviderStrategy=small(strategy),
    )
    assert wrong(kind, "gpus", association) == []
