"""EC2 Auto Scaling: the group's settings that moto drops."""

from __future__ import annotations

from typing import Any

from moto.autoscaling.models import FakeAutoScalingGroup
from moto.autoscaling.responses import AutoScalingResponse

from .keeping import keep, then

_KEPT = (
    "AvailabilityZoneDistribution",
    "AvailabilityZoneImpairmentPolicy",
    "CapacityReservationSpecification",
    "CapacityRebalance",
    "Context",
    "DefaultCooldown",
    "DefaultInstanceWarmup",
    "DeletionProtection",
    "DesiredCapacityType",
    "InstanceLifecyclePolicy",
    "InstanceMaintenancePolicy",
    "MaxInstanceLifetime",
    "MixedInstancesPolicy",
    "PlacementGroup",
    "TerminationPolicies",
    "TrafficSources",
)
_METRICS = [
    f"Group{name}{unit}"
    for name in ("InService", "Pending", "Standby", "Terminating", "Total")
    for unit in ("Instances", "Capacity")
] + ["GroupDesiredCapacity", "GroupMaxSize", "GroupMinSize"]


def _group(response: Any, answer: Any) -> Any:
    del answer
    name = response._get_param("AutoScalingGroupName")
    return response.autoscaling_backend.autoscaling_groups[name]


def _enable_metrics(self: Any, metrics: list[str] | None) -> None:
    """Naming no metric means all of them; moto takes it for none."""
    self.metrics = metrics or list(_METRICS)


def _spell(response: Any, answer: Any) -> None:
    """Moto misspells the ARN's name, so that PutScalingPolicy's answer is empty."""
    del response
    answer.result["PolicyARN"] = answer.result["PolicyArn"]


def install() -> None:
    """Apply the fixes."""
    then(AutoScalingResponse, "put_scaling_policy", _spell)
    group: Any = FakeAutoScalingGroup
    group.enable_metrics_collection = _enable_metrics
    for action in ("create_auto_scaling_group", "update_auto_scaling_group"):
        keep(AutoScalingResponse, action, _group, _KEPT)
