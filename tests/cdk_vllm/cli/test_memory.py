"""`cdk-vllm memory` from its words to its figures."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from cdk_vllm.cli.memory import command
from cdk_vllm.errors import InputError
from cdk_vllm.sizing import model_shape

if TYPE_CHECKING:
    from pathlib import Path


def run(*words: str) -> dict[str, Any]:
    result = CliRunner().invoke(command, [*words, "--json"], catch_exceptions=False)
    found: dict[str, Any] = json.loads(result.output)
    return found


def refusal(*words: str) -> str:
    with pytest.raises(InputError) as caught:
        run(*words)
    return str(caught.value)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(model_shape("openai/gpt-oss-20b").config), encoding="utf-8")
    return path


def test_a_name_and_a_file_and_a_folder_agree(config: Path) -> None:
    name = run("openai/gpt-oss-20b", "--gpu", "L40S")
    assert run(str(config), "--gpu", "L40S") == name
    assert run(str(config.parent), "--gpu", "L40S") == name


def test_options_are_vllms() -> None:
    plain = run("Qwen/Qwen3-32B", "--gpu", "H100", "--max-model-len", "8192")
    words = "--tensor-parallel-size 2 --max-num-seqs 16 --enforce-eager --kv-cache-dtype fp8"
    split = run("Qwen/Qwen3-32B", "--gpu", "H100", "--max-model-len", "8192", *words.split())
    assert split["weights_gib"] < plain["weights_gib"]
    assert split["cuda_graph_gib"] == 0
    assert split["kv_cache_tokens"] > 4 * plain["kv_cache_tokens"]


def test_a_fixed_pool_gives_its_tokens() -> None:
    found = run(
        "google/gemma-3-27b-it", "--gpu", "MI300X", "--gpu-memory-gib", "191.69",
        "--kv-cache-memory-gib", "109.86", "--max-model-len", "4096",
        "--max-num-batched-tokens", "8192", "--vllm-version", "0.11.x",
    )  # fmt: skip
    assert found["kv_cache_gib"] == 109.86
    assert found["kv_cache_tokens"] == pytest.approx(205_696, abs=16)
    assert found["max_concurrency"] == pytest.approx(50.05, abs=0.01)


def test_quantization_is_the_checkpoints_or_online() -> None:
    plain = run("Qwen/Qwen3-32B", "--gpu", "H100")["weights_gib"]
    assert run("Qwen/Qwen3-32B", "--gpu", "H100", "--quantization", "fp8")["weights_gib"] < plain
    same = run("Qwen/Qwen2.5-32B-Instruct-AWQ", "--gpu", "L40S", "--quantization", "awq_marlin")
    assert same == run("Qwen/Qwen2.5-32B-Instruct-AWQ", "--gpu", "L40S")
    assert "does not carry" in refusal("Qwen/Qwen3-8B", "--gpu", "L40S", "--quantization", "awq")
    assert "leave the option out" in refusal(
        "openai/gpt-oss-20b", "--gpu", "L40S", "--quantization", "fp8"
    )


def test_people_get_a_bar_and_a_table() -> None:
    result = CliRunner().invoke(command, ["Qwen/Qwen3-8B", "--gpu", "L40S"])
    assert result.exit_code == 0
    for words in ("weights", "KV cache", "tokens of KV cache", "44.4 GiB", "█"):
        assert words in result.output
    result = CliRunner().invoke(command, ["Qwen/Qwen3-32B", "--gpu", "T4"])
    assert "vLLM would not start: It needs" in result.output


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["Qwen/Qwen3-8", "--gpu", "L40S"], 'Did you mean "Qwen/Qwen3-8B"'),
        (["Qwen/Qwen3-8B", "--gpu", "L40"], "--gpu-memory-gib"),
        (["Qwen/Qwen3-8B", "--gpu", "L40S", "--vllm-version", "new"], "not a version of vLLM"),
        (["Qwen/Qwen3-8B", "--gpu", "L40S", "--kv-cache-memory-gib", "-1"], "must be above 0"),
        (["Qwen/Qwen3-8B", "--gpu", "L40S", "--tensor-parallel-size", "7"], "attention heads"),
        (["nowhere/config.json", "--gpu", "L40S"], "does not exist"),
    ],
)
def test_a_mistake_ends_in_one_sentence(words: list[str], sentence: str) -> None:
    said = refusal(*words)
    assert sentence in said
    assert "\n" not in said


def test_an_unknown_architecture_has_a_switch(config: Path) -> None:
    table = json.loads(config.read_text("utf-8")) | {"architectures": ["NobodysModel"]}
    config.write_text(json.dumps(table), encoding="utf-8")
    assert "--architecture" in refusal(str(config), "--gpu", "L40S")
    found = run(str(config), "--gpu", "L40S", "--architecture", "GptOssForCausalLM")
    assert found["fits"]


def test_the_process_is_quick() -> None:
    words = [sys.executable, "-m", "cdk_vllm", "memory", "Qwen/Qwen3-8B", "--gpu", "L40S", "--json"]
    start = time.perf_counter()
    subprocess.run(words, check=True, capture_output=True)
    subprocess.run(words, check=True, capture_output=True)
    assert (time.perf_counter() - start) / 2 < 1.5  # 0.15 s alone; the machine may be busy
