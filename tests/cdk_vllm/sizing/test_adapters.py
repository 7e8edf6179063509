"""The slots for LoRA adapters."""

from __future__ import annotations

import pytest

from cdk_vllm.sizing import model_shape, shape_from_config
from cdk_vllm.sizing.adapters import adapter_bytes
from cdk_vllm.sizing.blueprint import config_of
from cdk_vllm.sizing.modules import Parallel
from cdk_vllm.sizing.units import GIB

# What vLLM 0.33.0 allocates on one rank, asked of its own classes without memory behind them.
ALLOCATED = [
    ("meta-llama/Llama-3.1-8B", 1, 1, 16, False, 92_356_608),
    ("meta-llama/Llama-3.1-8B", 1, 8, 64, False, 2_955_411_456),
    ("meta-llama/Llama-3.1-8B", 2, 4, 16, False, 260_374_528),
    ("meta-llama/Llama-3.1-8B", 4, 4, 16, True, 117_768_192),
    ("Qwen/Qwen3-8B", 1, 1, 16, False, 97_280_000),
    ("Qwen/Qwen2.5-7B-Instruct", 1, 2, 32, False, 322_961_408),
    ("Qwen/Qwen3-32B-FP8", 2, 1, 16, False, 180_969_472),
    ("Qwen/Qwen3.5-27B", 1, 1, 16, False, 281_139_200),
]


@pytest.mark.parametrize(("model", "tensor", "loras", "rank", "fully", "size_bytes"), ALLOCATED)
def test_slots_are_what_vllm_allocates(
    model: str, tensor: int, loras: int, rank: int, fully: bool, size_bytes: int
) -> None:
    parallel = Parallel(tensor=tensor)
    found = adapter_bytes(model_shape(model), parallel, loras, rank, fully_sharded=fully)
    assert found == size_bytes


def test_sharded_slots_are_the_same_on_one_gpu() -> None:
    shape = model_shape("Qwen/Qwen3-30B-A3B")
    whole = adapter_bytes(shape, Parallel())
    assert adapter_bytes(shape, Parallel(), fully_sharded=True) == whole
    four = Parallel(tensor=4)
    assert adapter_bytes(shape, four, fully_sharded=True) < adapter_bytes(shape, four)


def test_some_models_have_slots_for_the_embedding_alone() -> None:
    shape = model_shape("Qwen/Qwen2.5-7B-Instruct")
    neither = adapter_bytes(shape, Parallel())
    config = dict(config_of(shape)) | {"architectures": ["SmolLM3ForCausalLM"]}
    known = adapter_bytes(shape_from_config(config), Parallel())
    assert known - neither == (152_064 + 3584) * 16 * 2


def test_slots_and_ranks_multiply() -> None:
    shape = model_shape("meta-llama/Llama-3.1-8B")
    assert adapter_bytes(shape, Parallel(), 8, 64) == 32 * adapter_bytes(shape, Parallel())


def test_a_tensor_rank_keeps_the_replicated_half() -> None:
    shape = model_shape("meta-llama/Llama-3.1-70B")
    assert adapter_bytes(shape, Parallel(tensor=4), 8, 64) / GIB == pytest.approx(6.6, abs=0.1)


def test_experts_have_slots_of_their_own() -> None:
    shape = model_shape("Qwen/Qwen3-30B-A3B")
    assert adapter_bytes(shape, Parallel()) > 48 * 128 * 3 * (768 + 2048) * 16 * 2
