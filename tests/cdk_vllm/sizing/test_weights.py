"""Weights against vLLM's own parameter counts and against what its logs say was loaded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdk_vllm import catalog
from cdk_vllm.sizing import legal_tensor_parallel_sizes, model_shape, weights
from cdk_vllm.sizing.blueprint import anatomy_of, quantization_of_shape
from cdk_vllm.sizing.modules import Parallel, layer_modules
from cdk_vllm.sizing.stored import Target, module_pieces
from cdk_vllm.sizing.units import GIB, MIB


@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        ("meta-llama/Llama-3.1-8B", 8_030_261_248),
        ("meta-llama/Llama-3.1-70B", 70_553_706_496),
        ("Qwen/Qwen2.5-7B-Instruct", 7_615_616_512),
        ("Qwen/Qwen3-8B", 8_190_735_360),
        ("mistralai/Mixtral-8x7B-v0.1", 46_702_792_704),
        ("Qwen/Qwen3-30B-A3B", 30_532_122_624),
        ("deepseek-ai/DeepSeek-V2-Lite", 15_706_484_224),
        ("google/gemma-2-9b-it", 9_241_705_984),
    ],
)
def test_parameters_are_counted_as_vllm_counts_them(model: str, parameters: int) -> None:
    # Counted by vLLM's own model classes on torch's meta device.
    assert weights.parameter_count(model_shape(model)) == parameters


@pytest.mark.parametrize(("ranks", "size"), [(4, 35_278_831_616), (8, 17_640_734_720)])
def test_ranks_hold_what_vllm_gives_them(ranks: int, size: int) -> None:
    shape = model_shape("meta-llama/Llama-3.1-70B")
    assert weights.parameter_bytes_per_rank(shape, ranks) == size


@pytest.mark.parametrize(
    ("model", "ranks", "logged"),
    [
        ("Qwen/Qwen2.5-32B-Instruct", 2, 30.7098),
        ("meta-llama/Llama-3.1-8B-Instruct", 1, 14.9888),
        ("Qwen/Qwen3-4B", 1, 7.5552),
        ("Qwen/Qwen3-Next-80B-A3B-Instruct", 2, 74.2812),
        ("mistralai/Mistral-Small-3.2-24B-Instruct-2506", 1, 44.76),
    ],
)
def test_rounding_is_what_makes_the_logs_match(model: str, ranks: int, logged: float) -> None:
    shape = model_shape(model)
    computed = weights.weights_bytes_per_rank(shape, ranks) / GIB
    assert computed == pytest.approx(logged, rel=1.5e-4)
    assert weights.parameter_bytes_per_rank(shape, ranks) / GIB < computed


def test_mxfp4_experts_are_padded_by_the_gpu() -> None:
    shape = model_shape("openai/gpt-oss-20b")
    ampere = weights.weights_bytes_per_rank(shape, 1, target=Target(capability=(8, 0)))
    old_hopper = weights.weights_bytes_per_rank(shape, 1, target=Target(vllm=(0, 11)))
    assert ampere / GIB == pytest.approx(13.72, abs=0.005)  # logged on an A100
    assert old_hopper / GIB == pytest.approx(13.47, rel=0.003)  # logged on an H100
    assert weights.weights_bytes_per_rank(shape, 1) < old_hopper


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


@pytest.mark.parametrize(
    ("layers", "stages", "sizes"), [(61, 2, (31, 30)), (126, 4, (31, 32, 32, 31)), (4, 4, (1,) * 4)]
)
def test_a_remainder_of_layers_goes_before_the_last_stage(
    layers: int, stages: int, sizes: tuple[int, ...]
) -> None:
    found = [weights.stage_layers(layers, stages, stage) for stage in range(stages)]
    assert tuple(map(len, found)) == sizes
    assert [index for stage in found for index in stage] == list(range(layers))


@pytest.mark.parametrize("model", ["nvidia/GLM-5-NVFP4", "nvidia/Qwen3.5-397B-A17B-NVFP4"])
def test_layers_counted_once_are_those_that_lists_do_not_tell_apart(model: str) -> None:
    shape = model_shape(model)
    anatomy, quantization = anatomy_of(shape), quantization_of_shape(shape)
    together = weights.parameter_bytes_per_rank(shape, 4)
    parallel, target = Parallel(tensor=4), Target()
    one_by_one = sum(
        piece.size_bytes
        for index, layer in enumerate(anatomy.layers)
        for module in layer_modules(layer, index, anatomy.hidden, parallel)
        for piece in module_pieces(module, quantization, target)
        if piece.created
    )
    around = weights._outside(anatomy, parallel, quantization, 0)
    outside = sum(piece.size_bytes for piece in around if piece.created)
    assert together == one_by_one + outside


@given(model=st.sampled_from([*sorted(catalog.models()), *catalog.model_configs()]))
def test_more_ranks_never_hold_more_each(model: str) -> None:
    shape = model_shape(model)
    sizes = [weights.weights_bytes_per_rank(shape, n) for n in legal_tensor_parallel_sizes(shape)]
    assert sizes == sorted(sizes, reverse=True)
