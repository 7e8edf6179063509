"""Which files of a directory belong into the store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cdk_vllm.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

# vLLM's S3 streamer loads every *.safetensors and fetches everything else that lies under the
# prefix, so a GGUF, an ONNX export or a second copy of the weights beside the model breaks the
# start (vLLM 0.32, read with runai-model-streamer 0.17.0).
SUFFIXES = frozenset({".safetensors", ".json", ".model", ".txt", ".jinja", ".tiktoken"})
INDEX_NAME = "model.safetensors.index.json"


def engine_files(directory: Path) -> list[Path]:
    """Return the files the engine needs, sorted; raises `InputError` where one is missing.

    Taken are top-level safetensors (with an index, only those it names), configuration, tokenizer
    and chat template; pickles, GGUF, ONNX, `consolidated.*` and hidden files are left out.
    """
    if not directory.is_dir():
        raise InputError(f"{directory} is not a directory; give the folder that holds config.json")
    present = {path.name: path for path in sorted(directory.iterdir()) if _belongs(path)}
    if "config.json" not in present:
        raise InputError(f"{directory} has no config.json, so it is not a model; give its folder")
    shards = _shards(directory, present)
    others = [path for path in present.values() if path.suffix != ".safetensors"]
    return sorted(shards + others)


def _belongs(path: Path) -> bool:
    hidden = path.name.startswith((".", "consolidated"))
    return path.is_file() and path.suffix in SUFFIXES and not hidden


def _shards(directory: Path, present: dict[str, Path]) -> list[Path]:
    named = _indexed(present.get(INDEX_NAME))
    if named is None:
        shards = [path for path in present.values() if path.suffix == ".safetensors"]
        if not shards:
            raise InputError(f"{directory} has no .safetensors weights; only those are served")
        return shards
    for name in sorted(named - present.keys()):
        raise InputError(f"{directory} lacks {name}, which {INDEX_NAME} names; download it again")
    return [present[name] for name in sorted(named)]


def _indexed(index: Path | None) -> set[str] | None:
    if index is None:
        return None
    try:
        return set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, KeyError, AttributeError, TypeError):
        raise InputError(f"{index} is not a safetensors index; download it again") from None
