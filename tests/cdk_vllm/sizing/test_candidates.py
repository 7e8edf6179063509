"""One instance type at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm import catalog
from cdk_vllm.sizing import candidates

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdk_vllm.sizing import ServingRequest

    Ask = Callable[..., ServingRequest]


def of(request: ServingRequest, name: str) -> list[candidates.Candidate]:
    instance = catalog.instances()[name]
    shown = name if request.backend == "ecs" else f"ml.{name}"
    return candidates.candidates_of(request, shown, instance)


def test_sizes_are_what_the_model_and_the_instance_allow(ask: Ask) -> None:
    assert [c.tensor_parallel_size for c in of(ask(), "g6.12xlarge")] == [1, 2, 4]
    assert [c.tensor_parallel_size for c in of(ask("microsoft/phi-4"), "g6.12xlarge")] == [2]
    forced = ask(engine={"tensor_parallel_size": 4})
    assert [c.tensor_parallel_size for c in of(forced, "g6.12xlarge")] == [4]
    assert of(forced, "g6.xlarge") == []


@pytest.mark.parametrize(
    ("change", "name", "words"),
    [
        ({}, "g4dn.xlarge", "no bfloat16"),
        ({}, "g6.xlarge", "for the KV cache"),
        ({"region": "eu-west-1"}, "g6e.xlarge", "not offered in eu-west-1"),
        (
            {"model": "Qwen/Qwen3-32B"},
            "g6.xlarge",
            "GiB of weights, and 20.30 GiB are usable on one L4",
        ),
        ({"engine": {"gpu_memory_utilization": 0.97}}, "g6.xlarge", "must be left"),
        ({"engine": {"kv_cache_dtype": "fp8"}}, "g5.xlarge", "float8"),
        (
            {"model": "mistralai/Mistral-Large-Instruct-2407", "backend": "sagemaker"},
            "g6.xlarge",
            "250 GB",
        ),
    ],
)
def test_a_reason_has_the_numbers(ask: Ask, change: dict[str, Any], name: str, words: str) -> None:
    assert words in str(of(ask(**change), name)[0].reason)


@pytest.mark.parametrize(
    ("backend", "max_replicas", "packed"), [("ecs", 8, 2), ("ecs", 1, 1), ("sagemaker", 8, 1)]
)
def test_replicas_pack_on_ecs_only(ask: Ask, backend: str, max_replicas: int, packed: int) -> None:
    request = ask(backend=backend, max_replicas=max_replicas)
    assert of(request, "g6.12xlarge")[1].replicas_per_instance == packed


def test_ecs_takes_the_fewest_gpus_and_sagemaker_all_that_help(ask: Ask) -> None:
    for name, ecs_size, sagemaker_size in (
        ("g6.12xlarge", 2, 4),
        ("g6.48xlarge", 2, 4),
        ("p5.48xlarge", 1, 8),
    ):
        for backend, size in (("ecs", ecs_size), ("sagemaker", sagemaker_size)):
            request = ask(backend=backend)
            best = candidates.best_of(request, of(request, name))
            assert best is not None
            assert best.tensor_parallel_size == size, (name, backend)


def test_the_nearest_miss_stands_for_an_instance_that_does_not_fit(ask: Ask) -> None:
    request = ask("meta-llama/Llama-3.3-70B-Instruct")
    best = candidates.best_of(request, of(request, "g6.12xlarge"))
    assert best is not None
    assert best.tensor_parallel_size == 4
    assert best.reason
    assert candidates.best_of(request, []) is None


def test_names_are_the_backends(ask: Ask) -> None:
    assert "g6.xlarge" in candidates.instance_names(ask())
    sagemaker = candidates.instance_names(ask(backend="sagemaker"))
    assert "ml.g6.xlarge" in sagemaker
    assert "ml.gr6.4xlarge" not in sagemaker


def test_a_gpu_is_sized_once_for_all_its_instances(ask: Ask) -> None:
    memo: candidates.Memo = {}
    first = candidates.candidates_of(ask(), "g6.xlarge", catalog.instances()["g6.xlarge"], memo)
    second = candidates.candidates_of(ask(), "g6.2xlarge", catalog.instances()["g6.2xlarge"], memo)
    assert first[0].on_gpu is second[0].on_gpu
    assert set(memo) == {("L4", 1)}


def test_a_peak_takes_as_many_replicas_as_it_needs(ask: Ask) -> None:
    request = ask(peak_concurrent_requests=200)
    best = candidates.best_of(request, of(request, "g6e.12xlarge"))
    assert best is not None
    each = best.on_gpu.workload.concurrent_requests
    assert (best.replicas - 1) * each < 200 <= best.replicas * each
    assert best.instances == -(-best.replicas // best.replicas_per_instance)
