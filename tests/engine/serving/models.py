"""Small models and adapters, written by the engine's own interpreter, once a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from cdk_vllm.local.engine import Engine

SMALL = {
    "num_hidden_layers": 2,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "max_position_embeddings": 16384,
}


@dataclass(frozen=True)
class Models:
    """Folders with a model each, of random weights, with a tokenizer and a chat template."""

    engine: Engine
    directory: Path

    @property
    def qwen3(self) -> Path:
        """A Qwen3."""
        return self.directory / "qwen3"

    @property
    def llama(self) -> Path:
        """A Llama."""
        return self.directory / "llama"

    def write(self) -> None:
        """Write both models."""
        self.engine.write_models(
            [
                {
                    "directory": str(self.qwen3),
                    "config": {"model_type": "qwen3", "tie_word_embeddings": True, **SMALL},
                },
                {"directory": str(self.llama), "config": {"model_type": "llama", **SMALL}},
            ]
        )

    def adapter(
        self, name: str, *, model: Path | None = None, rank: int = 8, seed: int = 1
    ) -> Path:
        """Write a LoRA adapter for a model (the Qwen3) and return its folder; seeds differ.

        It holds `adapter_config.json` and `adapter_model.safetensors`, and its
        `base_model_name_or_path` is the model's folder.
        """
        directory = self.directory / "adapters" / name
        asked = {"model": str(model or self.qwen3), "rank": rank, "seed": seed}
        self.engine.write_models([{"directory": str(directory), "adapter": asked}])
        return directory
