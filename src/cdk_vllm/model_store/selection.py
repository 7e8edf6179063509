"""Which files of a directory, or of a hub's repository, belong into the store."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from cdk_vllm.errors import InputError
from cdk_vllm.model_store.manifest import MANIFEST_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
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
    names = [path.name for path in directory.iterdir() if path.is_file()]
    chosen = select(names, (directory / INDEX_NAME).read_bytes, str(directory))
    return [directory / name for name in chosen]


def select(names: Iterable[str], read_index: Callable[[], bytes], origin: str) -> list[str]:
    """Return which of a model's files the engine needs, sorted.

    `names` are paths in the model, `read_index` returns the text of its safetensors index and is
    called where there is one, `origin` says where they are from. Raises `InputError`.
    """
    present = {name for name in names if _belongs(name)}
    if "config.json" not in present:
        raise InputError(f"{origin} has no config.json, so it is not a model; give its folder")
    weights = {name for name in present if name.endswith(".safetensors")}
    if not weights:
        raise InputError(f"{origin} has no .safetensors weights; only those are served")
    if INDEX_NAME not in present:
        return sorted(present)
    named = _indexed(read_index(), origin)
    for name in sorted(named - weights):
        raise InputError(f"{origin} lacks {name}, which {INDEX_NAME} names; download it again")
    return sorted(present - weights | named)


def _belongs(name: str) -> bool:
    path = PurePosixPath(name)
    left_out = name == MANIFEST_NAME or name.startswith((".", "consolidated"))
    return len(path.parts) == 1 and path.suffix in SUFFIXES and not left_out


def _indexed(index: bytes, origin: str) -> set[str]:
    try:
        return set(json.loads(index)["weight_map"].values())
    except (ValueError, KeyError, AttributeError, TypeError):
        raise InputError(
            f"{INDEX_NAME} of {origin} is not a safetensors index; download it again"
        ) from None
