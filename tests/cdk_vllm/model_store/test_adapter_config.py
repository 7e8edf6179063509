"""What vLLM refuses of an adapter's configuration is refused before it is stored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm.errors import InputError
from cdk_vllm.model_store.adapter_config import read_config
from tests.cdk_vllm.model_store.peft_adapter import CONFIG

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, **changes: Any) -> Path:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**CONFIG, **changes}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"target_modules": "all-linear"},
        {"target_modules": r".*\.(q|v)_proj"},
        {"modules_to_save": ["score"]},
        {"init_lora_weights": "gaussian"},
        {"init_lora_weights": False},
        {"rank_pattern": None},
    ],
)
def test_a_plain_adapter_is_accepted(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert read_config(write(tmp_path, **changes)).rank == 8


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"peft_type": "LOHA"}, 'peft_type is "LOHA"; vLLM serves adapters of type LORA only'),
        ({"use_dora": True}, "vLLM does not serve DoRA"),
        ({"lora_bias": True}, "biases beside the adapter's matrices"),
        ({"bias": "all"}, 'bias is "all"'),
        ({"modules_to_save": ["lm_head", "score"]}, "modules_to_save has lm_head; vLLM takes only"),
        ({"init_lora_weights": "pissa"}, 'init_lora_weights is "pissa", which changes the base'),
        ({"layer_replication": [[0, 4]]}, "does not serve layer_replication"),
        ({"alora_invocation_tokens": [1]}, "activated LoRA"),
        ({"r": 0}, "r is 0; it must be a whole number"),
        ({"r": "8"}, "r is '8'; it must be a whole number"),
        ({"r": True}, "r is True"),
        ({"rank_pattern": {"q_proj": 0}}, r"rank_pattern\.q_proj is 0"),
        ({"rank_pattern": [1]}, "rank_pattern is"),
        ({"target_modules": []}, "target_modules is"),
        ({"target_modules": None}, "target_modules is None"),
        ({"target_modules": "*"}, "is no regular expression"),
    ],
)
def test_what_vllm_refuses_is_one_sentence(
    tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        read_config(write(tmp_path, **changes))


@pytest.mark.parametrize("text", ["{", "[]", "\x00"])
def test_what_is_no_configuration_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "adapter_config.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="save the adapter again"):
        read_config(tmp_path / "adapter_config.json")


def test_a_pattern_gives_a_module_its_own_rank(tmp_path: Path) -> None:
    config = read_config(write(tmp_path, rank_pattern={r"layers\.1\.self_attn\.q_proj": 32}))
    assert config.largest_rank == 32
    assert config.rank_of("model.layers.1.self_attn.q_proj") == 32
    assert config.rank_of("model.layers.11.self_attn.q_proj") == 8
