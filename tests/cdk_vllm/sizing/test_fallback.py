"""What takes over where the planned instance type is sold out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cdk_vllm.sizing import ServingPlan, ServingRequest, Workload, choose, model_shape
from cdk_vllm.sizing.fallback import MOST_TIMES_THE_PRICE, instance_types


def plan(**request: object) -> ServingPlan:
    asked: dict[str, object] = {
        "service": "chat",
        "backend": "sagemaker",
        "region": "us-east-1",
        "model": "Qwen/Qwen3-8B",
        "revision": "main",
        "shape": model_shape("Qwen/Qwen3-8B"),
        "max_request_seconds": 60,
        "workload": Workload(
            max_model_len=16384, prompt_tokens=2000, output_tokens=500, concurrent_requests=32
        ),
    }
    return choose(ServingRequest(**(asked | request)))  # type: ignore[arg-type]


@pytest.mark.parametrize("backend", ["ecs", "sagemaker"])
def test_the_planned_type_goes_first_and_the_others_follow_by_price(backend: str) -> None:
    found = plan(backend=backend)
    types = instance_types(found)
    assert types[0] == found.instance_type
    assert 2 <= len(types) <= 5
    assert len(set(types)) == len(types)
    prices = {a.instance_type: a.ranked_usd_per_hour for a in found.alternatives}
    followers = [prices[name] for name in types[1:]]
    assert followers == sorted(followers)
    assert followers[-1] <= MOST_TIMES_THE_PRICE * found.ranked_usd_per_hour


def test_only_the_same_tensor_parallel_size_takes_over() -> None:
    found = plan()
    split = [replace(a, tensor_parallel_size=2) for a in found.alternatives]
    assert instance_types(replace(found, alternatives=tuple(split))) == (found.instance_type,)


def test_a_gpu_that_batches_less_does_not_take_over() -> None:
    found = plan()
    larger = {**found.engine_args, "max_num_batched_tokens": 8192}
    types = instance_types(replace(found, engine_args=larger))
    # L40S takes 2,048 tokens at once by default, and was sized for them.
    assert not [name for name in types[1:] if name.startswith("ml.g6e.")]
    assert "ml.g7e.2xlarge" in types


def test_a_dear_instance_does_not_take_over_by_night() -> None:
    found = plan()
    dear = replace(found.alternatives[0], ranked_usd_per_hour=2.01 * found.ranked_usd_per_hour)
    assert dear.instance_type not in instance_types(replace(found, alternatives=(dear,)))


def test_a_type_without_disks_does_not_take_over_from_one_with() -> None:
    found = replace(plan(), local_nvme_gb=0)
    assert instance_types(found) == (found.instance_type,)


def test_a_type_that_was_named_has_no_fallback() -> None:
    found = plan(instance_type="ml.g6e.2xlarge")
    assert found.alternatives
    assert instance_types(found) == ("ml.g6e.2xlarge",)


def test_a_type_that_nobody_knows_is_left_out() -> None:
    found = plan()
    unknown = replace(found.alternatives[0], instance_type="ml.g99.xlarge")
    assert instance_types(replace(found, alternatives=(unknown,))) == (found.instance_type,)
