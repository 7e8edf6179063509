"""An adapter is stored only where its base can load it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm.errors import InputError
from cdk_vllm.model_store.adapter import check_name, read_adapter
from cdk_vllm.sizing import model_shape
from tests.cdk_vllm.model_store.peft_adapter import tensors, write_adapter

if TYPE_CHECKING:
    from pathlib import Path

BASE = model_shape("Qwen/Qwen3-8B")
LAYER = "base_model.model.model.layers.0"


def test_an_adapter_that_fits_is_known_by_its_content(tmp_path: Path) -> None:
    adapter = read_adapter(write_adapter(tmp_path / "a"), BASE, 16)
    assert adapter.tensors == 20
    assert [path.name for path in adapter.files] == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    same = read_adapter(write_adapter(tmp_path / "b"), BASE, None)
    other = read_adapter(write_adapter(tmp_path / "c", lora_alpha=32), BASE, 16)
    assert adapter.version == same.version != other.version
    assert len(adapter.version) == 12


@pytest.mark.parametrize(
    ("shapes", "config", "sentence"),
    [
        (tensors(32), {"r": 32}, r"has rank 32, above the 16 .* set max_lora_rank = 32"),
        (None, {"rank_pattern": {"q_proj": 600}}, "vLLM serves ranks of at most 512"),
        (None, {"target_modules": ["q_prj"]}, r'target_modules has q_prj, .*Did you mean "q_proj"'),
        (tensors(4), {}, r"lora_A\.weight is 4 x 4096, and rank 8 .* is 8 x 4096"),
        (None, {"r": 4}, "rank 4 of the base's module is 4 x 4096"),
        (
            {f"{LAYER}.self_attn.q_proj.lora_A.weight": [8, 2048]},
            {},
            "is 8 x 2048, and rank 8 of the base's module is 8 x 4096",
        ),
        (
            {f"{LAYER}.self_attn.q_proj.lora_A.weight": [8, 4096]},
            {},
            "lacks lora_B of model.layers.0.self_attn.q_proj",
        ),
        (
            {"base_model.model.model.layers.36.mlp.up_proj.lora_A.weight": [8, 4096]},
            {},
            "changes model.layers.36.mlp.up_proj, which the base does not have",
        ),
        ({f"{LAYER}.mlp.up_proj.weight": [8, 8]}, {}, "which is not one of a LoRA adapter"),
        ({}, {}, "is not a safetensors file"),
    ],
)
def test_what_does_not_fit_is_one_sentence(
    tmp_path: Path, shapes: dict[str, list[int]] | None, config: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        read_adapter(write_adapter(tmp_path, shapes, **config), BASE, 16)


def test_without_a_reservation_any_rank_of_vllms_will_do(tmp_path: Path) -> None:
    assert read_adapter(write_adapter(tmp_path, tensors(64), r=64), BASE, None)


def test_a_pickle_is_refused(tmp_path: Path) -> None:
    write_adapter(tmp_path)
    (tmp_path / "adapter_model.safetensors").rename(tmp_path / "adapter_model.bin")
    with pytest.raises(InputError, match=r"adapter_model\.bin, a pickle, which can run code"):
        read_adapter(tmp_path, BASE, 16)


def test_a_file_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    weights = write_adapter(tmp_path) / "adapter_model.safetensors"
    with weights.open("r+b") as file:
        file.truncate(weights.stat().st_size - 1)
    with pytest.raises(InputError, match="it was cut off"):
        read_adapter(tmp_path, BASE, 16)


@pytest.mark.parametrize("content", [b"", b"\xff" * 20, b"\x02" + bytes(7) + b"[]", bytes(100)])
def test_what_is_no_safetensors_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (write_adapter(tmp_path) / "adapter_model.safetensors").write_bytes(content)
    with pytest.raises(InputError, match="is not a safetensors file"):
        read_adapter(tmp_path, BASE, 16)


def test_a_folder_without_adapter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no adapter_config\.json"):
        read_adapter(tmp_path, BASE, 16)
    with pytest.raises(InputError, match="is not a directory"):
        read_adapter(tmp_path / "nowhere", BASE, 16)
    write_adapter(tmp_path)
    (tmp_path / "adapter_model.safetensors").unlink()
    with pytest.raises(InputError, match=r"has no adapter_model\.safetensors"):
        read_adapter(tmp_path, BASE, 16)


@pytest.mark.parametrize("name", ["Medical", "", "../x", "a..b", "-a", "a/b", "a" * 64])
def test_a_name_that_is_no_key_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="an adapter cannot be called"):
        check_name(name)
    check_name("medical-2.v1_b")
