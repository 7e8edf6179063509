"""How unlike layers share one pool, against public logs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdk_vllm import catalog
from cdk_vllm.sizing import model_shape
from cdk_vllm.sizing.kv_groups import Pool, pool
from cdk_vllm.sizing.kv_specs import CacheOptions
from cdk_vllm.sizing.modules import Parallel
from cdk_vllm.sizing.stored import Target
from cdk_vllm.sizing.units import GIB

OLD, NEW = Target(vllm=(0, 11)), Target()


def pool_of(model: str, length: int, target: Target = NEW, **options: int) -> Pool:
    tensor = options.pop("tensor", 1)
    batched = options.pop("max_num_batched_tokens", 8192)
    assert not options
    asked = CacheOptions(max_model_len=length, max_num_batched_tokens=batched)
    return pool(model_shape(model), Parallel(tensor=tensor), asked, target)


def test_gemma_3_as_logged() -> None:
    # 52 sliding and 10 full layers: 7 groups, 8 of 70 places padding.
    cache = pool_of("google/gemma-3-27b-it", 4096, OLD)
    blocks = cache.blocks(int(109.86 * GIB))
    assert len(cache.groups) == 7
    assert cache.block_bytes == 10 * 131_072
    assert blocks == pytest.approx(89_994, abs=6)  # the log's GiB have two digits
    assert cache.max_concurrency(blocks) == pytest.approx(50.05, abs=0.01)
    assert cache.logged_tokens(blocks) == pytest.approx(205_696, abs=16)


def test_qwen3_next_as_logged() -> None:
    cache = pool_of("Qwen/Qwen3-Next-80B-A3B-Instruct", 262_144, OLD, tensor=2)
    blocks = cache.blocks(int(44.59 * GIB))
    assert (len(cache.groups), blocks) == (4, 7162)
    assert cache.max_concurrency(blocks) == pytest.approx(14.77, abs=0.005)
    assert cache.logged_tokens(blocks) == 973_760


def test_llama_4_keeps_a_long_request_small() -> None:
    cache = pool_of("meta-llama/Llama-4-Scout-17B-16E-Instruct", 1_048_576, tensor=8)
    all_full = 48 * 2 * 128 * 2 * 1_048_576  # the 24.00 GiB an older engine asked for
    assert all_full / GIB == 24.0
    assert cache.request_bytes < all_full / 3


def test_one_kind_of_layer_is_one_group() -> None:
    cache = pool_of("Qwen/Qwen3-8B", 4096)
    assert len(cache.groups) == 1
    assert cache.block_bytes == 16 * 147_456
    assert cache.bytes_per_token == 147_456
    assert cache.request_bytes == (256 + 1) * cache.block_bytes


def test_a_small_page_grows_to_the_large_one() -> None:
    cache = pool_of("google/gemma-4-26B-A4B", 4096)
    assert {page for group in cache.groups for page in group.pages} == {131_072}
    assert {group.block_tokens for group in cache.groups} == {16, 32}


def test_the_fullest_stage_decides() -> None:
    options = CacheOptions(max_model_len=4096, max_num_batched_tokens=8192)
    shape = model_shape("deepseek-ai/DeepSeek-R1")
    cache = pool(shape, Parallel(pipeline=2), options, Target())
    assert cache.block_bytes == 31 * 16 * 1152  # of 61 layers


def test_no_memory_holds_nothing() -> None:
    cache = pool_of("Qwen/Qwen3-8B", 4096)
    assert cache.blocks(-5) == 0
    assert cache.logged_tokens(0) == 0


@given(
    model=st.sampled_from([*sorted(catalog.models()), *catalog.model_configs()]),
    length=st.integers(1, 200_000),
    more=st.integers(0, 200_000),
    size=st.integers(0, 10**12),
)
def test_a_longer_request_never_takes_less(model: str, length: int, more: int, size: int) -> None:
    cache = pool_of(model, length)
    assert cache.blocks_for(length) <= cache.blocks_for(length + more)
    assert cache.blocks(size) * cache.block_bytes <= size
