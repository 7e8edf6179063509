"""Reads Application Auto Scaling back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.embedded_aws.readback.reading import listed, only

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.embedded_aws.readback.reading import ClientFactory, Reader


def _scalable_target(
    client: ClientFactory, physical_id: str, _: Mapping[str, Any]
) -> dict[str, Any]:
    resource_id, dimension, namespace = physical_id.split("|")
    scaling = client("application-autoscaling")
    answer = scaling.describe_scalable_targets(
        ServiceNamespace=namespace, ResourceIds=[resource_id], ScalableDimension=dimension
    )
    actions = scaling.describe_scheduled_actions(
        ServiceNamespace=namespace, ResourceId=resource_id, ScalableDimension=dimension
    )
    # The tags are not listed: moto's Application Auto Scaling has no calls for them.
    return {
        **listed(
            only(answer["ScalableTargets"]),
            "MaxCapacity",
            "MinCapacity",
            "ResourceId",
            "RoleARN",
            "ScalableDimension",
            "ServiceNamespace",
            "SuspendedState",
        ),
        "ScheduledActions": actions["ScheduledActions"],
    }


def _scaling_policy(
    client: ClientFactory, physical_id: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    # ...:scalingPolicy:<id>:resource/<namespace>/<resource id>:policyName/<name>
    resource = physical_id.split(":resource/", 1)[-1].split(":policyName/", 1)[0]
    target = properties.get("ScalingTargetId", "").split("|")
    namespace = properties.get("ServiceNamespace") or (
        target[2] if len(target) == 3 else resource.split("/", 1)[0]
    )
    answer = client("application-autoscaling").describe_scaling_policies(ServiceNamespace=namespace)
    policy = only(p for p in answer["ScalingPolicies"] if p["PolicyARN"] == physical_id)
    return {
        **listed(
            policy,
            "PolicyName",
            "PolicyType",
            "PredictiveScalingPolicyConfiguration",
            "ResourceId",
            "ScalableDimension",
            "ServiceNamespace",
            "StepScalingPolicyConfiguration",
            "TargetTrackingScalingPolicyConfiguration",
        ),
        "Arn": policy["PolicyARN"],
        "ScalingTargetId": "|".join(
            policy[name] for name in ("ResourceId", "ScalableDimension", "ServiceNamespace")
        ),
    }


READERS: Mapping[str, Reader] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": _scalable_target,
    "AWS::ApplicationAutoScaling::ScalingPolicy": _scaling_policy,
}
