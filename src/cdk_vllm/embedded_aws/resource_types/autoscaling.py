"""EC2 Auto Scaling: groups, hooks, warm pools, policies and schedules."""

from __future__ import annotations

from typing import Any

from .resource import Resource

_GROUP = "AutoScalingGroupName"


class AutoScalingGroup(Resource):
    """`AWS::AutoScaling::AutoScalingGroup`; `Ref` is its name."""

    type_name = "AWS::AutoScaling::AutoScalingGroup"
    name_property = _GROUP
    name_limit = 255

    _APART = ("MetricsCollection", "NotificationConfiguration", "NotificationConfigurations")
    _NOT_IN_UPDATE = (
        "InstanceId",
        "LifecycleHookSpecificationList",
        "LoadBalancerNames",
        "Tags",
        "TargetGroupARNs",
        "TrafficSources",
        *_APART,
    )

    def create(self, properties: dict[str, Any]) -> str:
        """Create the group, with what CloudFormation sets by further calls."""
        self.call(
            "autoscaling.create_auto_scaling_group", _spelled(properties), without=self._APART
        )
        self._set_apart(properties)
        for hook in properties.get("LifecycleHookSpecificationList", []):
            self.call("autoscaling.put_lifecycle_hook", {**hook, _GROUP: properties[_GROUP]})
        return str(properties[_GROUP])

    def update(self, properties: dict[str, Any]) -> None:
        """Change the group in place."""
        self.call(
            "autoscaling.update_auto_scaling_group",
            _spelled(properties),
            without=self._NOT_IN_UPDATE,
        )
        client = self.client("autoscaling")
        if self.changed(properties, "Tags"):
            kept = {tag["Key"] for tag in properties.get("Tags", [])}
            gone = [tag for tag in self.properties.get("Tags", []) if tag["Key"] not in kept]
            target = {"ResourceId": self.physical_id, "ResourceType": "auto-scaling-group"}
            if gone:
                client.delete_tags(Tags=[{**target, "Key": tag["Key"]} for tag in gone])
            if properties.get("Tags"):
                tags = [{**target, **tag} for tag in properties["Tags"]]
                self.call("autoscaling.create_or_update_tags", {"Tags": tags})
        if self.changed(properties, "TargetGroupARNs"):
            self._retarget(properties.get("TargetGroupARNs", []))
        self._set_apart(properties)

    def _retarget(self, wanted: list[str]) -> None:
        client, had = self.client("autoscaling"), self.properties.get("TargetGroupARNs", [])
        name = {_GROUP: self.physical_id}
        if gone := [arn for arn in had if arn not in wanted]:
            client.detach_load_balancer_target_groups(**name, TargetGroupARNs=gone)
        if new := [arn for arn in wanted if arn not in had]:
            client.attach_load_balancer_target_groups(**name, TargetGroupARNs=new)

    def _set_apart(self, properties: dict[str, Any]) -> None:
        for metrics in properties.get("MetricsCollection", []):
            collected = {_GROUP: properties[_GROUP], **metrics}
            self.call("autoscaling.enable_metrics_collection", collected)
        notified = properties.get("NotificationConfigurations", [])
        if "NotificationConfiguration" in properties:
            notified = [*notified, properties["NotificationConfiguration"]]
        for notification in notified:
            configuration = {_GROUP: properties[_GROUP], **notification}
            self.call("autoscaling.put_notification_configuration", configuration)

    def delete(self) -> None:
        """Terminate the instances, protected or not, and delete the group."""
        client, name = self.client("autoscaling"), {_GROUP: self.physical_id}
        # moto leaves protected instances running after a forced deletion.
        shown = client.describe_auto_scaling_groups(AutoScalingGroupNames=[self.physical_id])
        instances = [
            instance["InstanceId"]
            for group in shown["AutoScalingGroups"]
            for instance in group["Instances"]
        ]
        if instances:
            client.set_instance_protection(
                **name, InstanceIds=instances, ProtectedFromScaleIn=False
            )
        client.delete_auto_scaling_group(**name, ForceDelete=True)

    def attribute(self, name: str) -> Any:
        """Return `AutoScalingGroupARN`."""
        if name != "AutoScalingGroupARN":
            return None
        answer = self.client("autoscaling").describe_auto_scaling_groups(
            AutoScalingGroupNames=[self.physical_id]
        )
        return answer["AutoScalingGroups"][0]["AutoScalingGroupARN"]


def _spelled(properties: dict[str, Any]) -> dict[str, Any]:
    """CloudFormation lists the subnets; the service wants them in one string."""
    spelled = dict(properties)
    subnets = spelled.get("VPCZoneIdentifier")
    if isinstance(subnets, list):
        spelled["VPCZoneIdentifier"] = ",".join(subnets)
    if "Cooldown" in spelled:
        spelled["DefaultCooldown"] = spelled.pop("Cooldown")
    return spelled


class LifecycleHook(Resource):
    """`AWS::AutoScaling::LifecycleHook`; `Ref` is its name."""

    type_name = "AWS::AutoScaling::LifecycleHook"
    name_property = "LifecycleHookName"
    name_limit = 255
    fixed = frozenset({_GROUP})

    def create(self, properties: dict[str, Any]) -> str:
        """Put the hook."""
        self.call("autoscaling.put_lifecycle_hook", properties)
        return str(properties["LifecycleHookName"])

    def update(self, properties: dict[str, Any]) -> None:
        """Put it anew."""
        self.create(properties)

    def delete(self) -> None:
        """Delete the hook."""
        self.client("autoscaling").delete_lifecycle_hook(
            AutoScalingGroupName=self.properties[_GROUP], LifecycleHookName=self.physical_id
        )


class ScalingPolicy(Resource):
    """`AWS::AutoScaling::ScalingPolicy`; `Ref` is its ARN."""

    type_name = "AWS::AutoScaling::ScalingPolicy"
    name_property = "PolicyName"
    name_limit = 255
    fixed = frozenset({_GROUP})

    def create(self, properties: dict[str, Any]) -> str:
        """Put the policy."""
        return str(self.call("autoscaling.put_scaling_policy", properties)["PolicyARN"])

    def update(self, properties: dict[str, Any]) -> None:
        """Put it anew."""
        self.create(properties)

    def delete(self) -> None:
        """Delete the policy."""
        self.client("autoscaling").delete_policy(
            AutoScalingGroupName=self.properties[_GROUP], PolicyName=self.properties["PolicyName"]
        )

    def attribute(self, name: str) -> Any:
        """Return `Arn` or `PolicyName`."""
        return self.physical_id if name == "Arn" else super().attribute(name)


class ScheduledAction(Resource):
    """`AWS::AutoScaling::ScheduledAction`; `Ref` is its name."""

    type_name = "AWS::AutoScaling::ScheduledAction"
    fixed = frozenset({_GROUP})

    def create(self, properties: dict[str, Any]) -> str:
        """Put the action under a name of CloudFormation's making."""
        return self._put(self.generated_name(), properties)

    def update(self, properties: dict[str, Any]) -> None:
        """Put it anew."""
        self._put(self.physical_id, properties)

    def _put(self, name: str, properties: dict[str, Any]) -> str:
        self.call(
            "autoscaling.put_scheduled_update_group_action",
            {**properties, "ScheduledActionName": name},
        )
        return name

    def delete(self) -> None:
        """Delete the action."""
        self.client("autoscaling").delete_scheduled_action(
            AutoScalingGroupName=self.properties[_GROUP], ScheduledActionName=self.physical_id
        )

    def attribute(self, name: str) -> Any:
        """Return `ScheduledActionName`."""
        return self.physical_id if name == "ScheduledActionName" else None


class WarmPool(Resource):
    """`AWS::AutoScaling::WarmPool`; `Ref` is the group's name."""

    type_name = "AWS::AutoScaling::WarmPool"
    fixed = frozenset({_GROUP})

    def create(self, properties: dict[str, Any]) -> str:
        """Put the pool."""
        self.call("autoscaling.put_warm_pool", properties)
        return str(properties[_GROUP])

    def update(self, properties: dict[str, Any]) -> None:
        """Put it anew."""
        self.create(properties)

    def delete(self) -> None:
        """Delete the pool."""
        self.client("autoscaling").delete_warm_pool(
            AutoScalingGroupName=self.physical_id, ForceDelete=True
        )


TYPES = (
    AutoScalingGroup,
    LifecycleHook,
    ScalingPolicy,
    ScheduledAction,
    WarmPool,
)
