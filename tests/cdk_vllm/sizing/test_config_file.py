"""A model's name, its config.json, or the folder that holds one."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm.errors import InputError
from cdk_vllm.sizing import model_shape
from cdk_vllm.sizing.config_file import read_config, shape_of

if TYPE_CHECKING:
    from pathlib import Path

CONFIG: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"], "hidden_size": 2048, "intermediate_size": 8192,
    "max_position_embeddings": 4096, "num_attention_heads": 32, "num_hidden_layers": 16,
    "num_key_value_heads": 8, "torch_dtype": "bfloat16", "vocab_size": 128256,
}  # fmt: skip


def test_a_known_name() -> None:
    assert shape_of("Qwen/Qwen3-8B") == model_shape("Qwen/Qwen3-8B")
    with pytest.raises(InputError, match="does not know the model"):
        shape_of("Qwen/Qwen33-8B")


def test_a_file_or_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG), "utf-8")
    assert shape_of(str(path)) == shape_of(str(tmp_path))
    assert shape_of(str(path)).num_hidden_layers == 16


def test_modelopts_quantization_stands_beside_it(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG), "utf-8")
    beside = {"quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8"}}
    (tmp_path / "hf_quant_config.json").write_text(json.dumps(beside), "utf-8")
    assert shape_of(str(tmp_path)).quantization == "modelopt"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not a config.json"),
        ("[1]", "holds list, no table"),
        ("\x00\xff", "is not a config.json"),
        ("[" * 100_000, "is not a config.json"),
    ],
)
def test_what_is_no_config(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(text, "latin-1")
    with pytest.raises(InputError, match=words):
        read_config(path)


def test_a_folder_without_one_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"directory without a config\.json"):
        shape_of(str(tmp_path))
    with pytest.raises(InputError, match="does not exist"):
        shape_of(str(tmp_path / "config.json"))


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    with path.open("wb") as file:
        os.truncate(file.fileno(), 10 * 1024**3)  # sparse: it takes no space
    with pytest.raises(InputError, match="10,737 MB"):
        read_config(path)
