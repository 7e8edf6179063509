"""A SageMaker endpoint's one variant: instances, driver, time to start, and routing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import aws_sagemaker as sagemaker

from cdk_vllm.sizing import timeouts_for
from cdk_vllm.sizing.fallback import instance_types

if TYPE_CHECKING:
    from cdk_vllm.sizing import ServingPlan

VARIANT = "vllm"
INFERENCE_AMI = "al2023-ami-sagemaker-inference-gpu-4-1"
"""Driver 580, CUDA 13: vLLM's image since 0.20 starts on no older one."""

MAX_VOLUME_GB = 512
# How long one type is tried before the next one is; SageMaker allows 300 to 3600 s for all.
PROVISION_SECONDS_PER_TYPE = 600
MAX_PROVISION_SECONDS = 3600

_Kind = sagemaker.CfnEndpointConfig


def metrics_config() -> _Kind.MetricsConfigProperty:
    """Return a configuration that has SageMaker publish what the container and its GPUs tell.

    Enhanced metrics are those of each instance. Detailed observability reads vLLM's own series at
    /metrics on port 8080, its default path, and those of the GPUs, once a minute, for PromQL.
    """
    return _Kind.MetricsConfigProperty(
        enable_enhanced_metrics=True, enable_detailed_observability=True
    )


def plain_variant(plan: ServingPlan, model_name: str) -> dict[str, Any]:
    """Return the properties of a variant that runs one model on its instances."""
    startup = timeouts_for(plan).engine_ready_timeout_seconds
    return {
        **instances(plan),
        "model_name": model_name,
        "initial_instance_count": max(1, plan.request.min_replicas),
        "initial_variant_weight": 1,
        "container_startup_health_check_timeout_in_seconds": startup,
        "model_data_download_timeout_in_seconds": startup,
        "volume_size_in_gb": _volume_size_gb(plan),
    }


def instances(plan: ServingPlan) -> dict[str, Any]:
    """Return the properties of a variant that say what it runs on.

    Where the planned type has no capacity, at creation and at each scale-out, SageMaker takes the
    next of the plan's alternatives, and lets go of the last ones first.
    """
    types = instance_types(plan)
    shared = {
        "variant_name": VARIANT,
        "inference_ami_version": INFERENCE_AMI,
        "enable_ssm_access": False,
        "routing_config": routing(plan),
    }
    if len(types) == 1:
        return {**shared, "instance_type": plan.instance_type}
    pools = [
        _Kind.InstancePoolProperty(instance_type=instance_type, priority=priority)
        for priority, instance_type in enumerate(types, start=1)
    ]
    patience = min(MAX_PROVISION_SECONDS, PROVISION_SECONDS_PER_TYPE * len(types))
    return {
        **shared,
        "instance_pools": pools,
        "variant_instance_provision_timeout_in_seconds": patience,
    }


def routing(plan: ServingPlan) -> sagemaker.CfnEndpointConfig.RoutingConfigProperty:
    """Return how requests find an instance: the least busy, or the one that knows their beginning.

    The second where the request asks for prefix caching by name and there is a choice of instances.
    SageMaker's third way, by what lies in the KV cache, CloudFormation does not know yet.
    """
    request = plan.request
    by_prefix = request.engine.get("enable_prefix_caching") is True and request.max_replicas > 1
    strategy = "PREFIX_AWARE" if by_prefix else "LEAST_OUTSTANDING_REQUESTS"
    return _Kind.RoutingConfigProperty(routing_strategy=strategy)


def _volume_size_gb(plan: ServingPlan) -> int | None:
    """SageMaker takes a size only where the instance has no disk of its own."""
    if plan.local_nvme_gb:
        return None
    return min(MAX_VOLUME_GB, 100 + round(1.5 * plan.weights_total_gib))
