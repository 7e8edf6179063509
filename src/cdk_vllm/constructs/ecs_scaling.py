"""How many tasks an ECS service runs: between its fewest and its most, after its requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_applicationautoscaling as appscaling
from aws_cdk import aws_cloudwatch as cloudwatch

from cdk_vllm.constructs.engine_metrics import NAMESPACE
from cdk_vllm.constructs.replica_scaling import KEEP_MINIMUM, wake_from_zero
from cdk_vllm.sizing import timeouts_for

if TYPE_CHECKING:
    from aws_cdk import aws_ecs as ecs
    from constructs import Construct

    from cdk_vllm.constructs.engine_metrics import EngineMetrics
    from cdk_vllm.constructs.front_door import FrontDoor
    from cdk_vllm.sizing import ServingPlan

# How fast one request's tokens come under load, where nobody has measured it. A faster replica
# scales out early, a slower one late; only the fallback rule uses it.
ASSUMED_TOKENS_PER_SECOND = 25
SCALE_AT = 0.7  # of what a replica is sized for; the rest covers the cold start
KV_CACHE_TARGET = 0.8

_Policy = appscaling.CfnScalingPolicy
_Tracking = _Policy.TargetTrackingScalingPolicyConfigurationProperty


def scale_tasks(
    scope: Construct,
    plan: ServingPlan,
    service: ecs.CfnService,
    cluster: ecs.ICluster,
    front_door: FrontDoor,
    *,
    metrics: EngineMetrics | None = None,
) -> appscaling.CfnScalableTarget:
    """Follow the requests in each replica, running and waiting, and never let the KV cache fill.

    Without `metrics`, where no collector runs, follow the requests a task gets a minute instead: a
    fallback that is blind to their length. Cooldowns are a cold start to grow and two to shrink, so
    that a replica that is still loading is not ordered twice. Never the CPU, which idles while the
    GPU is full. From zero replicas, where the plan allows it, the first request that the load
    balancer refuses brings one. Returns what is scaled.
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
    if metrics is None:
        _policy(scope, target, "requests-per-task", _requests(plan, front_door))
    else:
        _policy(scope, target, "kv-cache", _kv_cache(plan, metrics))
        _policy(scope, target, "requests-at-once", _concurrency(plan, metrics))
    if plan.request.min_replicas == 0:
        wake_from_zero(scope, target, _refused(front_door))
    return target


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


def requests_at_once(plan: ServingPlan) -> int:
    """Return how many requests a replica is to hold, running and waiting: below it replicas go.

    `SCALE_AT` of the plan's `max_num_seqs`: the batch that vLLM runs at most, beyond which requests
    wait. Waiting ones alone would give no signal to scale in by.
    """
    return max(1, round(SCALE_AT * int(plan.engine_args["max_num_seqs"])))


def _policy(
    scope: Construct, target: appscaling.CfnScalableTarget, name: str, tracking: _Tracking
) -> None:
    _Policy(
        scope,
        "".join(word.title() for word in name.split("-")),
        policy_name=name,
        policy_type="TargetTrackingScaling",
        scaling_target_id=target.ref,
        target_tracking_scaling_policy_configuration=tracking,
    )


def _requests(plan: ServingPlan, front_door: FrontDoor) -> _Tracking:
    load_balancer = front_door.load_balancer.attr_load_balancer_full_name
    target_group = front_door.target_group.attr_target_group_full_name
    return _Tracking(
        target_value=requests_per_minute(plan),
        scale_out_cooldown=timeouts_for(plan).scale_out_cooldown_seconds,
        scale_in_cooldown=timeouts_for(plan).scale_in_cooldown_seconds,
        predefined_metric_specification=_Policy.PredefinedMetricSpecificationProperty(
            predefined_metric_type="ALBRequestCountPerTarget",
            resource_label=f"{load_balancer}/{target_group}",
        ),
    )


def _refused(front_door: FrontDoor) -> cloudwatch.Metric:
    """What the load balancer answers itself, with 503, while no target is registered."""
    return cloudwatch.Metric(
        namespace="AWS/ApplicationELB",
        metric_name="HTTPCode_ELB_503_Count",
        dimensions_map={"LoadBalancer": front_door.load_balancer.attr_load_balancer_full_name},
        statistic="Sum",
        period=Duration.minutes(1),
    )


def _concurrency(plan: ServingPlan, metrics: EngineMetrics) -> _Tracking:
    query = _Policy.TargetTrackingMetricDataQueryProperty
    return _Tracking(
        target_value=requests_at_once(plan),
        scale_out_cooldown=timeouts_for(plan).scale_out_cooldown_seconds,
        scale_in_cooldown=timeouts_for(plan).scale_in_cooldown_seconds,
        customized_metric_specification=_Policy.CustomizedMetricSpecificationProperty(
            metrics=[
                _query("running", metrics, "vllm:num_requests_running"),
                _query("waiting", metrics, "vllm:num_requests_waiting"),
                query(
                    id="replica",
                    expression="running + waiting",
                    label="Requests per replica",
                    return_data=True,
                ),
            ]
        ),
    )


def _kv_cache(plan: ServingPlan, metrics: EngineMetrics) -> _Tracking:
    """A guard only: long requests fill the cache while there are few; it never scales in."""
    return _Tracking(
        target_value=KV_CACHE_TARGET,
        disable_scale_in=True,
        scale_out_cooldown=timeouts_for(plan).scale_out_cooldown_seconds,
        scale_in_cooldown=timeouts_for(plan).scale_in_cooldown_seconds,
        customized_metric_specification=_Policy.CustomizedMetricSpecificationProperty(
            namespace=NAMESPACE,
            metric_name="vllm:kv_cache_usage_perc",
            dimensions=[_Policy.MetricDimensionProperty(name="service", value=metrics.name)],
            statistic="Average",
        ),
    )


def _query(
    query_id: str, metrics: EngineMetrics, name: str
) -> appscaling.CfnScalingPolicy.TargetTrackingMetricDataQueryProperty:
    dimension = _Policy.TargetTrackingMetricDimensionProperty(name="service", value=metrics.name)
    metric = _Policy.TargetTrackingMetricProperty(
        namespace=NAMESPACE, metric_name=name, dimensions=[dimension]
    )
    return _Policy.TargetTrackingMetricDataQueryProperty(
        id=query_id,
        metric_stat=_Policy.TargetTrackingMetricStatProperty(metric=metric, stat="Average"),
        return_data=False,
    )


def _keep_minimum(
    minimum: int,
) -> list[appscaling.CfnScalableTarget.ScheduledActionProperty] | None:
    """A new service has one task, and only a scheduled action lifts it to a higher minimum.

    Source: Application Auto Scaling User Guide, "Scheduled scaling"; target tracking leaves a
    count below its minimum alone until the load asks for more.
    """
    if minimum < 2:
        return None
    kind = appscaling.CfnScalableTarget
    return [
        kind.ScheduledActionProperty(
            scheduled_action_name=KEEP_MINIMUM,
            schedule="rate(5 minutes)",
            scalable_target_action=kind.ScalableTargetActionProperty(min_capacity=minimum),
        )
    ]
