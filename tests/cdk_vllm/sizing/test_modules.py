"""The modules one rank holds."""

from __future__ import annotations

import pytest

from cdk_vllm.sizing import model_shape
from cdk_vllm.sizing.anatomy import Mixture
from cdk_vllm.sizing.blueprint import anatomy_of
from cdk_vllm.sizing.modules import Experts, Matrix, Module, Parallel, layer_modules


def modules(model: str, index: int, **parallel: int) -> dict[str, Module]:
    anatomy = anatomy_of(model_shape(model))
    split = Parallel(**parallel)  # type: ignore[arg-type]
    found = layer_modules(anatomy.layers[index], index, anatomy.hidden, split)
    return {each.name: each for each in found if isinstance(each, Matrix | Experts)}


def test_names_are_vllms() -> None:
    assert list(modules("Qwen/Qwen3-8B", 7)) == [
        "model.layers.7.self_attn.qkv_proj",
        "model.layers.7.self_attn.o_proj",
        "model.layers.7.mlp.gate_up_proj",
        "model.layers.7.mlp.down_proj",
    ]


def test_kv_heads_are_replicated_and_queries_shared_out() -> None:
    fused = modules("Qwen/Qwen3-30B-A3B", 0, tensor=8)["model.layers.0.self_attn.qkv_proj"]
    assert isinstance(fused, Matrix)
    assert fused.rows == (4 * 128, 128, 128)


def test_mla_keeps_its_way_down_whole() -> None:
    one, eight = (modules("deepseek-ai/DeepSeek-R1", 0, tensor=size) for size in (1, 8))
    down, up = "model.layers.0.self_attn.fused_qkv_a_proj", "model.layers.0.self_attn.q_b_proj"
    assert one[down] == eight[down]
    whole, part = one[up], eight[up]
    assert isinstance(whole, Matrix)
    assert isinstance(part, Matrix)
    assert whole.rows[0] == 8 * part.rows[0]


@pytest.mark.parametrize(("experts", "count", "inner"), [(False, 256, 256), (True, 32, 2048)])
def test_experts_are_cut_or_shared_out(experts: bool, count: int, inner: int) -> None:
    name = "model.layers.3.mlp.experts"
    found = modules("deepseek-ai/DeepSeek-R1", 3, tensor=8, experts=experts)[name]
    assert isinstance(found, Experts)
    assert (found.count, found.inner) == (count, inner)


def test_a_gated_attention_has_twice_the_queries() -> None:
    fused = modules("Qwen/Qwen3-Next-80B-A3B-Instruct", 3)["model.layers.3.self_attn.qkv_proj"]
    assert isinstance(fused, Matrix)
    assert fused.rows == (2 * 16 * 256, 2 * 256, 2 * 256)


def test_latent_experts_have_a_hidden_size_of_their_own() -> None:
    model = "nvidia/NVIDIA-Nemotron-3-Super-120B-A12B-FP8"
    layers = anatomy_of(model_shape(model)).layers
    index = next(i for i, layer in enumerate(layers) if isinstance((*layer.mlps, None)[0], Mixture))
    found = modules(model, index)[f"model.layers.{index}.mixer.experts"]
    assert isinstance(found, Experts)
    assert (found.hidden, found.gates) == (1024, 1)
