"""How many tasks an ECS service runs: between its fewest and its most, after its requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_applicationautoscaling as appscaling

from cdk_vllm.sizing import timeouts_for

if TYPE_CHECKING:
    from aws_cdk import aws_ecs as ecs
    from constructs import Construct

    from cdk_vllm.constructs.front_door import FrontDoor
    from cdk_vllm.sizing import ServingPlan

# How fast one request's tokens come under load, where nobody has measured it. A faster replica
# scales out early, a slower one late; only this fallback rule uses it.
ASSUMED_TOKENS_PER_SECOND = 25
SCALE_AT = 0.7  # of what a replica is sized for; the rest covers the cold start


def scale_tasks(
    scope: Construct,
    plan: ServingPlan,
    service: ecs.CfnService,
    cluster: ecs.ICluster,
    front_door: FrontDoor,
) -> appscaling.CfnScalingPolicy:
    """Follow the requests each task gets a minute: a fallback that is blind to their length.

    Cooldowns are a cold start to grow and two to shrink, so that a replica that is still loading is
    not ordered twice. Never the CPU, which idles while the GPU is full.
    """
    target = appscaling.CfnScalableTarget(
        scope,
        "Replicas",
        service_namespace="ecs",
        scalable_dimension="ecs:service:DesiredCount",
        resource_id=f"service/{cluster.cluster_name}/{service.attr_name}",
        min_capacity=plan.request.min_replicas,
        max_capacity=plan.request.max_replicas,
        scheduled_actions=_keep_minimum(plan.request.min_replicas),
    )
    policy, timeouts = appscaling.CfnScalingPolicy, timeouts_for(plan)
    load_balancer = front_door.load_balancer.attr_load_balancer_full_name
    target_group = front_door.target_group.attr_target_group_full_name
    tracking = policy.TargetTrackingScalingPolicyConfigurationProperty(
        target_value=requests_per_minute(plan),
        scale_out_cooldown=timeouts.scale_out_cooldown_seconds,
        scale_in_cooldown=timeouts.scale_in_cooldown_seconds,
        predefined_metric_specification=policy.PredefinedMetricSpecificationProperty(
            predefined_metric_type="ALBRequestCountPerTarget",
            resource_label=f"{load_balancer}/{target_group}",
        ),
    )
    return policy(
        scope,
        "RequestsPerTask",
        policy_name="requests-per-task",
        policy_type="TargetTrackingScaling",
        scaling_target_id=target.ref,
        target_tracking_scaling_policy_configuration=tracking,
    )


def requests_per_minute(plan: ServingPlan) -> int:
    """Return how many requests a minute one task is to get, by Little's law.

    `SCALE_AT` of the requests at once that a replica is sized for, each lasting its output tokens
    at `ASSUMED_TOKENS_PER_SECOND`, and at most `max_request_seconds`.
    """
    workload = plan.request.workload
    seconds = min(
        max(workload.output_tokens / ASSUMED_TOKENS_PER_SECOND, 1.0),
        plan.request.max_request_seconds,
    )
    return max(1, round(SCALE_AT * workload.concurrent_requests * 60 / seconds))


def _keep_minimum(
    minimum: int,
) -> list[appscaling.CfnScalableTarget.ScheduledActionProperty] | None:
    """A new service has one task, and only a scheduled action lifts it to a higher minimum.

    Source: Application Auto Scaling User Guide, "Scheduled scaling"; target tracking leaves a
    count below its minimum alone until the load asks for more.
    """
    if minimum == 1:
        return None
    kind = appscaling.CfnScalableTarget
    return [
        kind.ScheduledActionProperty(
            scheduled_action_name="keep-minimum",
            schedule="rate(5 minutes)",
            scalable_target_action=kind.ScalableTargetActionProperty(min_capacity=minimum),
        )
    ]
