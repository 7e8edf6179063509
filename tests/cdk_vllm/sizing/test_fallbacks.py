"""Other types for the same tasks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cdk_vllm import catalog, planning
from cdk_vllm.environment_file import load
from cdk_vllm.sizing import Alternative, container_memory_gib, fallback_instance_types

if TYPE_CHECKING:
    from cdk_vllm.sizing import ServingPlan


def alternative(name: str, ranks: int = 1, packed: int = 1) -> Alternative:
    return Alternative(
        instance_type=name,
        tensor_parallel_size=ranks,
        usd_per_hour=3.0,
        ranked_usd_per_hour=3.0,
        kv_cache_tokens=100_000,
        replicas_per_instance=packed,
    )


@pytest.mark.parametrize(
    ("other", "taken"),
    [
        (alternative("g6e.4xlarge"), True),
        (alternative("g7e.2xlarge"), True),
        (alternative("g6e.xlarge"), False),  # half the host memory of g6e.2xlarge
        (alternative("g6e.12xlarge"), False),  # four GPUs, and tasks of one
        (alternative("g6e.4xlarge", ranks=2), False),
        (alternative("g6e.4xlarge", packed=2), False),
        (alternative("x9.large"), False),
    ],
    ids=lambda value: getattr(value, "instance_type", None),
)
def test_a_type_takes_the_tasks_as_they_are_or_not_at_all(
    ecs_plan: ServingPlan, other: Alternative, taken: bool
) -> None:
    plan = replace(ecs_plan, alternatives=(other,))
    expected = ("g6e.2xlarge", other.instance_type) if taken else ("g6e.2xlarge",)
    assert fallback_instance_types(plan) == expected


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_fallbacks_of_real_plans_place_their_tasks(environment: str) -> None:
    types = catalog.instances()
    for plan in planning.plan(load(f"environments/{environment}.toml")).values():
        if plan.request.backend != "ecs":
            continue
        names = fallback_instance_types(plan)
        assert names[0] == plan.instance_type
        memory = container_memory_gib(plan.host_memory_gib, plan.replicas_per_instance)
        for name in names:
            assert types[name].gpus == plan.gpus
            free = container_memory_gib(types[name].memory_gib, plan.replicas_per_instance)
            assert free >= memory
