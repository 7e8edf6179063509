"""Application Auto Scaling: targets and policies, for ECS services and SageMaker variants."""

from __future__ import annotations

from typing import Any

from .resource import Resource

_IDENTITY = ("ServiceNamespace", "ResourceId", "ScalableDimension")


class ScalableTarget(Resource):
    """`AWS::ApplicationAutoScaling::ScalableTarget`; `Ref` is `resource|dimension|namespace`."""

    type_name = "AWS::ApplicationAutoScaling::ScalableTarget"
    fixed = frozenset(_IDENTITY)

    def create(self, properties: dict[str, Any]) -> str:
        """Register the target and its schedules."""
        self.call(
            "application-autoscaling.register_scalable_target",
            properties,
            without=("ScheduledActions",),
        )
        for action in properties.get("ScheduledActions", []):
            identity = {name: properties[name] for name in _IDENTITY}
            self.call("application-autoscaling.put_scheduled_action", {**identity, **action})
        return "|".join(
            str(properties[name])
            for name in ("ResourceId", "ScalableDimension", "ServiceNamespace")
        )

    def update(self, properties: dict[str, Any]) -> None:
        """Register it anew; schedules that are gone are deleted."""
        kept = {action["ScheduledActionName"] for action in properties.get("ScheduledActions", [])}
        for action in self.properties.get("ScheduledActions", []):
            if action["ScheduledActionName"] not in kept:
                self.client("application-autoscaling").delete_scheduled_action(
                    ScheduledActionName=action["ScheduledActionName"], **self._identity
                )
        self.create(properties)

    @property
    def _identity(self) -> dict[str, str]:
        return {name: self.properties[name] for name in _IDENTITY}

    def delete(self) -> None:
        """Deregister the target; its policies go with it."""
        self.client("application-autoscaling").deregister_scalable_target(**self._identity)

    def attribute(self, name: str) -> Any:
        """Return `Id`."""
        return self.physical_id if name == "Id" else None


class ScalingPolicy(Resource):
    """`AWS::ApplicationAutoScaling::ScalingPolicy`; `Ref` is its ARN."""

    type_name = "AWS::ApplicationAutoScaling::ScalingPolicy"
    fixed = frozenset({"PolicyName", "ScalingTargetId", *_IDENTITY})

    def _described(self, properties: dict[str, Any]) -> dict[str, Any]:
        """A policy names its target by its id, or by the three parts of one."""
        described = dict(properties)
        target = described.pop("ScalingTargetId", None)
        if target:
            resource, dimension, namespace = str(target).split("|")
            described.update(zip(_IDENTITY, (namespace, resource, dimension), strict=True))
        return described

    def create(self, properties: dict[str, Any]) -> str:
        """Put the policy."""
        answer = self.call(
            "application-autoscaling.put_scaling_policy", self._described(properties)
        )
        return str(answer["PolicyARN"])

    def update(self, properties: dict[str, Any]) -> None:
        """Put it anew."""
        self.physical_id = self.create(properties)

    def delete(self) -> None:
        """Delete the policy."""
        described = self._described(self.properties)
        self.client("application-autoscaling").delete_scaling_policy(
            PolicyName=described["PolicyName"], **{name: described[name] for name in _IDENTITY}
        )

    def attribute(self, name: str) -> Any:
        """Return `Arn`."""
        return self.physical_id if name == "Arn" else None


TYPES = (ScalableTarget, ScalingPolicy)
