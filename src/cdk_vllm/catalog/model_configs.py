"""The `config.json` of models that a few numbers do not describe, under Hugging Face's names.

Each file holds the keys that decide memory, and in `source` whether they were read in the model's
own `config.json` or put together from its published dimensions.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SEPARATOR = "__"  # stands for the slash in a model's name


@cache
def model_configs() -> tuple[str, ...]:
    """Return the names of all models whose `config.json` is at hand."""
    folder = files("cdk_vllm.catalog").joinpath("configs")
    names = (entry.name.removesuffix(".json") for entry in folder.iterdir())
    return tuple(sorted(name.replace(SEPARATOR, "/", 1) for name in names if SEPARATOR in name))


@cache
def model_config(name: str) -> Mapping[str, Any] | None:
    """Return a model's config, or `None` where it is not at hand."""
    if name not in model_configs():
        return None
    file = files("cdk_vllm.catalog").joinpath("configs", name.replace("/", SEPARATOR, 1) + ".json")
    config: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return config
