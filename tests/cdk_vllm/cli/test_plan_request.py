"""From options to a request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm.cli.plan_request import engine_option, request_of
from cdk_vllm.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS: dict[str, Any] = {
    "backend": "ecs", "region": "us-east-1", "max_model_len": None, "prompt_tokens": None,
    "output_tokens": None, "concurrent_requests": 1, "peak_concurrent_requests": None,
    "ttft_seconds": None, "tpot_seconds": None, "spot": False, "profile": None,
    "instance_type": None, "engine": (),
}  # fmt: skip
QWEN = "Qwen/Qwen3-8B"


def test_without_lengths_a_request_is_the_longest() -> None:
    workload = request_of(QWEN, OPTIONS).workload
    assert (workload.max_model_len, workload.prompt_tokens, workload.output_tokens) == (
        16384, 14336, 2048,
    )  # fmt: skip


def test_targets_peak_and_spot_are_passed_on() -> None:
    asked = {
        "ttft_seconds": 1.5, "tpot_seconds": 0.05, "peak_concurrent_requests": 300, "spot": True,
    }  # fmt: skip
    request = request_of(QWEN, OPTIONS | asked)
    assert {name: getattr(request, name) for name in asked} == asked


def test_a_profile_lies_under_the_users_own_options() -> None:
    options = OPTIONS | {"profile": "debugging", "engine": ("gpu-memory-utilization=0.9",)}
    request = request_of(QWEN, options)
    assert request.engine == {"gpu_memory_utilization": 0.9, "enforce_eager": True}
    assert request.workload.max_model_len == 512
    longer = request_of(QWEN, options | {"max_model_len": 2048})
    assert longer.workload.max_model_len == 2048


def test_a_config_is_served_under_its_folders_name(tmp_path: Path) -> None:
    folder = tmp_path / "my-model"
    folder.mkdir()
    config = {
        "architectures": ["LlamaForCausalLM"], "hidden_size": 2048, "intermediate_size": 8192,
        "max_position_embeddings": 4096, "num_attention_heads": 32, "num_hidden_layers": 16,
        "num_key_value_heads": 8, "torch_dtype": "bfloat16", "vocab_size": 128256,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    assert request_of(str(folder / "config.json"), OPTIONS).model == "my-model"
    assert request_of(str(folder / "config.json"), OPTIONS).workload.max_model_len == 4096


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("max-num-seqs=4", ("max_num_seqs", 4)),
        ("dtype=half", ("dtype", "half")),
        ("enforce_eager=true", ("enforce_eager", True)),
        ('hf_overrides={"a": 1}', ("hf_overrides", '{"a": 1}')),
    ],
)
def test_an_engine_option(text: str, expected: tuple[str, object]) -> None:
    assert engine_option(text) == expected


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"region": "us-east-9"}, "not an AWS region"),
        ({"profile": "prod"}, "production"),
        ({"engine": ("x",)}, "NAME=VALUE"),
        ({"prompt_tokens": 20_000}, "raise --max-model-len"),
    ],
)
def test_a_wrong_value_is_one_sentence(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        request_of(QWEN, OPTIONS | change)
