"""Writes LoRA adapters as PEFT does, whole or with a fault."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

RANK = 8
# Qwen3-8B: hidden size 4096, 32 heads and 8 KV heads of 128, and 12288 inside the MLP.
SIZES = {
    "self_attn.q_proj": (4096, 4096),
    "self_attn.v_proj": (4096, 1024),
    "self_attn.o_proj": (4096, 4096),
    "mlp.gate_proj": (4096, 12288),
    "mlp.down_proj": (12288, 4096),
}
CONFIG: Mapping[str, Any] = {
    "peft_type": "LORA",
    "base_model_name_or_path": "Qwen/Qwen3-8B",
    "r": RANK,
    "lora_alpha": 16,
    "target_modules": [name.rpartition(".")[2] for name in SIZES],
    "bias": "none",
    "modules_to_save": None,
    "use_rslora": True,
    "use_dora": False,
    "init_lora_weights": True,
    "rank_pattern": {},
    "alpha_pattern": {},
}


def tensors(rank: int = RANK, layers: int = 2) -> dict[str, list[int]]:
    """Return the shapes of an adapter for the first layers of Qwen3-8B."""
    found = {}
    for layer in range(layers):
        for name, (size_in, size_out) in SIZES.items():
            module = f"base_model.model.model.layers.{layer}.{name}"
            found[f"{module}.lora_A.weight"] = [rank, size_in]
            found[f"{module}.lora_B.weight"] = [size_out, rank]
    return found


def write_adapter(
    directory: Path, shapes: Mapping[str, list[int]] | None = None, **config: Any
) -> Path:
    """Write an adapter's two files, the weights all zero and sparse, and return the folder."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "adapter_config.json").write_text(json.dumps({**CONFIG, **config}))
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name, shape in (tensors() if shapes is None else shapes).items():
        size = 2
        for length in shape:
            size *= length
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    with (directory / "adapter_model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + offset)
    return directory
