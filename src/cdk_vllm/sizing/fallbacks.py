"""Which other instance types take a plan's tasks as they are, where its own has no capacity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm import catalog
from cdk_vllm.sizing.host_memory import container_memory_gib

if TYPE_CHECKING:
    from cdk_vllm.sizing.plan import ServingPlan

MAX_TYPES = 40
"""EC2 Auto Scaling API Reference, `LaunchTemplate.Overrides`."""


def fallback_instance_types(plan: ServingPlan) -> tuple[str, ...]:
    """Return EC2 instance types for a plan's tasks, its own first, then by price.

    A task is the same on each: as many GPUs, split over as many ranks, as many tasks on an
    instance, and no less host memory for each, because all of that is written into the task. Those
    with fewer GPUs could never place it; those with more would leave GPUs idle.
    """
    own = plan.instance_type
    needed = container_memory_gib(plan.host_memory_gib, plan.replicas_per_instance)
    types = catalog.instances()
    others = [
        other.instance_type
        for other in plan.alternatives
        if other.tensor_parallel_size == plan.tensor_parallel_size
        and other.replicas_per_instance == plan.replicas_per_instance
        and other.instance_type in types
        and types[other.instance_type].gpus == plan.gpus
        and types[other.instance_type].arch == types[own].arch
        and container_memory_gib(types[other.instance_type].memory_gib, other.replicas_per_instance)
        >= needed
    ]
    return (own, *others)[:MAX_TYPES]
