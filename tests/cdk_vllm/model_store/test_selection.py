"""Only what the engine needs is pushed, and what the index names must be there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cdk_vllm.errors import InputError
from cdk_vllm.model_store import engine_files

if TYPE_CHECKING:
    from pathlib import Path


def model(directory: Path, *names: str) -> Path:
    for name in ("config.json", *names):
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}", encoding="utf-8")
    return directory


def taken(directory: Path) -> list[str]:
    return [path.name for path in engine_files(directory)]


def test_what_would_break_streaming_is_left_out(tmp_path: Path) -> None:
    model(
        tmp_path,
        "model.safetensors",
        "tokenizer.json",
        "consolidated.safetensors",
        "pytorch_model.bin",
        "model-q4.gguf",
        "onnx/model.safetensors",
        ".gitattributes",
        "README.md",
    )
    assert taken(tmp_path) == ["config.json", "model.safetensors", "tokenizer.json"]


def test_with_an_index_only_its_shards_are_taken(tmp_path: Path) -> None:
    model(tmp_path, "model-1.safetensors", "stray.safetensors")
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "model-1.safetensors"}}), encoding="utf-8")
    assert taken(tmp_path) == [
        "config.json",
        "model-1.safetensors",
        "model.safetensors.index.json",
    ]


def test_a_shard_the_index_names_must_be_there(tmp_path: Path) -> None:
    model(tmp_path, "model-1.safetensors")
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "model-2.safetensors"}}), encoding="utf-8")
    with pytest.raises(InputError, match=r"lacks model-2\.safetensors"):
        engine_files(tmp_path)


@pytest.mark.parametrize(
    ("names", "part"),
    [((), "no .safetensors weights"), (("pytorch_model.bin",), "no .safetensors weights")],
)
def test_weights_must_be_safetensors(tmp_path: Path, names: tuple[str, ...], part: str) -> None:
    with pytest.raises(InputError, match=part):
        engine_files(model(tmp_path, *names))


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no config\.json"):
        engine_files(tmp_path)
    with pytest.raises(InputError, match="is not a directory"):
        engine_files(tmp_path / "nowhere")


def test_a_broken_index_is_refused(tmp_path: Path) -> None:
    model(tmp_path, "model.safetensors", "model.safetensors.index.json")
    with pytest.raises(InputError, match="is not a safetensors index"):
        engine_files(tmp_path)
