"""Pieces that families share: attention by head counts, windows by layer, tables of rotations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.errors import InputError
from cdk_vllm.sizing.anatomy import Anatomy, Attention, Block, Layer, RopeTable
from cdk_vllm.sizing.config_values import Config

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdk_vllm.sizing.plan import ModelShape

ELEMENT_BYTES = {"bfloat16": 2, "float16": 2, "half": 2, "float32": 2}  # vLLM loads float32 as 16


def dtype(root: Config, text: Config) -> str:
    """Return the checkpoint's `bfloat16` or `float16`; vLLM runs a float32 checkpoint in 16 bits.

    Source: vLLM 0.33.0's config/model.py: a missing dtype counts as float32, and float32 becomes
    the GPU's preferred 16-bit type.
    """
    found = root.get("torch_dtype", "dtype") or text.get("torch_dtype", "dtype") or "float32"
    name = str(found).removeprefix("torch.")
    if name not in ELEMENT_BYTES:
        raise InputError(
            f"config.json's torch_dtype is {found!r}; the rules cover bfloat16, float16, float32."
        )
    return "float16" if name in ("float16", "half") else "bfloat16"


def attention(
    text: Config,
    *,
    window: int | None = None,
    chunk: int | None = None,
    heads: int | None = None,
    kv_heads: int | None = None,
    head_dim: int | None = None,
    **features: Any,
) -> Attention:
    """Return grouped attention under Hugging Face's usual keys."""
    heads = heads or text.integer("num_attention_heads")
    hidden = text.integer("hidden_size")
    head_dim = head_dim or text.integer("head_dim", default=hidden // heads)
    kv_heads = kv_heads or text.integer("num_key_value_heads", default=heads)
    if heads % kv_heads:
        raise InputError(
            f"config.json's num_attention_heads is {heads}, which does not divide by "
            f"{text.path}num_key_value_heads {kv_heads}; correct one of them."
        )
    v_head_dim = features.pop("v_head_dim", None) or head_dim
    return Attention(
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        v_head_dim=v_head_dim,
        window=window,
        chunk=chunk,
        **features,
    )


def layer_types(text: Config, layers: int, default: Sequence[str]) -> list[str]:
    """Return `layer_types`, or the family's default pattern repeated over the layers."""
    found = text.items("layer_types", layers)
    if found is not None:
        return [str(name) for name in found]
    return [default[index % len(default)] for index in range(layers)]


def rope_parameters(text: Config) -> dict[str, Any]:
    """Return the rotary parameters under either of their two names, with plain defaults."""
    table = text.table("rope_parameters", "rope_scaling")
    values = dict(table.values) if table else {}
    values.setdefault("rope_type", values.get("type", "default"))
    factor = text.get("partial_rotary_factor")
    if factor is not None:
        values.setdefault("partial_rotary_factor", factor)
    return values


def rope(
    text: Config, head_dim: int, parameters: dict[str, Any] | None = None, element_bytes: int = 2
) -> RopeTable:
    """Return one table of cosines and sines.

    Source: vLLM 0.33.0's layers/rotary_embedding: rows are the positions, for YaRN the original
    positions times its factor; multimodal rotations had four times the rows before 0.32.
    """
    values = rope_parameters(text) if parameters is None else parameters
    table = Config(values, f"{text.path}rope_parameters.")
    positions = text.integer("max_position_embeddings", "n_positions", default=8192)
    kind = str(values.get("rope_type", "default"))
    original = table.optional("original_max_position_embeddings")
    if "yarn" in kind or kind == "deepseek_llama_scaling":
        positions = int((original or positions) * table.number("factor", 1.0))
    elif kind == "longrope":
        own = text.optional("original_max_position_embeddings")
        positions += own or original or positions
    share = min(table.number("partial_rotary_factor", 1.0), 1.0)
    columns = text.optional("rotary_dim") or int(head_dim * share)
    return RopeTable(
        rows=positions,
        columns=columns,
        element_bytes=element_bytes,
        stretched=values.get("mrope_section") is not None,
    )


def assemble(
    root: Config,
    text: Config,
    layers: Sequence[Layer],
    *,
    ropes: Sequence[RopeTable] = (),
    towers: Sequence[Block] = (),
    **features: Any,
) -> Anatomy:
    """Put the parts of a model together with what stands outside its layers."""
    hidden = text.integer("hidden_size")
    default = features.pop("tied", False)
    tied = root.get("tie_word_embeddings")
    if tied is None:
        tied = text.get("tie_word_embeddings")
    return Anatomy(
        architecture=str((root.get("architectures") or [""])[0]),
        hidden=hidden,
        vocab=text.integer("vocab_size"),
        tied=bool(default if tied is None else tied),
        positions=text.integer("max_position_embeddings", "n_positions", default=8192),
        layers=tuple(layers),
        ropes=tuple(dict.fromkeys(ropes)),
        towers=tuple(towers),
        final_norms=features.pop("final_norms", (hidden,)),
        **features,
    )


def longest_context(shape: ModelShape) -> int:
    """Return the most tokens vLLM accepts for a request: the positions, stretched as configured.

    Source: vLLM 0.33.0's config/model.py, `_get_and_verify_max_len`.
    """
    positions = shape.max_position_embeddings
    if not shape.config:
        return positions
    root = Config(shape.config)
    text = root.table("text_config", "llm_config") or root
    values = rope_parameters(text)
    table, kind = Config(values), str(values.get("rope_type", "default"))
    if values.get("factor") is None or kind in ("llama3", "longrope", "su", "mrope"):
        return positions
    factor = table.number("factor", 1.0)
    if "yarn" in kind:
        return int((table.optional("original_max_position_embeddings") or positions) * factor)
    return int(positions * factor)
