"""The small model that stands in for a service's own: random weights, of the same family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.sizing import ModelShape

# Families that vLLM's CPU build serves, under the name that transformers makes them by.
MODEL_TYPES = {
    "LlamaForCausalLM": "llama",
    "MistralForCausalLM": "mistral",
    "Qwen2ForCausalLM": "qwen2",
    "Qwen3ForCausalLM": "qwen3",
}
OTHERWISE = "LlamaForCausalLM"
SMALL: Mapping[str, Any] = {
    "num_hidden_layers": 2,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "max_position_embeddings": 16384,
}


def stand_in_for(shape: ModelShape) -> tuple[str, dict[str, Any]]:
    """Return the architecture of the stand-in for a model, and its config for `write_model`.

    It is the model's own where the CPU build is known to serve that, else a Llama.
    """
    architecture = shape.architecture if shape.architecture in MODEL_TYPES else OTHERWISE
    config = {
        "model_type": MODEL_TYPES[architecture],
        "tie_word_embeddings": shape.tie_word_embeddings,
        **SMALL,
    }
    return architecture, config
