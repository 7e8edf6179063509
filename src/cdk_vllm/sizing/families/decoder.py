"""Decoders of one attention kind: Llama and its many kin, dense or with routed experts.

Source: vLLM 0.33.0's models llama.py, qwen2.py, qwen3.py, qwen3_moe.py, mixtral.py, phi3.py,
granite*.py, glm4*.py, minimax_m2.py, olmo*.py, commandr.py and their siblings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from cdk_vllm.sizing.anatomy import Anatomy, Attention, Dense, Layer, Mixture
from cdk_vllm.sizing.families import parts

if TYPE_CHECKING:
    from cdk_vllm.sizing.config_values import Config


@dataclass(frozen=True, kw_only=True)
class Trait:
    """How a decoder differs from Llama.

    `qkv_bias` and `out_bias`: `True` always, `False` never, `None` as `attention_bias` says.
    `windows`: which layers the config's `sliding_window` bounds.
    `experts`: the family's layout of routed experts, if it has any.
    `default_window`: Transformers' own, where the config does not name `sliding_window` at all.
    """

    qkv_bias: bool | None = None
    out_bias: bool | None = None
    qk_norm: Literal["none", "head", "full", "ranked", "layer"] = "none"
    norms: int = 2
    windows: Literal["never", "config", "always", "types"] = "config"
    experts: Literal["none", "mixtral", "qwen", "glm", "minimax", "granite"] = "none"
    tied: bool = False
    layer_pattern: tuple[str, ...] = ("full_attention",)
    default_window: int | None = None


def decoder(root: Config, text: Config, trait: Trait) -> Anatomy:
    """Return a decoder's anatomy."""
    count = text.layers()
    hidden = text.integer("hidden_size")
    kinds = parts.layer_types(text, count, trait.layer_pattern)
    base = _attention(text, trait)
    windows = [_window(text, trait, kind) for kind in kinds]
    layers = [
        Layer(
            mixer=replace(base, window=window),
            mlps=(_mlp(text, trait, index),),
            norms=(hidden,) * trait.norms,
        )
        for index, window in enumerate(windows)
    ]
    return parts.assemble(
        root, text, layers, ropes=[parts.rope(text, base.head_dim)], tied=trait.tied
    )


def _attention(text: Config, trait: Trait) -> Attention:
    biased = text.flag("attention_bias") or text.flag("qkv_bias")
    norm = trait.qk_norm
    if norm != "none" and text.get("use_qk_norm") is False:
        norm = "none"
    return parts.attention(
        text,
        qkv_bias=biased if trait.qkv_bias is None else trait.qkv_bias,
        out_bias=text.flag("attention_bias") if trait.out_bias is None else trait.out_bias,
        qk_norm=norm,
    )


def _window(text: Config, trait: Trait, kind: str) -> int | None:
    """Return the layer's window; Qwen2 and Qwen3 switch theirs off with `use_sliding_window`."""
    size = text.get("sliding_window")
    if "sliding_window" not in text.values:
        size = trait.default_window
    if size is None or trait.windows == "never" or text.get("use_sliding_window") is False:
        return None
    if trait.windows == "types" or text.get("layer_types") is not None:
        return _positive(text, size) if kind == "sliding_attention" else None
    return _positive(text, size)


def _positive(text: Config, size: int) -> int:
    return text.integer("sliding_window", default=size)


def _mlp(text: Config, trait: Trait, index: int) -> Dense | Mixture:
    if trait.experts == "none" or _is_dense(text, index):
        width = text.integer("intermediate_size", "intermediate_size_mlp")
        return Dense(inner=width, bias=text.flag("mlp_bias"))
    return EXPERTS[trait.experts](text)


def _is_dense(text: Config, index: int) -> bool:
    """Say whether a layer of a mixture is dense, by the three ways configs say it."""
    if index in (text.items("mlp_only_layers") or []):
        return True
    if index < text.integer("first_k_dense_replace", default=0, least=0):
        return True
    step = text.integer("decoder_sparse_step", default=1)
    return (index + 1) % step != 0


def mixtral_experts(text: Config) -> Mixture:
    """Return Mixtral's experts, as wide as the dense MLP would be."""
    return Mixture(
        experts=text.integer("num_local_experts", "num_experts"),
        top_k=text.integer("num_experts_per_tok"),
        inner=text.integer("intermediate_size"),
        name="block_sparse_moe",
    )


def qwen_experts(text: Config) -> Mixture:
    """Return Qwen's experts; Qwen2 and Qwen3-Next have a gated shared expert."""
    shared = text.integer("shared_expert_intermediate_size", default=0, least=0)
    return Mixture(
        experts=text.integer("num_experts", "num_local_experts", "n_routed_experts"),
        top_k=text.integer("num_experts_per_tok"),
        inner=text.integer("moe_intermediate_size", "intermediate_size"),
        shared=shared,
        shared_gate=shared > 0,
        shared_name="shared_expert",
    )


def glm_experts(text: Config) -> Mixture:
    """Return the experts of GLM-4.5 and DeepSeek: shared ones, and a float32 correction."""
    inner = text.integer("moe_intermediate_size")
    float32 = text.get("model_type") == "glm4_moe"
    return Mixture(
        experts=text.integer("n_routed_experts", "num_experts"),
        top_k=text.integer("num_experts_per_tok"),
        inner=inner,
        shared=inner * text.integer("n_shared_experts", default=0, least=0),
        router_bytes=4 if float32 else 2,
        correction=float32 or text.get("topk_method") == "noaux_tc",
    )


def minimax_experts(text: Config) -> Mixture:
    """Return MiniMax M2's experts, with a router in float32."""
    return Mixture(
        experts=text.integer("num_local_experts"),
        top_k=text.integer("num_experts_per_tok"),
        inner=text.integer("intermediate_size"),
        router_bytes=4,
        correction=text.flag("use_routing_bias"),
        name="block_sparse_moe",
    )


def granite_experts(text: Config) -> Mixture:
    """Return Granite's experts, with an ungated shared MLP where the config has one."""
    return Mixture(
        experts=text.integer("num_local_experts"),
        top_k=text.integer("num_experts_per_tok"),
        inner=text.integer("intermediate_size"),
        name="block_sparse_moe",
    )


EXPERTS = {
    "mixtral": mixtral_experts,
    "qwen": qwen_experts,
    "glm": glm_experts,
    "minimax": minimax_experts,
    "granite": granite_experts,
}

PLAIN = Trait(out_bias=None)
QWEN2 = Trait(qkv_bias=True, out_bias=False)
QWEN3 = Trait(qk_norm="head")
PHI3 = Trait(qkv_bias=False, out_bias=False)

TRAITS: dict[str, Trait] = {
    "LlamaForCausalLM": PLAIN,
    "LLaMAForCausalLM": PLAIN,
    "InternLM3ForCausalLM": PLAIN,
    "MistralForCausalLM": Trait(default_window=4096),
    "Ministral3ForCausalLM": PLAIN,
    "MiMoForCausalLM": Trait(qkv_bias=True, out_bias=False),
    "SeedOssForCausalLM": Trait(out_bias=False),
    "GraniteForCausalLM": PLAIN,
    "Phi3ForCausalLM": PHI3,
    "Qwen2ForCausalLM": QWEN2,
    "Qwen3ForCausalLM": QWEN3,
    "Qwen2MoeForCausalLM": replace(QWEN2, experts="qwen"),
    "Qwen3MoeForCausalLM": replace(QWEN3, experts="qwen"),
    "MixtralForCausalLM": Trait(experts="mixtral"),
    "OlmoeForCausalLM": Trait(qk_norm="ranked", experts="mixtral"),
    "GlmForCausalLM": Trait(out_bias=False),
    "Glm4ForCausalLM": Trait(out_bias=False, norms=4),
    "Glm4MoeForCausalLM": Trait(out_bias=False, qk_norm="head", experts="glm"),
    "MiniMaxM2ForCausalLM": Trait(qk_norm="ranked", experts="minimax"),
    "GraniteMoeForCausalLM": Trait(experts="granite"),
    "CohereForCausalLM": Trait(norms=1, tied=True),
    "Cohere2ForCausalLM": Trait(
        norms=1,
        tied=True,
        windows="types",
        layer_pattern=(*("sliding_attention",) * 3, "full_attention"),
    ),
    "Exaone4ForCausalLM": Trait(qk_norm="head", windows="types"),
    "Olmo2ForCausalLM": Trait(qk_norm="ranked"),
    "SmolLM3ForCausalLM": PLAIN,
    "Ernie4_5ForCausalLM": PLAIN,
}
