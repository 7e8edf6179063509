"""The slots for LoRA adapters."""

from __future__ import annotations

import pytest

from cdk_vllm.sizing import model_shape
from cdk_vllm.sizing.adapters import adapter_bytes
from cdk_vllm.sizing.modules import Parallel
from cdk_vllm.sizing.units import GIB, MIB


def test_one_slot_of_an_8b_model_is_80_mib() -> None:
    assert adapter_bytes(model_shape("meta-llama/Llama-3.1-8B"), Parallel()) == 80 * MIB


def test_slots_and_ranks_multiply() -> None:
    shape = model_shape("meta-llama/Llama-3.1-8B")
    assert adapter_bytes(shape, Parallel(), 8, 64) == 32 * adapter_bytes(shape, Parallel())


def test_a_tensor_rank_keeps_the_replicated_half() -> None:
    shape = model_shape("meta-llama/Llama-3.1-70B")
    assert adapter_bytes(shape, Parallel(tensor=4), 8, 64) / GIB == pytest.approx(6.4, abs=0.1)


def test_experts_have_slots_of_their_own() -> None:
    shape = model_shape("Qwen/Qwen3-30B-A3B")
    assert adapter_bytes(shape, Parallel()) > 48 * 128 * 3 * (768 + 2048) * 16 * 2
