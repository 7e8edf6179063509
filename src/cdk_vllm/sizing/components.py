"""Several models, or copies of one, on one instance: how many fit, and what each costs.

A copy takes whole GPUs, its tensor parallel size, and its share of the host's memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm.errors import PlanError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdk_vllm.sizing.plan import ServingPlan

HOST_MEMORY_SHARE = 0.8  # the rest is the operating system's, SageMaker's agents' and page cache
MIB_PER_GIB = 1024


def copies_per_instance(plan: ServingPlan) -> int:
    """Return how many copies one instance of the plan's type holds."""
    return plan.gpus // plan.tensor_parallel_size


def host_memory_mib(plan: ServingPlan) -> int:
    """Return the host memory that one copy may take: the instance's, shared out by GPU."""
    share = plan.tensor_parallel_size / plan.gpus
    return int(plan.host_memory_gib * MIB_PER_GIB * HOST_MEMORY_SHARE * share)


def usd_per_hour(plan: ServingPlan) -> float | None:
    """Return what one copy costs: its share of the instance's GPUs; `None` where unknown."""
    if plan.usd_per_hour is None:
        return None
    instance = plan.usd_per_hour * plan.replicas_per_instance
    return round(instance * plan.tensor_parallel_size / plan.gpus, 6)


def instances_for(plans: Sequence[tuple[ServingPlan, int]]) -> int:
    """Return how many instances so many copies of each plan need, the largest laid first.

    Raises:
        PlanError: when the plans are for different instance types.
    """
    types = sorted({plan.instance_type for plan, _ in plans})
    if len(types) > 1:
        raise PlanError(
            f"Models that share instances need one instance type, and the plans name "
            f'{" and ".join(types)}; plan them again with instance_type = "{types[0]}", say.'
        )
    sizes = [plan.tensor_parallel_size for plan, copies in plans for _ in range(copies)]
    gpus = plans[0][0].gpus if plans else 0
    free: list[int] = []
    for size in sorted(sizes, reverse=True):
        place = next((i for i, left in enumerate(free) if left >= size), None)
        if place is None:
            free.append(gpus - size)
        else:
            free[place] -= size
    return len(free)
