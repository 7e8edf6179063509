"""Weights against vLLM's own parameter counts and against what its logs say was loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdk_vllm import catalog
from cdk_vllm.sizing import legal_tensor_parallel_sizes, model_shape, weights
from cdk_vllm.sizing.units import GIB, MIB

POINTS = json.loads(Path(__file__).with_name("measurements.json").read_text("utf-8"))["points"]
LOADED = [point for point in POINTS if "weights_gib" in point]


@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        ("meta-llama/Llama-3.1-8B", 8_030_261_248),
        ("meta-llama/Llama-3.1-70B", 70_553_706_496),
        ("meta-llama/Llama-2-7b-hf", 6_738_415_616),
        ("Qwen/Qwen2.5-7B-Instruct", 7_615_616_512),
        ("Qwen/Qwen3-8B", 8_190_735_360),
        ("mistralai/Mixtral-8x7B-v0.1", 46_702_792_704),
        ("Qwen/Qwen3-30B-A3B", 30_532_122_624),
    ],
)
def test_parameters_are_counted_as_vllm_counts_them(model: str, parameters: int) -> None:
    # Counted by vLLM 0.32's own model classes on torch's meta device.
    assert weights.parameter_count(model_shape(model)) == parameters


@pytest.mark.parametrize(("ranks", "size"), [(4, 35_278_831_616), (8, 17_640_734_720)])
def test_ranks_hold_what_vllm_gives_them(ranks: int, size: int) -> None:
    shape = model_shape("meta-llama/Llama-3.1-70B")
    assert weights.parameter_bytes_per_rank(shape, ranks) == size


@pytest.mark.parametrize("point", LOADED, ids=lambda p: f"{p['model']}-{p['gpu']}")
def test_loaded_weights_match_the_logs(point: dict[str, Any]) -> None:
    shape = model_shape(point["model"])
    computed = weights.weights_bytes_per_rank(shape, point["tensor_parallel_size"]) / GIB
    assert computed == pytest.approx(point["weights_gib"], rel=0.0015)


def test_rounding_is_what_makes_the_most_exact_log_match() -> None:
    shape = model_shape("Qwen/Qwen2.5-32B-Instruct")
    assert round(weights.weights_bytes_per_rank(shape, 2) / GIB, 4) == pytest.approx(
        30.7098, abs=2e-4
    )
    assert weights.parameter_bytes_per_rank(shape, 2) / GIB < 30.6


@pytest.mark.parametrize(
    ("size", "allocated"),
    [
        (1, 512),
        (513, 1024),
        (5 * MIB + 1, 5 * MIB + 512),
        (10 * MIB, 10 * MIB),
        (11 * MIB, 12 * MIB),  # 1 MiB unused is kept with the block
        (11 * MIB - 512, 11 * MIB - 512),  # more than 1 MiB unused is split off
    ],
)
def test_the_allocator_rounds_as_pytorch_does(size: int, allocated: int) -> None:
    assert weights.allocated_bytes(size) == allocated


@pytest.mark.parametrize(("ranks", "heads"), [(1, 4), (2, 2), (4, 1), (8, 1)])
def test_kv_heads_are_replicated_beyond_one_per_rank(ranks: int, heads: int) -> None:
    assert weights.kv_heads_per_rank(model_shape("Qwen/Qwen3-30B-A3B"), ranks) == heads


def test_a_checkpoint_has_no_padding() -> None:
    shape = model_shape("Qwen/Qwen3-8B")
    assert shape.vocab_size % 64 == 0
    assert weights.checkpoint_bytes(shape) == 2 * 8_190_735_360


@given(model=st.sampled_from(sorted(catalog.models())))
def test_more_ranks_never_hold_more_each(model: str) -> None:
    shape = model_shape(model)
    sizes = [weights.weights_bytes_per_rank(shape, n) for n in legal_tensor_parallel_sizes(shape)]
    assert sizes == sorted(sizes, reverse=True)
