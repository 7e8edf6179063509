"""Reads ECS back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.embedded_aws.readback.reading import as_written, listed, only

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.embedded_aws.readback.reading import ClientFactory, Reader


def _described_cluster(client: ClientFactory, name: str) -> Mapping[str, Any]:
    answer = client("ecs").describe_clusters(
        clusters=[name], include=["CONFIGURATIONS", "SETTINGS", "TAGS"]
    )
    cluster: Mapping[str, Any] = only(c for c in answer["clusters"] if c["status"] != "INACTIVE")
    return cluster


def _cluster(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    cluster = _described_cluster(client, physical_id)
    return {
        **listed(
            cluster,
            "CapacityProviders",
            "ClusterName",
            "Configuration",
            "DefaultCapacityProviderStrategy",
            "ServiceConnectDefaults",
            "Tags",
        ),
        "Arn": cluster["clusterArn"],
        "ClusterSettings": cluster.get("settings"),
    }


def _associations(
    client: ClientFactory, physical_id: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    cluster = _described_cluster(client, properties.get("Cluster", physical_id))
    wanted = properties.get("Cluster")
    return {
        **listed(cluster, "CapacityProviders", "DefaultCapacityProviderStrategy"),
        "Cluster": as_written(cluster["clusterArn"], wanted),
    }


def _capacity_provider(
    client: ClientFactory, physical_id: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    answer = client("ecs").describe_capacity_providers(
        capacityProviders=[physical_id], include=["TAGS"]
    )
    provider = only(c for c in answer["capacityProviders"] if c.get("status") != "INACTIVE")
    group = provider.get("autoScalingGroupProvider")
    wanted = properties.get("AutoScalingGroupProvider", {}).get("AutoScalingGroupArn")
    if group:
        arn = as_written(group.get("autoScalingGroupArn"), wanted)
        group = {**group, "autoScalingGroupArn": arn}
    return {
        **listed(provider, "ManagedInstancesProvider", "Name", "Tags"),
        "AutoScalingGroupProvider": group,
    }


def _task_definition(
    client: ClientFactory, physical_id: str, _: Mapping[str, Any]
) -> dict[str, Any]:
    answer = client("ecs").describe_task_definition(taskDefinition=physical_id, include=["TAGS"])
    definition = only(d for d in [answer["taskDefinition"]] if d.get("status") != "INACTIVE")
    return {
        **listed(
            definition,
            "ContainerDefinitions",
            "Cpu",
            "EphemeralStorage",
            "ExecutionRoleArn",
            "Family",
            "IpcMode",
            "Memory",
            "NetworkMode",
            "PidMode",
            "PlacementConstraints",
            "RequiresCompatibilities",
            "RuntimePlatform",
            "TaskRoleArn",
            "Volumes",
        ),
        "Tags": answer.get("tags"),
        "TaskDefinitionArn": definition["taskDefinitionArn"],
    }


def _service(
    client: ClientFactory, physical_id: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    # A service's ARN ends in cluster/service.
    cluster = properties.get("Cluster") or physical_id.split("/")[-2]
    answer = client("ecs").describe_services(
        cluster=cluster, services=[physical_id], include=["TAGS"]
    )
    service = only(s for s in answer["services"] if s["status"] != "INACTIVE")
    return {
        **listed(
            service,
            "AvailabilityZoneRebalancing",
            "CapacityProviderStrategy",
            "DeploymentConfiguration",
            "DeploymentController",
            "DesiredCount",
            "EnableECSManagedTags",
            "EnableExecuteCommand",
            "HealthCheckGracePeriodSeconds",
            "LaunchType",
            "LoadBalancers",
            "NetworkConfiguration",
            "PlacementConstraints",
            "PlatformVersion",
            "PropagateTags",
            "SchedulingStrategy",
            "ServiceName",
            "ServiceRegistries",
            "Tags",
            "TaskDefinition",
        ),
        "Cluster": as_written(service["clusterArn"], properties.get("Cluster")),
        "Name": service["serviceName"],
        "PlacementStrategies": service.get("placementStrategy"),
        "ServiceArn": service["serviceArn"],
    }


READERS: Mapping[str, Reader] = {
    "AWS::ECS::CapacityProvider": _capacity_provider,
    "AWS::ECS::Cluster": _cluster,
    "AWS::ECS::ClusterCapacityProviderAssociations": _associations,
    "AWS::ECS::Service": _service,
    "AWS::ECS::TaskDefinition": _task_definition,
}
