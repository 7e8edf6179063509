"""Which modules of a base an adapter can name, and how large they are."""

from __future__ import annotations

import pytest

from cdk_vllm.model_store.adapter_modules import base_modules, short_name
from cdk_vllm.sizing import model_shape


def test_fused_modules_have_the_names_of_their_parts() -> None:
    modules = base_modules(model_shape("Qwen/Qwen3-8B"))
    assert modules["layers.35.self_attn.q_proj"] == (4096, 4096)
    assert modules["layers.0.self_attn.k_proj"] == (4096, 1024)
    assert modules["layers.0.self_attn.qkv_proj"] == (4096, 6144)
    assert modules["layers.0.mlp.up_proj"] == (4096, 12288)
    assert modules["layers.0.mlp.down_proj"] == (12288, 4096)
    assert "layers.36.self_attn.q_proj" not in modules
    assert "lm_head" in modules


def test_a_model_whose_embedding_takes_none_has_none() -> None:
    modules = base_modules(model_shape("Qwen/Qwen2.5-7B-Instruct"))
    assert not {"lm_head", "embed_tokens"} & modules.keys()


def test_experts_are_named_one_by_one() -> None:
    modules = base_modules(model_shape("Qwen/Qwen3-30B-A3B"))
    assert modules["layers.0.mlp.experts.127.gate_proj"] == (2048, 768)
    assert modules["layers.0.mlp.experts.0.down_proj"] == (768, 2048)
    assert "layers.0.mlp.experts.128.gate_proj" not in modules


@pytest.mark.parametrize(
    ("module", "short"),
    [
        ("model.layers.0.mlp.up_proj", "layers.0.mlp.up_proj"),
        ("model.language_model.layers.10.self_attn.o_proj", "layers.10.self_attn.o_proj"),
        ("lm_head", "lm_head"),
        ("model.embed_tokens", "embed_tokens"),
    ],
)
def test_what_stands_before_the_layers_does_not_count(module: str, short: str) -> None:
    assert short_name(module) == short
