"""From a Hugging Face `config.json` to a `ModelShape`, for the architectures the rules cover.

An architecture that the rules do not know is refused by name: a guessed shape would promise memory
that is not there. The list is of decoders whose tensors vLLM lays out alike: attention of one kind
in every layer, one MLP or one set of routed experts in every layer, 16-bit weights.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cdk_vllm.errors import InputError, nearest
from cdk_vllm.sizing.plan import ModelShape

if TYPE_CHECKING:
    from collections.abc import Mapping

DENSE = frozenset(
    {
        "LlamaForCausalLM",
        "MistralForCausalLM",
        "Phi3ForCausalLM",
        "Qwen2ForCausalLM",
        "Qwen3ForCausalLM",
    }
)
MIXTURE = frozenset({"MixtralForCausalLM", "Qwen3MoeForCausalLM"})
QK_NORM = frozenset({"Qwen3ForCausalLM", "Qwen3MoeForCausalLM"})
QKV_BIAS_ALWAYS = frozenset({"Qwen2ForCausalLM"})

# Why a well-known family is not covered: (pattern of the architecture, what it has).
NOT_COVERED = (
    (r"Deepseek|Kimi|Glm.*Dsa|GlmMoe", "latent attention (MLA), whose KV cache is not sized here"),
    (r"Next|Qwen3_5|Nemotron|Mamba|Jamba|Granite.*Hybrid|Zamba|Falcon.?H1",
     "recurrent layers beside attention, whose state is not sized here"),
    (r"Gemma|GptOss|MiMoV2|Cohere2|Step|Llama4",
     "layers with sliding windows, whose KV cache is not sized here"),
    (r"ConditionalGeneration|VL", "an image or audio encoder, which is not sized here"),
)  # fmt: skip

ROPE_TYPES = frozenset({"default", "llama3", "linear"})


def shape_from_config(config: Mapping[str, Any]) -> ModelShape:
    """Return the shape that a model's `config.json` describes.

    Raises `InputError` for an architecture, a quantized checkpoint, an attention variant or a dtype
    that the rules do not cover, and for a missing key.
    """
    architecture = _architecture(config)
    _refuse_variants(architecture, config)
    heads = _integer(config, "num_attention_heads")
    hidden = _integer(config, "hidden_size")
    moe = architecture in MIXTURE
    return ModelShape(
        architecture=architecture,
        num_hidden_layers=_integer(config, "num_hidden_layers"),
        hidden_size=hidden,
        intermediate_size=_integer(config, "intermediate_size"),
        num_attention_heads=heads,
        num_key_value_heads=int(config.get("num_key_value_heads") or heads),
        head_dim=int(config.get("head_dim") or hidden // heads),
        vocab_size=_integer(config, "vocab_size"),
        max_position_embeddings=_integer(config, "max_position_embeddings"),
        tie_word_embeddings=bool(config.get("tie_word_embeddings", False)),
        dtype=_dtype(config),
        attention_bias=architecture in QKV_BIAS_ALWAYS or bool(config.get("attention_bias")),
        qk_norm=architecture in QK_NORM,
        num_experts=_experts(config) if moe else 0,
        num_experts_per_tok=_integer(config, "num_experts_per_tok") if moe else 0,
        moe_intermediate_size=_expert_size(config) if moe else 0,
    )


def _architecture(config: Mapping[str, Any]) -> str:
    names = config.get("architectures") or []
    if len(names) != 1:
        raise InputError(f'config.json must name one entry in "architectures", not {names!r}.')
    name = str(names[0])
    if name in DENSE | MIXTURE:
        return name
    for pattern, reason in NOT_COVERED:
        if re.search(pattern, name):
            raise InputError(f"The rules do not cover {name}: it has {reason}.")
    allowed = ", ".join(sorted(DENSE | MIXTURE))
    hint = nearest(name, DENSE | MIXTURE)
    raise InputError(f"The rules do not cover {name}; covered are {allowed}.{hint}")


def _refuse_variants(architecture: str, config: Mapping[str, Any]) -> None:
    window = config.get("sliding_window")
    rope = config.get("rope_scaling") or config.get("rope_parameters") or {}
    rope_type = rope.get("rope_type") or rope.get("type") or "default"
    uneven = config.get("mlp_only_layers") or config.get("decoder_sparse_step", 1) != 1
    variants = {
        "a quantized checkpoint": config.get("quantization_config"),
        "a sliding window": window and config.get("use_sliding_window", True),
        "an image encoder": config.get("vision_config"),
        f"rope scaling of type {rope_type!r}": rope_type not in ROPE_TYPES,
        "biases in the MLP": config.get("mlp_bias"),
        "dense layers among its experts": uneven,
        "shared experts": config.get("shared_expert_intermediate_size"),
    }
    for variant, present in variants.items():
        if present:
            raise InputError(f"The rules do not cover this {architecture}: it has {variant}.")


def _dtype(config: Mapping[str, Any]) -> str:
    dtype = str(config.get("torch_dtype") or config.get("dtype") or "")
    if dtype not in ("bfloat16", "float16"):
        raise InputError(
            f"config.json's torch_dtype is {dtype!r}; the rules cover bfloat16 and float16."
        )
    return dtype


def _experts(config: Mapping[str, Any]) -> int:
    key = "num_local_experts" if "num_local_experts" in config else "num_experts"
    return _integer(config, key)


def _expert_size(config: Mapping[str, Any]) -> int:
    key = "moe_intermediate_size" if "moe_intermediate_size" in config else "intermediate_size"
    return _integer(config, key)


def _integer(config: Mapping[str, Any], key: str) -> int:
    value = config.get(key)
    if type(value) is not int or value <= 0:
        raise InputError(f"config.json's {key} must be a positive whole number, not {value!r}.")
    return value
