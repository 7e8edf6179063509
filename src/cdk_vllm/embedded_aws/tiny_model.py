"""Writes a real, tiny model: the files of a decoder as the engine reads them, in kilobytes."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

HIDDEN, INTERMEDIATE, VOCABULARY, HEADS, KV_HEADS, HEAD_DIM = 16, 32, 64, 2, 1, 8

CONFIG = {
    "architectures": ["Qwen3ForCausalLM"],
    "model_type": "qwen3",
    "num_hidden_layers": 1,
    "hidden_size": HIDDEN,
    "intermediate_size": INTERMEDIATE,
    "num_attention_heads": HEADS,
    "num_key_value_heads": KV_HEADS,
    "head_dim": HEAD_DIM,
    "vocab_size": VOCABULARY,
    "max_position_embeddings": 128,
    "rms_norm_eps": 1e-6,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
}


def write_tiny_model(directory: Path) -> Path:
    """Write `config.json` and `model.safetensors` into `directory` and return it."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(json.dumps(CONFIG, indent=2), encoding="utf-8")
    (directory / "model.safetensors").write_bytes(_safetensors(_tensor_shapes()))
    return directory


def _tensor_shapes() -> dict[str, list[int]]:
    layer, q, kv = "model.layers.0", HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM
    return {
        "model.embed_tokens.weight": [VOCABULARY, HIDDEN],
        f"{layer}.input_layernorm.weight": [HIDDEN],
        f"{layer}.self_attn.q_proj.weight": [q, HIDDEN],
        f"{layer}.self_attn.k_proj.weight": [kv, HIDDEN],
        f"{layer}.self_attn.v_proj.weight": [kv, HIDDEN],
        f"{layer}.self_attn.o_proj.weight": [HIDDEN, q],
        f"{layer}.self_attn.q_norm.weight": [HEAD_DIM],
        f"{layer}.self_attn.k_norm.weight": [HEAD_DIM],
        f"{layer}.post_attention_layernorm.weight": [HIDDEN],
        f"{layer}.mlp.gate_proj.weight": [INTERMEDIATE, HIDDEN],
        f"{layer}.mlp.up_proj.weight": [INTERMEDIATE, HIDDEN],
        f"{layer}.mlp.down_proj.weight": [HIDDEN, INTERMEDIATE],
        "model.norm.weight": [HIDDEN],
    }


def _safetensors(shapes: dict[str, list[int]]) -> bytes:
    # The format: eight bytes of header length, a JSON header, the tensors end to end.
    header: dict[str, object] = {}
    offset = 0
    for name, shape in shapes.items():
        size = 2 * shape[0] * (shape[1] if len(shape) > 1 else 1)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(offset)
