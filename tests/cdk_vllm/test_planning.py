"""A service becomes a request: its own words, the model's shape, and honest defaults."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cdk_vllm import environment_file, planning
from cdk_vllm.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from cdk_vllm.environment_file import EnvironmentFile

TEXT = """
region = "us-east-1"
[services.chat]
backend = "ecs"
model = "Qwen/Qwen3-8B"
max_model_len = 4096
concurrent_requests = 2
insecure_http = true
"""

LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "num_hidden_layers": 4,
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "vocab_size": 1000,
    "max_position_embeddings": 8192,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
    "rms_norm_eps": 1e-5,
    "model_type": "llama",
    "hidden_act": "silu",
}


def loaded(directory: Path, text: str = TEXT) -> EnvironmentFile:
    path = directory / "dev.toml"
    path.write_text(text, encoding="utf-8")
    return environment_file.load(path)


def test_without_typical_lengths_every_request_is_the_longest(tmp_path: Path) -> None:
    workload = planning.request_for(loaded(tmp_path), "chat").workload
    assert workload.prompt_tokens + workload.output_tokens == workload.max_model_len == 4096


def test_an_unknown_model_is_refused_with_the_service_and_the_nearest_name(tmp_path: Path) -> None:
    environment = loaded(tmp_path, TEXT.replace("Qwen3-8B", "Qwen3-8b-instruct"))
    with pytest.raises(InputError, match=r"services\.chat: .*Qwen3-8b-instruct"):
        planning.plan(environment)


def test_a_model_of_ones_own_is_planned_from_its_config(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(LLAMA), encoding="utf-8")
    text = TEXT.replace("Qwen/Qwen3-8B", "us/ours") + 'model_config = "config.json"\n'
    plan = planning.plan(loaded(tmp_path, text))["chat"]
    assert plan.request.shape.hidden_size == 256
    assert plan.request.shape.head_dim == 32


def test_a_config_that_is_missing_or_broken_is_refused(tmp_path: Path) -> None:
    text = TEXT + 'model_config = "config.json"\n'
    with pytest.raises(InputError, match="does not exist"):
        planning.plan(loaded(tmp_path, text))
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=r"is not a config\.json"):
        planning.plan(loaded(tmp_path, text))


def test_the_version_comes_from_the_image_else_from_the_package(tmp_path: Path) -> None:
    own = loaded(tmp_path).services["chat"]
    assert planning.vllm_version(own) == planning.DEFAULT_VLLM_VERSION
    image = (
        '[services.chat.image]\nbase_image = "registry.example.com/v:1"\nvllm_version = "0.34.2"'
    )
    assert planning.vllm_version(loaded(tmp_path, TEXT + image).services["chat"]) == "0.34.2"


@pytest.mark.parametrize(
    ("table", "slots"),
    [
        ('mode = "dynamic"\nmax_loras = 2\n', 8),
        ('mode = "static"\nadapters = { medical = "3f2a91c0d4e5" }\n', 4),
    ],
)
def test_a_service_with_adapters_is_planned_with_room_for_them(
    tmp_path: Path, table: str, slots: int
) -> None:
    environment = loaded(tmp_path, f"{TEXT}[services.chat.lora]\n{table}")
    arguments = planning.plan(environment)["chat"].engine_args
    assert arguments["enable_lora"] is True
    assert arguments["max_cpu_loras"] == slots
