"""The terms together: adding up, and moving with the options as vLLM's do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdk_vllm import catalog
from cdk_vllm.sizing import activation, memory, model_shape, weights
from cdk_vllm.sizing.plan import Workload
from cdk_vllm.sizing.units import GIB

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


def size_of(model: str = "Qwen/Qwen3-8B", gpu: str = "L40S", **change: Any) -> memory.MemoryBytes:
    version = change.pop("version", "0.33.0")
    return memory.memory_bytes(
        model_shape(model), WORKLOAD, catalog.gpus()[gpu], ARGUMENTS | change, version
    )


def test_the_terms_are_those_of_the_rules() -> None:
    shape, size = model_shape("Qwen/Qwen3-8B"), size_of()
    assert size.weights == weights.weights_bytes_per_rank(shape, 1)
    assert size.activation == activation.activation_bytes(shape, 1, 2048, 16)
    assert size.kv_cache_needed == -(-157 * 8 * 110 // 100) * 16 * 147456  # 157 blocks a request
    assert size.kv_cache_per_token == 147456
    assert size.usable - size.kv_cache == (
        size.weights + size.activation + size.non_torch + size.cuda_graphs
    )


@pytest.mark.parametrize(
    ("change", "grows"),
    [
        ({"enforce_eager": True}, True),
        ({"max_cudagraph_capture_size": 8}, True),
        ({"gpu_memory_utilization": 0.95}, True),
        ({"pipeline_parallel_size": 2}, True),
        ({"max_num_seqs": 256}, False),
        ({"max_num_batched_tokens": 16384}, False),
        ({"enable_lora": True, "max_loras": 4, "max_lora_rank": 64}, False),
        ({"speculative_config": '{"method": "eagle", "num_speculative_tokens": 3}'}, False),
    ],
)
def test_the_users_options_move_the_kv_cache(change: dict[str, Any], grows: bool) -> None:
    before, after = size_of().kv_cache, size_of(**change).kv_cache
    assert (after > before) == grows
    assert after != before


def test_a_float8_cache_holds_twice_the_tokens() -> None:
    whole, half = size_of(), size_of(kv_cache_dtype="fp8")
    assert half.blocks in (2 * whole.blocks, 2 * whole.blocks + 1)


def test_a_fixed_cache_is_as_large_as_it_is_told() -> None:
    size = size_of(kv_cache_memory_bytes=4 * GIB)
    assert size.kv_cache == 4 * GIB
    assert size.kv_cache_tokens == 4 * GIB // (16 * 147456) * 16


def test_an_older_engine_sorts_all_logits_and_keeps_its_graphs_outside() -> None:
    old, new = size_of(version="0.11.0", max_num_seqs=256), size_of(max_num_seqs=256)
    assert old.activation > new.activation
    assert old.cuda_graphs == 0 < new.cuda_graphs


def test_a_window_keeps_a_request_small() -> None:
    sliding = size_of("google/gemma-3-27b-it", "H100")
    assert sliding.pool.blocks_for(8192) < 7 * 512  # seven groups, six of them bounded
    assert sliding.max_concurrency == pytest.approx(sliding.concurrency(8192))


def test_it_starts_with_a_whole_request_and_a_block_to_spare() -> None:
    size = size_of()
    exact = size.pool.request_bytes
    assert size_of(kv_cache_memory_bytes=exact).starts
    assert not size_of(kv_cache_memory_bytes=exact - 1).starts


@given(
    model=st.sampled_from([*sorted(catalog.models()), *catalog.model_configs()]),
    gpu=st.sampled_from(["T4", "L4", "L40S", "H100", "B200"]),
    seqs=st.integers(1, 1024),
    batched=st.integers(1024, 16384),
)
def test_the_terms_add_up(model: str, gpu: str, seqs: int, batched: int) -> None:
    size = size_of(model, gpu, max_num_seqs=seqs, max_num_batched_tokens=batched)
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


@given(
    model=st.sampled_from(["Qwen/Qwen3-8B", "google/gemma-3-27b-it", "openai/gpt-oss-20b"]),
    few=st.integers(1, 512),
    more=st.integers(1, 512),
)
def test_more_concurrency_never_needs_less(model: str, few: int, more: int) -> None:
    few, more = sorted((few, more))
    sizes = [size_of(model, "H100", max_num_seqs=seqs) for seqs in (few, more)]
    assert sizes[0].activation <= sizes[1].activation
    assert sizes[0].kv_cache >= sizes[1].kv_cache
