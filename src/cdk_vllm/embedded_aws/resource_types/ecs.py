"""Amazon ECS: clusters, capacity providers, task definitions and services."""

from __future__ import annotations

from typing import Any, ClassVar

from .resource import Resource


class Cluster(Resource):
    """`AWS::ECS::Cluster`; `Ref` is its name."""

    type_name = "AWS::ECS::Cluster"
    name_property = "ClusterName"

    def create(self, properties: dict[str, Any]) -> str:
        """Create the cluster; moto's model drops its settings and configuration."""
        self.call("ecs.create_cluster", properties, rename={"ClusterSettings": "settings"})
        return str(properties["ClusterName"])

    def update(self, properties: dict[str, Any]) -> None:
        """Apply settings, configuration and capacity providers."""
        changes: dict[str, Any] = {
            name: properties[name]
            for name in ("ClusterSettings", "Configuration", "ServiceConnectDefaults")
            if name in properties
        }
        self.call(
            "ecs.update_cluster",
            {"cluster": self.physical_id, **changes},
            rename={"ClusterSettings": "settings"},
        )
        if self.changed(properties, "CapacityProviders", "DefaultCapacityProviderStrategy"):
            self.call(
                "ecs.put_cluster_capacity_providers",
                {
                    "cluster": self.physical_id,
                    "capacityProviders": properties.get("CapacityProviders", []),
                    "defaultCapacityProviderStrategy": properties.get(
                        "DefaultCapacityProviderStrategy", []
                    ),
                },
            )

    def delete(self) -> None:
        """Delete the cluster."""
        self.client("ecs").delete_cluster(cluster=self.physical_id)

    def attribute(self, name: str) -> Any:
        """Return `Arn`."""
        return self.place.arn("ecs", f"cluster/{self.physical_id}") if name == "Arn" else None


class CapacityProvider(Resource):
    """`AWS::ECS::CapacityProvider`; `Ref` is its name."""

    type_name = "AWS::ECS::CapacityProvider"
    name_property = "Name"
    fixed = frozenset({"ClusterName"})

    def create(self, properties: dict[str, Any]) -> str:
        """Create the provider; one of managed instances belongs to a cluster from the start."""
        self.call("ecs.create_capacity_provider", properties, rename={"ClusterName": "cluster"})
        return str(properties["Name"])

    def must_replace(self, properties: Any) -> bool:
        """Another scaling group needs another provider."""
        before = self.properties.get("AutoScalingGroupProvider", {})
        after = properties.get("AutoScalingGroupProvider", {})
        group = "AutoScalingGroupArn"
        return super().must_replace(properties) or before.get(group) != after.get(group)

    def update(self, properties: dict[str, Any]) -> None:
        """Change managed scaling, draining and termination protection."""
        provider = dict(properties.get("AutoScalingGroupProvider", {}))
        provider.pop("AutoScalingGroupArn", None)
        self.call(
            "ecs.update_capacity_provider",
            {"name": self.physical_id, "autoScalingGroupProvider": provider},
        )

    def delete(self) -> None:
        """Delete the provider."""
        self.client("ecs").delete_capacity_provider(capacityProvider=self.physical_id)


class ClusterCapacityProviderAssociations(Resource):
    """`AWS::ECS::ClusterCapacityProviderAssociations`; `Ref` is the cluster's name."""

    type_name = "AWS::ECS::ClusterCapacityProviderAssociations"
    fixed = frozenset({"Cluster"})

    def create(self, properties: dict[str, Any]) -> str:
        """Tie the providers to the cluster."""
        self.call("ecs.put_cluster_capacity_providers", properties)
        return str(properties["Cluster"])

    def update(self, properties: dict[str, Any]) -> None:
        """Tie these instead."""
        self.create(properties)

    def delete(self) -> None:
        """Untie them."""
        self.client("ecs").put_cluster_capacity_providers(
            cluster=self.physical_id, capacityProviders=[], defaultCapacityProviderStrategy=[]
        )


class TaskDefinition(Resource):
    """`AWS::ECS::TaskDefinition`; every change is a new revision, and `Ref` is its ARN."""

    type_name = "AWS::ECS::TaskDefinition"

    def completed(self, properties: Any, *, fresh: bool) -> dict[str, Any]:
        """A family that the template does not name stays the same over revisions."""
        family = self.properties.get("Family") or self.place.stack_name + self.place.logical_id
        return {"Family": family, **super().completed(properties, fresh=fresh)}

    def create(self, properties: dict[str, Any]) -> str:
        """Register a revision."""
        answer = self.call("ecs.register_task_definition", properties)
        return str(answer["taskDefinition"]["taskDefinitionArn"])

    def delete(self) -> None:
        """Deregister the revision; its family goes with the last one."""
        self.client("ecs").deregister_task_definition(taskDefinition=self.physical_id)

    def attribute(self, name: str) -> Any:
        """Return `TaskDefinitionArn`."""
        return self.physical_id if name == "TaskDefinitionArn" else None


class Service(Resource):
    """`AWS::ECS::Service`; `Ref` is its ARN."""

    type_name = "AWS::ECS::Service"
    name_property = "ServiceName"
    fixed = frozenset({"Cluster", "Role", "SchedulingStrategy", "LaunchType"})

    _RENAME: ClassVar = {"PlacementStrategies": "placementStrategy"}
    _ONLY_AT_CREATION = ("ServiceName", "Role", "SchedulingStrategy", "LaunchType", "Tags")

    def completed(self, properties: Any, *, fresh: bool) -> dict[str, Any]:
        """A replica service that does not say starts with one task."""
        filled = super().completed(properties, fresh=fresh)
        if filled.get("SchedulingStrategy") != "DAEMON" and fresh:
            filled.setdefault("DesiredCount", 1)
        elif "DesiredCount" not in filled and "DesiredCount" in self.properties:
            filled["DesiredCount"] = self.properties["DesiredCount"]
        return filled

    def create(self, properties: dict[str, Any]) -> str:
        """Create the service."""
        answer = self.call(
            "ecs.create_service",
            properties,
            without=("ForceNewDeployment",),
            rename=self._RENAME,
        )
        return str(answer["service"]["serviceArn"])

    def update(self, properties: dict[str, Any]) -> None:
        """Change the service in place; CloudFormation does not reset what is left out."""
        self.call(
            "ecs.update_service",
            {**properties, "service": self._name},
            without=("ForceNewDeployment", *self._ONLY_AT_CREATION),
            rename=self._RENAME,
        )
        if self.changed(properties, "Tags") and properties.get("Tags"):
            self.call(
                "ecs.tag_resource", {"resourceArn": self.physical_id, "tags": properties["Tags"]}
            )

    def delete(self) -> None:
        """Stop every task and delete the service, as CloudFormation does."""
        self.client("ecs").delete_service(
            cluster=self.properties.get("Cluster", "default"), service=self._name, force=True
        )

    @property
    def _name(self) -> str:
        return str(self.properties["ServiceName"])

    def attribute(self, name: str) -> Any:
        """Return `ServiceArn` or `Name`."""
        return {"ServiceArn": self.physical_id, "Name": self._name}.get(name)


TYPES = (
    CapacityProvider,
    Cluster,
    ClusterCapacityProviderAssociations,
    Service,
    TaskDefinition,
)
