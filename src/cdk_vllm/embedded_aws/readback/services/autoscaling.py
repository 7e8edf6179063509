"""Reads EC2 Auto Scaling back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.embedded_aws.readback.reading import listed, only

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cdk_vllm.embedded_aws.readback.reading import ClientFactory, Reader


def _group(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    answer = client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[physical_id])
    group = only(answer["AutoScalingGroups"])
    return {
        **listed(
            group,
            "AutoScalingGroupName",
            "AvailabilityZones",
            "CapacityRebalance",
            "DefaultInstanceWarmup",
            "DesiredCapacity",
            "HealthCheckGracePeriod",
            "HealthCheckType",
            "InstanceMaintenancePolicy",
            "LaunchTemplate",
            "MaxInstanceLifetime",
            "MaxSize",
            "MinSize",
            "MixedInstancesPolicy",
            "NewInstancesProtectedFromScaleIn",
            "ServiceLinkedRoleARN",
            "Tags",
            "TargetGroupARNs",
            "TerminationPolicies",
        ),
        "AutoScalingGroupARN": group.get("AutoScalingGroupARN"),
        "Cooldown": group.get("DefaultCooldown"),
        "MetricsCollection": _metrics_collection(group),
        "VPCZoneIdentifier": [p for p in group.get("VPCZoneIdentifier", "").split(",") if p],
    }


def _metrics_collection(group: Mapping[str, Any]) -> list[dict[str, Any]]:
    metrics = group.get("EnabledMetrics") or []
    granularities = {metric["Granularity"] for metric in metrics}
    # A template may leave the metrics out for "all", so the names alone are not listed.
    return [{"Granularity": granularity} for granularity in sorted(granularities)]


def _lifecycle_hook(
    client: ClientFactory, physical_id: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    autoscaling = client("autoscaling")
    hook = only(
        hook
        for group in _groups(client, properties)
        for hook in autoscaling.describe_lifecycle_hooks(AutoScalingGroupName=group)[
            "LifecycleHooks"
        ]
        if hook["LifecycleHookName"] == physical_id
    )
    return listed(
        hook,
        "AutoScalingGroupName",
        "DefaultResult",
        "HeartbeatTimeout",
        "LifecycleHookName",
        "LifecycleTransition",
        "NotificationMetadata",
        "NotificationTargetARN",
        "RoleARN",
    )


def _groups(client: ClientFactory, properties: Mapping[str, Any]) -> Iterator[str]:
    """Yield the group a part names, or every group when only existence is asked for."""
    if "AutoScalingGroupName" in properties:
        yield properties["AutoScalingGroupName"]
        return
    for page in client("autoscaling").get_paginator("describe_auto_scaling_groups").paginate():
        yield from (group["AutoScalingGroupName"] for group in page["AutoScalingGroups"])


def _scaling_policy(
    client: ClientFactory, physical_id: str, _: Mapping[str, Any]
) -> dict[str, Any]:
    pages = client("autoscaling").get_paginator("describe_policies").paginate()
    policy = only(
        policy
        for page in pages
        for policy in page["ScalingPolicies"]
        if physical_id in (policy.get("PolicyARN"), policy["PolicyName"])
    )
    return {
        **listed(
            policy,
            "AdjustmentType",
            "AutoScalingGroupName",
            "Cooldown",
            "EstimatedInstanceWarmup",
            "MetricAggregationType",
            "MinAdjustmentMagnitude",
            "PolicyName",
            "PredictiveScalingConfiguration",
            "ScalingAdjustment",
            "StepAdjustments",
            "TargetTrackingConfiguration",
        ),
        "Arn": policy.get("PolicyARN"),
        "PolicyType": policy.get("PolicyType"),
    }


def _scheduled_action(
    client: ClientFactory, physical_id: str, _: Mapping[str, Any]
) -> dict[str, Any]:
    pages = client("autoscaling").get_paginator("describe_scheduled_actions").paginate()
    action = only(
        action
        for page in pages
        for action in page["ScheduledUpdateGroupActions"]
        if physical_id in (action["ScheduledActionName"], action.get("ScheduledActionARN"))
    )
    return listed(
        action,
        "AutoScalingGroupName",
        "DesiredCapacity",
        "MaxSize",
        "MinSize",
        "Recurrence",
        "ScheduledActionName",
        "TimeZone",
    )


def _warm_pool(
    client: ClientFactory, physical_id: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    group = properties.get("AutoScalingGroupName", physical_id)
    answer = client("autoscaling").describe_warm_pool(AutoScalingGroupName=group)
    return {
        **listed(
            answer["WarmPoolConfiguration"],
            "InstanceReusePolicy",
            "MaxGroupPreparedCapacity",
            "MinSize",
            "PoolState",
        ),
        "AutoScalingGroupName": group,
    }


READERS: Mapping[str, Reader] = {
    "AWS::AutoScaling::AutoScalingGroup": _group,
    "AWS::AutoScaling::LifecycleHook": _lifecycle_hook,
    "AWS::AutoScaling::ScalingPolicy": _scaling_policy,
    "AWS::AutoScaling::ScheduledAction": _scheduled_action,
    "AWS::AutoScaling::WarmPool": _warm_pool,
}
