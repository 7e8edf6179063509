"""A plan is checked whoever wrote it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm.sizing import ServingPlan, choose, fits

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdk_vllm.sizing import ServingRequest

    Ask = Callable[..., ServingRequest]


@pytest.fixture(scope="module")
def plan(ask: Ask) -> ServingPlan:
    return choose(ask())


def arguments(plan: ServingPlan, **changes: Any) -> ServingPlan:
    return replace(plan, engine_args={**plan.engine_args, **changes})


def test_todays_plan_fits(plan: ServingPlan) -> None:
    assert fits(plan) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"instance_type": "g6.xlarge", "gpu": "L4"}, "for the KV cache"),
        ({"instance_type": "g4dn.xlarge", "gpu": "T4"}, "no bfloat16"),
        ({"instance_type": "g9.xlarge"}, "no g9.xlarge"),
        ({"instance_type": "g5g.xlarge"}, "Arm"),
        ({"gpu": "L4"}, "gpu is L4, and must be L40S"),
        ({"gpus": 4}, "gpus is 4, and must be 1"),
        ({"gpus_per_replica": 2}, "gpus_per_replica is 2"),
        ({"tensor_parallel_size": 2}, "must be 2"),
        ({"replicas_per_instance": 2}, "2 replicas of 1 GPUs"),
        ({"engine_args": {}}, "lack tensor_parallel_size"),
    ],
)
def test_a_wrong_plan_is_told_why(plan: ServingPlan, change: dict[str, Any], words: str) -> None:
    assert words in str(fits(replace(plan, **change)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"max_num_seqs": 1024, "max_num_batched_tokens": 131072}, "for the KV cache"),
        ({"gpu_memory_utilization": 0.5}, "for the KV cache"),
        ({"gpu_memory_utilization": 0.99}, "must be left"),
        ({"max_model_len": 8192}, "max_model_len is 8192, and must be 16384"),
    ],
)
def test_the_plans_own_arguments_are_what_is_checked(
    plan: ServingPlan, change: dict[str, Any], words: str
) -> None:
    assert words in str(fits(arguments(plan, **change)))


def test_a_request_that_became_wrong_is_a_reason_too(plan: ServingPlan) -> None:
    request = replace(plan.request, engine={"swap_space": 4})
    assert "swap_space" in str(fits(replace(plan, request=request)))


def test_a_split_that_the_model_forbids(ask: Ask) -> None:
    plan = choose(ask("microsoft/phi-4", instance_type="g6.12xlarge", concurrent_requests=8))
    four = replace(
        arguments(plan, tensor_parallel_size=4), tensor_parallel_size=4, gpus_per_replica=4,
        replicas_per_instance=1,
    )  # fmt: skip
    assert "10 KV heads" in str(fits(four))
