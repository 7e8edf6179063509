"""Each refusal is one clause with its arithmetic."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm import catalog
from cdk_vllm.sizing import refusals
from cdk_vllm.sizing.on_gpu import on_gpu

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdk_vllm.sizing import ServingRequest

    Ask = Callable[..., ServingRequest]


@pytest.mark.parametrize(
    ("change", "gpu", "pattern"),
    [
        ({"model": "Qwen/Qwen3-14B"}, "A10G",
         r"it needs 27\.5\d GiB of weights, and 20\.\d\d GiB are usable on one A10G"),
        ({}, "L4", r"32 requests of 2,500 tokens need, with a tenth to spare, \d+\.\d\d$"),
        ({"concurrent_requests": 1, "max_model_len": 40960}, "L4",
         r"one request of 40,960 tokens needs, with a tenth to spare, \d+\.\d\d$"),
        ({"tpot_seconds": 0.01}, "L40S",
         r"with 32 requests at once each output token takes \d+\.?\d* ms to \d+\.?\d* ms "
         r"\(uncalibrated: .*\), above the target of 10 ms"),
        ({"ttft_seconds": 0.01, "concurrent_requests": 1}, "L40S",
         r"with one request at a time each first token takes .* above the target of 10 ms"),
    ],
)  # fmt: skip
def test_memory_and_speed(ask: Ask, change: dict[str, Any], gpu: str, pattern: str) -> None:
    found = on_gpu(ask(**change), catalog.gpus()[gpu], 1)
    assert found.illegal is None
    assert re.search(pattern, str(found.short)), found.short


def test_a_gpu_of_unknown_speed_meets_no_target(ask: Ask) -> None:
    request = ask(tpot_seconds=1.0)
    assert "nobody has published" in str(refusals.too_slow(request, request.workload, None))
    assert refusals.too_slow(ask(), request.workload, None) is None


def test_a_target_that_is_met_refuses_nothing(ask: Ask) -> None:
    assert on_gpu(ask(tpot_seconds=1.0, ttft_seconds=60.0), catalog.gpus()["L40S"], 1).fits


def test_a_machine_may_be_too_small_around_its_gpu(ask: Ask) -> None:
    request = ask("mistralai/Mistral-Large-Instruct-2407", backend="sagemaker")
    instance = catalog.instances()["g6.xlarge"]
    assert "250 GB" in str(refusals.instance_refusal(request, instance, 1))


def test_all_of_it_together(ask: Ask) -> None:
    request = ask()
    found = on_gpu(request, catalog.gpus()["L40S"], 1)
    instance = catalog.instances()["g6e.xlarge"]
    why = refusals.refusal(request, request.workload, instance, found.engine_args, found.memory)
    assert why is None
