"""How many instances or copies a SageMaker endpoint runs, after the requests in progress."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_applicationautoscaling as appscaling

from cdk_vllm.constructs.replica_scaling import add_schedule, wake_from_zero
from cdk_vllm.sizing import timeouts_for

__all__ = [
    "PER_COPY",
    "PER_INSTANCE",
    "WAKE_PERIOD",
    "add_schedule",
    "follow_backlog",
    "follow_requests",
    "requests_at_once",
    "scalable_copies",
    "scalable_instances",
    "wake_from_zero",
]

if TYPE_CHECKING:
    from constructs import Construct

    from cdk_vllm.sizing import ServingPlan

SCALE_AT = 0.7  # of what runs at once; the rest covers the cold start
# Every ten seconds, streams in progress included; the others count finished requests by the minute.
PER_INSTANCE = "SageMakerVariantConcurrentRequestsPerModelHighResolution"
PER_COPY = "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution"
WAKE_PERIOD = Duration.seconds(30)

_Target = appscaling.CfnScalableTarget
_Policy = appscaling.CfnScalingPolicy
_Tracking = _Policy.TargetTrackingScalingPolicyConfigurationProperty


def requests_at_once(plan: ServingPlan) -> int:
    """Return how many requests a replica is to have in progress: below it, replicas go.

    `SCALE_AT` of the plan's maximum: what vLLM batches, or what the KV cache holds of the typical
    request if that is less.
    """
    most = min(float(plan.engine_args["max_num_seqs"]), plan.typical_concurrency)
    return max(1, round(SCALE_AT * most))


def scalable_instances(scope: Construct, plan: ServingPlan, resource_id: str) -> _Target:
    """Return the number of instances of a variant, between the plan's fewest and most replicas."""
    return _Target(
        scope,
        "Replicas",
        service_namespace="sagemaker",
        scalable_dimension="sagemaker:variant:DesiredInstanceCount",
        resource_id=resource_id,
        min_capacity=plan.request.min_replicas,
        max_capacity=plan.request.max_replicas,
    )


def scalable_copies(scope: Construct, component_name: str, fewest: int, most: int) -> _Target:
    """Return the number of copies of an inference component."""
    return _Target(
        scope,
        "Copies",
        service_namespace="sagemaker",
        scalable_dimension="sagemaker:inference-component:DesiredCopyCount",
        resource_id=f"inference-component/{component_name}",
        min_capacity=fewest,
        max_capacity=most,
    )


def follow_requests(scope: Construct, plan: ServingPlan, target: _Target, metric: str) -> _Policy:
    """Scale on the requests in progress of each replica: `PER_INSTANCE` or `PER_COPY`."""
    return _track(
        scope,
        "RequestsAtOnce",
        target,
        _Tracking(
            target_value=requests_at_once(plan),
            scale_out_cooldown=timeouts_for(plan).scale_out_cooldown_seconds,
            scale_in_cooldown=timeouts_for(plan).scale_in_cooldown_seconds,
            predefined_metric_specification=_Policy.PredefinedMetricSpecificationProperty(
                predefined_metric_type=metric
            ),
        ),
    )


def follow_backlog(
    scope: Construct, plan: ServingPlan, target: _Target, endpoint_name: str
) -> _Policy:
    """Scale an asynchronous endpoint on what waits for each instance; others have no backlog."""
    dimension = _Policy.MetricDimensionProperty(name="EndpointName", value=endpoint_name)
    return _track(
        scope,
        "Backlog",
        target,
        _Tracking(
            target_value=requests_at_once(plan),
            scale_out_cooldown=timeouts_for(plan).scale_out_cooldown_seconds,
            scale_in_cooldown=timeouts_for(plan).scale_in_cooldown_seconds,
            customized_metric_specification=_Policy.CustomizedMetricSpecificationProperty(
                namespace="AWS/SageMaker",
                metric_name="ApproximateBacklogSizePerInstance",
                dimensions=[dimension],
                statistic="Average",
            ),
        ),
    )


def _track(scope: Construct, construct_id: str, target: _Target, tracking: _Tracking) -> _Policy:
    return _Policy(
        scope,
        construct_id,
        policy_name="requests-at-once" if construct_id == "RequestsAtOnce" else "backlog",
        policy_type="TargetTrackingScaling",
        scaling_target_id=target.ref,
        target_tracking_scaling_policy_configuration=tracking,
    )
