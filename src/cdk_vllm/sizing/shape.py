"""From a Hugging Face `config.json` to a `ModelShape`.

The shape's own fields are the numbers people know a model by. Where they do not say everything,
as for latent attention, windows, recurrent layers, towers or quantization, the shape carries the
config's keys beside them, and the rules read those.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cdk_vllm.errors import InputError
from cdk_vllm.sizing.anatomy import Attention, Dense, Latent, Mixture
from cdk_vllm.sizing.blueprint import anatomy_of, config_of, quantization_table
from cdk_vllm.sizing.config_values import Config
from cdk_vllm.sizing.families import anatomy_of_config, architecture_of, parts
from cdk_vllm.sizing.plan import ModelShape
from cdk_vllm.sizing.quantization import quantization_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.sizing.anatomy import Anatomy, Layer

# Keys that no rule reads, left out of plans: names, tokens, training, and Transformers' own.
UNREAD = (
    "token_id", "_token", "transformers_version", "auto_map", "id2label", "label2id", "use_cache",
    "initializer", "dropout", "_name_or_path", "output_", "problem_type", "return_dict",
    "task_specific", "torchscript", "prefix", "_loss", "_eps", "_epsilon", "beam", "repetition",
    "temperature", "top_p", "do_sample", "early_stopping", "length_penalty", "diversity",
    "tf_legacy", "finetuning", "pruned_heads", "bad_words", "forced_", "suppress", "_reconstructed",
)  # fmt: skip
READ = (
    "mrope_section",
    "num_experts_per_tok",
    "output_proj_dims",
    "projector_output_dim",
    "vision_output_dim",
)


def shape_from_config(config: Mapping[str, Any], architecture: str | None = None) -> ModelShape:
    """Return the shape that a model's `config.json` describes.

    `architecture` reads it as another, known architecture. Raises `InputError` for an architecture
    or a quantization that the rules do not know, and for a missing or wrong key.
    """
    if not isinstance(config, dict):
        raise InputError(f"config.json must be a table, not {config!r:.40}.")
    name = architecture or architecture_of(config)
    anatomy = anatomy_of_config(config, name)
    quantization = quantization_of(quantization_table(config))
    plain = _plain(config, name, anatomy)
    if quantization is None and _says_everything(plain, anatomy):
        return plain
    method = quantization.method if quantization else ""
    return replace(plain, config=reduced(config), quantization=method)


def reduced(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config without the keys that no rule reads."""
    kept: dict[str, Any] = {}
    for key, value in config.items():
        unread = any(mark in key for mark in UNREAD) and key not in READ
        # A window that is null is switched off; one that is absent is Transformers' default.
        if unread or (value is None and key != "sliding_window"):
            continue
        kept[key] = reduced(value) if isinstance(value, dict) else value
    return kept


def _says_everything(shape: ModelShape, anatomy: Anatomy) -> bool:
    """Say whether the shape's own fields describe the whole model."""
    try:
        return anatomy_of_config(config_of(shape), shape.architecture) == anatomy
    except InputError:
        return False


def _plain(config: Mapping[str, Any], name: str, anatomy: Anatomy) -> ModelShape:
    root = Config(config)
    text = root.table("text_config", "llm_config") or root
    attention = _first(anatomy.layers)
    mixture = next((mlp for mlp in _mlps(anatomy) if isinstance(mlp, Mixture)), None)
    dense = next((mlp for mlp in _mlps(anatomy) if isinstance(mlp, Dense)), None)
    inner = text.get("intermediate_size") or (dense or mixture or Dense(inner=1)).inner
    grouped = isinstance(attention, Attention)
    return ModelShape(
        architecture=name,
        num_hidden_layers=len(anatomy.layers),
        hidden_size=anatomy.hidden,
        intermediate_size=inner if isinstance(inner, int) else (dense or Dense(inner=1)).inner,
        num_attention_heads=attention.heads if attention else 1,
        num_key_value_heads=attention.kv_heads if isinstance(attention, Attention) else 1,
        head_dim=_head_dim(attention),
        vocab_size=anatomy.vocab,
        max_position_embeddings=anatomy.positions,
        tie_word_embeddings=anatomy.tied,
        dtype=parts.dtype(root, text),
        attention_bias=isinstance(attention, Attention) and attention.qkv_bias,
        qk_norm=grouped and attention is not None and _qk_norm(attention),
        num_experts=mixture.experts if mixture else 0,
        num_experts_per_tok=mixture.top_k if mixture else 0,
        moe_intermediate_size=mixture.inner if mixture else 0,
    )


def _first(layers: tuple[Layer, ...]) -> Attention | Latent | None:
    found = (layer.mixer for layer in layers if isinstance(layer.mixer, Attention | Latent))
    return next(found, None)


def _mlps(anatomy: Anatomy) -> list[Dense | Mixture]:
    return [mlp for layer in anatomy.layers for mlp in layer.mlps]


def _head_dim(attention: Attention | Latent | None) -> int:
    if isinstance(attention, Latent):
        return attention.nope_dim + attention.rope_dim
    return attention.head_dim if attention else 1


def _qk_norm(attention: Attention | Latent) -> bool:
    return isinstance(attention, Attention) and attention.qk_norm != "none"


__all__ = ["anatomy_of", "reduced", "shape_from_config"]
