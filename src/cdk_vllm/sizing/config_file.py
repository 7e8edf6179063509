"""Read a model's shape from its name, or from a `config.json` on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cdk_vllm.errors import InputError
from cdk_vllm.sizing.lookup import model_shape
from cdk_vllm.sizing.shape import shape_from_config

if TYPE_CHECKING:
    from cdk_vllm.sizing.plan import ModelShape

LARGEST_BYTES = 16 * 1024**2  # the largest published config.json has 3 MB
QUANTIZATION = "hf_quant_config.json"  # where ModelOpt's checkpoints describe their quantization


def shape_of(model_or_config: str, architecture: str | None = None) -> ModelShape:
    """Return the shape of a known model, or that of a `config.json` or the folder that holds one.

    `architecture` reads a config as that of another, known architecture. Raises `InputError`.
    """
    path = Path(model_or_config)
    if path.suffix == ".json" or path.exists():
        return shape_from_config(read_config(path), architecture)
    return model_shape(model_or_config)


def read_config(path: Path) -> dict[str, Any]:
    """Return a `config.json`, with the `hf_quant_config.json` beside it; raises `InputError`."""
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise InputError(f"{path} is a directory without a config.json; give the file's path.")
        path = path / "config.json"
    config = _read(path)
    beside = path.with_name(QUANTIZATION)
    if path.name == "config.json" and beside.is_file() and not config.get("quantization_config"):
        config["quantization_config"] = _read(beside)
    return config


def _read(path: Path) -> dict[str, Any]:
    try:
        if not path.is_file():
            raise InputError(f"{path} does not exist or is no file; give a model's config.json.")
        if (size := path.stat().st_size) > LARGEST_BYTES:
            raise InputError(
                f"{path} has {size / 1e6:,.0f} MB, and a config.json has at most "
                f"{LARGEST_BYTES / 1e6:.0f}; give the config.json, not the weights."
            )
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} is not a config.json: {error}.") from None
    if not isinstance(found, dict):
        raise InputError(f"{path} is not a config.json: it holds {type(found).__name__}, no table.")
    return found
