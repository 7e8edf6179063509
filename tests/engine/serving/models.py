"""Small models and adapters, written by the engine's own interpreter, once a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cdk_vllm.local.engine import Engine

PINNED = ("medical", "legal", "tickets")
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

    @property
    def pinned(self) -> dict[str, Path]:
        """The Qwen3's adapters that the environment file pins."""
        return {name: self._adapter(f"pinned-{name}") for name in PINNED}

    def write(self) -> None:
        """Write both models, and the adapters that are pinned."""
        qwen3 = {"model_type": "qwen3", "tie_word_embeddings": True, **SMALL}
        self.engine.write_models(
            [
                {"directory": str(self.qwen3), "config": qwen3},
                {"directory": str(self.llama), "config": {"model_type": "llama", **SMALL}},
                *(
                    {"directory": str(folder), "adapter": self._asked(seed=seed)}
                    for seed, folder in enumerate(self.pinned.values(), start=1)
                ),
            ]
        )

    def adapters(self, asked: Mapping[str, Mapping[str, Any]]) -> dict[str, Path]:
        """Write LoRA adapters and return their folders by name.

        Each is asked for with `seed` (another one is another adapter) and, where they are not 8 and
        the Qwen3, `rank` and `model`, a folder. It holds `adapter_config.json` and
        `adapter_model.safetensors`; its `base_model_name_or_path` is the model's folder.
        """
        folders = {name: self._adapter(name) for name in asked}
        self.engine.write_models(
            [
                {"directory": str(folders[name]), "adapter": self._asked(**options)}
                for name, options in asked.items()
            ]
        )
        return folders

    def _adapter(self, name: str) -> Path:
        return self.directory / "adapters" / name

    def _asked(self, *, seed: int, rank: int = 8, model: Path | None = None) -> dict[str, Any]:
        return {"model": str(model or self.qwen3), "rank": rank, "seed": seed}


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the contents of a folder's files by their names."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}
