"""The KV cache against arithmetic done by hand; vLLM's logs are tools/accuracy.py's."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdk_vllm.sizing import Workload, kv_cache, model_shape
from cdk_vllm.sizing.units import GIB

WORKLOAD = Workload(max_model_len=4096, prompt_tokens=100, output_tokens=28, concurrent_requests=4)


@pytest.mark.parametrize(
    ("model", "ranks", "per_layer"),
    [
        ("meta-llama/Llama-3.1-8B", 1, 4096),
        ("meta-llama/Llama-3.1-70B", 8, 512),
        ("meta-llama/Llama-2-7b-hf", 1, 16384),
        ("Qwen/Qwen2.5-7B-Instruct", 1, 2048),
        ("Qwen/Qwen3-30B-A3B", 1, 2048),
        ("Qwen/Qwen3-235B-A22B", 8, 512),  # 4 KV heads on 8 ranks: one each, not half
    ],
)
def test_bytes_of_a_token_per_layer(model: str, ranks: int, per_layer: int) -> None:
    shape = model_shape(model)
    assert kv_cache.bytes_per_token(shape, ranks) == per_layer * shape.num_hidden_layers


def test_a_float8_cache_takes_half() -> None:
    shape = model_shape("Qwen/Qwen3-8B")
    assert kv_cache.bytes_per_token(shape, 1, 1) * 2 == kv_cache.bytes_per_token(shape, 1)


def test_the_logged_size_is_the_concurrency_in_tokens() -> None:
    assert kv_cache.logged_tokens(1000, 1600) == 16000
    assert kv_cache.logged_tokens(1000, 1590) == 15900  # the last block of each is not full


def test_no_memory_is_no_blocks() -> None:
    assert kv_cache.blocks(-GIB, 1024) == 0


@pytest.mark.parametrize(
    ("concurrent", "blocks"),
    [(4, 256), (32, 256), (33, 264)],  # 8 blocks each, and never less than one of max_model_len
)
def test_the_demand_is_the_larger_of_typical_and_longest(concurrent: int, blocks: int) -> None:
    workload = replace(WORKLOAD, concurrent_requests=concurrent)
    assert kv_cache.needed_tokens(workload) == -(-blocks * 110 // 100) * 16


@given(st.integers(1, 500), st.integers(0, 100), st.integers(0, 100))
def test_more_concurrency_never_needs_less(concurrent: int, more: int, longer: int) -> None:
    small = replace(WORKLOAD, concurrent_requests=concurrent)
    large = replace(small, concurrent_requests=concurrent + more, prompt_tokens=100 + longer)
    assert kv_cache.needed_tokens(small) <= kv_cache.needed_tokens(large)
