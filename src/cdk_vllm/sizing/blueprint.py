"""The anatomy and the quantization behind a `ModelShape`, worked out once for each."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cdk_vllm.sizing.families import anatomy_of_config
from cdk_vllm.sizing.quantization import Quantization, online, quantization_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.sizing.anatomy import Anatomy
    from cdk_vllm.sizing.plan import ModelShape


@lru_cache(maxsize=256)
def anatomy_of(shape: ModelShape) -> Anatomy:
    """Return a shape's anatomy; raises `InputError` where its config is not one the rules read."""
    return anatomy_of_config(config_of(shape), shape.architecture)


@lru_cache(maxsize=256)
def quantization_of_shape(shape: ModelShape) -> Quantization | None:
    """Return how a shape's checkpoint is quantized, or `None` for 16-bit weights."""
    if shape.quantization.startswith("online:"):
        return online(shape.quantization.removeprefix("online:"))
    return quantization_of(quantization_table(shape.config))


def quantization_table(config: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a config's `quantization_config`, which may stand in its text part."""
    text = config.get("text_config")
    places = (config, text if isinstance(text, dict) else {})
    for name in ("quantization_config", "compression_config"):
        for place in places:
            found = place.get(name)
            if isinstance(found, dict) and found:
                return found
    return None


def config_of(shape: ModelShape) -> Mapping[str, Any]:
    """Return a shape's config; one of plain fields stands for the config they describe."""
    if shape.config:
        return shape.config
    config: dict[str, Any] = {
        "architectures": [shape.architecture],
        "num_hidden_layers": shape.num_hidden_layers,
        "hidden_size": shape.hidden_size,
        "intermediate_size": shape.intermediate_size,
        "num_attention_heads": shape.num_attention_heads,
        "num_key_value_heads": shape.num_key_value_heads,
        "head_dim": shape.head_dim,
        "vocab_size": shape.vocab_size,
        "max_position_embeddings": shape.max_position_embeddings,
        "tie_word_embeddings": shape.tie_word_embeddings,
        "torch_dtype": shape.dtype,
        "attention_bias": shape.attention_bias,
        "sliding_window": None,
    }
    if shape.num_experts:
        config |= {
            "num_experts": shape.num_experts,
            "num_experts_per_tok": shape.num_experts_per_tok,
            "moe_intermediate_size": shape.moe_intermediate_size,
        }
    return config
