"""The container's room: it fits the instance, and ranks can talk to each other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm.constructs.ecs_container import container_definition

if TYPE_CHECKING:
    import aws_cdk as cdk

    from cdk_vllm.sizing import ServingPlan


def define(stack: cdk.Stack, plan: ServingPlan) -> dict[str, Any]:
    definition = container_definition(
        plan,
        image_uri="image",
        model_uri="s3://bucket/model/",
        api_key_arn="arn",
        log_group_name="group",
        region="us-east-1",
    )
    resolved: dict[str, Any] = stack.resolve(definition)
    return resolved


@pytest.mark.parametrize(
    ("ranks", "shared_mib"), [(1, 1024), (2, 8192), (4, 8192), (8, 8192), (16, 16384)]
)
def test_shared_memory_grows_with_the_ranks(
    stack: cdk.Stack, ecs_plan: ServingPlan, ranks: int, shared_mib: int
) -> None:
    plan = replace(ecs_plan, tensor_parallel_size=ranks)
    assert define(stack, plan)["linuxParameters"]["sharedMemorySize"] == shared_mib


@pytest.mark.parametrize("replicas", [1, 2, 4])
def test_all_replicas_of_an_instance_fit_its_memory(
    stack: cdk.Stack, ecs_plan: ServingPlan, replicas: int
) -> None:
    plan = replace(ecs_plan, host_memory_gib=192.0, replicas_per_instance=replicas)
    memory_mib = define(stack, plan)["memory"]
    assert replicas * memory_mib < 192 * 1024 * 0.96
    assert replicas * memory_mib > 192 * 1024 * 0.85


def test_it_reserves_the_gpus_of_one_replica(stack: cdk.Stack, ecs_plan: ServingPlan) -> None:
    plan = replace(ecs_plan, gpus=8, gpus_per_replica=4)
    assert define(stack, plan)["resourceRequirements"] == [{"type": "GPU", "value": "4"}]


def test_the_key_comes_by_reference_and_stands_nowhere_else(
    stack: cdk.Stack, ecs_plan: ServingPlan
) -> None:
    container = define(stack, ecs_plan)
    assert container["secrets"] == [{"name": "VLLM_API_KEY", "valueFrom": "arn"}]
    assert "VLLM_API_KEY" not in str([container["environment"], container["command"]])
