"""The terms together: against public logs, and adding up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdk_vllm import catalog
from cdk_vllm.sizing import activation, memory, model_shape, usable, weights
from cdk_vllm.sizing.overheads import NON_TORCH_GIB
from cdk_vllm.sizing.plan import Workload
from cdk_vllm.sizing.units import GIB

POINTS = json.loads(Path(__file__).with_name("measurements.json").read_text("utf-8"))["points"]
WHOLE = [
    point
    for point in POINTS
    if {"total_gib", "gpu_memory_utilization", "activation_gib"} <= set(point)
    and point["outcome"] == "fits"
]
WORKLOAD = Workload(
    max_model_len=8192, prompt_tokens=2000, output_tokens=500, concurrent_requests=8
)
ARGUMENTS: dict[str, Any] = {
    "tensor_parallel_size": 1,
    "max_num_seqs": 16,
    "max_num_batched_tokens": 2048,
    "gpu_memory_utilization": 0.9,
    "dtype": "bfloat16",
}


@pytest.mark.parametrize("point", WHOLE, ids=lambda p: f"{p['model']}-{p['gpu']}")
def test_the_kv_cache_matches_the_logs(point: dict[str, Any]) -> None:
    # These engines did not subtract CUDA graphs, and sampled with the older constant.
    shape, ranks = model_shape(point["model"]), point["tensor_parallel_size"]
    interconnect = "nvlink" if point["gpu"] == "H100" else "pcie"
    taken = weights.weights_bytes_per_rank(shape, ranks) + activation.activation_bytes(
        shape,
        ranks,
        point["max_num_batched_tokens"],
        point["max_num_seqs"],
        activation.SAMPLER_BYTES_PER_LOGIT_UP_TO_0_11,
    )
    total = int(point["total_gib"] * GIB)
    left = usable.usable_bytes(total, point["gpu_memory_utilization"]) - taken
    left_gib = left / GIB - NON_TORCH_GIB[interconnect][ranks]
    assert left_gib == pytest.approx(point["kv_cache_gib"], abs=0.2)


def test_the_terms_are_those_of_the_rules() -> None:
    shape, gpu = model_shape("Qwen/Qwen3-8B"), catalog.gpus()["L40S"]
    size = memory.memory_bytes(shape, WORKLOAD, gpu, ARGUMENTS)
    assert size.weights == weights.weights_bytes_per_rank(shape, 1)
    assert size.activation == activation.activation_bytes(shape, 1, 2048, 16)
    assert size.kv_cache_needed == -(-157 * 8 * 110 // 100) * 16 * 147456  # 157 blocks a request
    assert size.usable - size.kv_cache == (
        size.weights + size.activation + size.non_torch + size.cuda_graphs
    )


@pytest.mark.parametrize(
    ("change", "grows"),
    [
        ({"enforce_eager": True}, True),
        ({"max_cudagraph_capture_size": 8}, True),
        ({"gpu_memory_utilization": 0.95}, True),
        ({"max_num_seqs": 256}, False),
        ({"max_num_batched_tokens": 16384}, False),
    ],
)
def test_the_users_options_move_the_kv_cache(change: dict[str, Any], grows: bool) -> None:
    shape, gpu = model_shape("Qwen/Qwen3-8B"), catalog.gpus()["L40S"]
    before = memory.memory_bytes(shape, WORKLOAD, gpu, ARGUMENTS).kv_cache
    after = memory.memory_bytes(shape, WORKLOAD, gpu, ARGUMENTS | change).kv_cache
    assert (after > before) == grows
    assert after != before


def test_a_float8_cache_holds_twice_the_tokens() -> None:
    shape, gpu = model_shape("Qwen/Qwen3-8B"), catalog.gpus()["L40S"]
    whole = memory.memory_bytes(shape, WORKLOAD, gpu, ARGUMENTS)
    half = memory.memory_bytes(shape, WORKLOAD, gpu, ARGUMENTS | {"kv_cache_dtype": "fp8"})
    assert half.blocks in (2 * whole.blocks, 2 * whole.blocks + 1)


@given(
    model=st.sampled_from(sorted(catalog.models())),
    gpu=st.sampled_from(["T4", "L4", "L40S", "H100", "B200"]),
    seqs=st.integers(1, 1024),
    batched=st.integers(1024, 16384),
)
def test_the_terms_add_up(model: str, gpu: str, seqs: int, batched: int) -> None:
    arguments = ARGUMENTS | {"max_num_seqs": seqs, "max_num_batched_tokens": batched}
    size = memory.memory_bytes(model_shape(model), WORKLOAD, catalog.gpus()[gpu], arguments)
    shown = memory.memory_per_gpu(size)
    terms = (
        shown.weights_gib
        + shown.activation_gib
        + shown.non_torch_gib
        + shown.cuda_graphs_gib
        + shown.kv_cache_gib
    )
    assert terms == pytest.approx(shown.usable_gib, abs=1e-6)
    assert shown.kv_cache_gib == pytest.approx(size.kv_cache / GIB, abs=0.004)
