"""Which instance types take over where the planned one has no capacity, exactly as planned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm import catalog
from cdk_vllm.sizing.engine_args import default_batched_tokens
from cdk_vllm.sizing.usable import default_utilization

if TYPE_CHECKING:
    from cdk_vllm.catalog import Instance
    from cdk_vllm.sizing.plan import Alternative, ServingPlan

MOST_INSTANCE_TYPES = 5  # SageMaker's limit of pools in a variant
MOST_TIMES_THE_PRICE = 2.0  # a night on an eight-GPU instance must not come as a surprise


def instance_types(plan: ServingPlan) -> tuple[str, ...]:
    """Return the plan's instance type and those that take over, in the plan's order; five at most.

    One takes over where it holds the model with the same tensor parallel size and the very options
    of the plan (its GPU batches as many tokens by default and may be filled as far), has disks of
    its own if the planned one has, and costs at most twice as much. A user's own `instance_type`
    has no fallback: naming it said so.
    """
    if plan.request.instance_type is not None:
        return (plan.instance_type,)
    known = _by_name(plan)
    others = [a.instance_type for a in plan.alternatives if _takes_over(plan, a, known)]
    return (plan.instance_type, *others)[:MOST_INSTANCE_TYPES]


def _by_name(plan: ServingPlan) -> dict[str, Instance]:
    on_sagemaker = plan.request.backend == "sagemaker"
    return {(i.sagemaker or "") if on_sagemaker else i.name: i for i in _instances()}


def _instances() -> list[Instance]:
    return list(catalog.instances().values())


def _takes_over(plan: ServingPlan, other: Alternative, known: dict[str, Instance]) -> bool:
    instance = known.get(other.instance_type)
    if instance is None or other.tensor_parallel_size != plan.tensor_parallel_size:
        return False
    gpu = catalog.gpus()[instance.gpu]
    batched = int(plan.engine_args.get("max_num_batched_tokens", 0))
    filled = float(plan.engine_args.get("gpu_memory_utilization", 0.0))
    return (
        default_batched_tokens(gpu) >= batched
        and default_utilization(gpu) >= filled
        and bool(instance.local_nvme_gb) == bool(plan.local_nvme_gb)
        and other.ranked_usd_per_hour <= MOST_TIMES_THE_PRICE * plan.ranked_usd_per_hour
    )
