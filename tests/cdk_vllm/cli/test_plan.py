"""`cdk-vllm plan`: JSON for machines, a committed file for synth, one model for the curious."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cdk_vllm.cli.plan import command
from cdk_vllm.errors import InputError

ROOT = Path(__file__).parents[3]


def invoke(*arguments: str) -> str:
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def services(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(invoke(*arguments, "--json"))["services"]
    return found


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    return Path(shutil.copy(ROOT / "environments" / "dev.toml", tmp_path))


def test_json_holds_everything_a_machine_needs(environment: Path) -> None:
    chat = services(str(environment))["chat"]
    for key in (
        "instance_type",
        "gpus",
        "tensor_parallel_size",
        "engine_args",
        "memory",
        "kv_cache_tokens",
        "max_concurrency",
        "typical_concurrency",
        "usd_per_hour",
        "usd_per_month",
        "alternatives",
        "rejected",
        "tpot_seconds",
        "ttft_seconds",
        "output_tokens_per_second",
        "usd_per_million_output_tokens",
        "speed_basis",
    ):
        assert key in chat
    assert chat["usd_per_month"] == pytest.approx(730 * chat["usd_per_hour"])
    assert chat["engine_args"]["max_model_len"] == 16384
    assert {"instance_type", "reason"} <= chat["rejected"][0].keys()


def test_memory_is_told_term_by_term_and_adds_up(environment: Path) -> None:
    for plan in services(str(environment)).values():
        memory = plan["memory"]
        terms = ("weights_gib", "activation_gib", "non_torch_gib", "cuda_graphs_gib")
        spent = sum(memory[term] for term in terms) + memory["kv_cache_gib"]
        assert spent == pytest.approx(memory["usable_gib"], abs=0.01)
        assert memory["usable_gib"] < memory["total_gib"]
        assert memory["kv_cache_gib"] >= memory["kv_cache_needed_gib"]


def test_write_leaves_the_plan_that_json_prints(environment: Path) -> None:
    printed = invoke(str(environment), "--json", "--write")
    assert environment.with_name("dev.plan.json").read_text(encoding="utf-8") == printed


def test_the_committed_plans_are_those_of_today() -> None:
    for path in sorted((ROOT / "environments").glob("*.toml")):
        committed = path.with_name(f"{path.stem}.plan.json").read_text(encoding="utf-8")
        assert committed == invoke(str(path), "--json"), path


def test_without_an_environment_one_model_is_planned() -> None:
    plan = services(
        "--model", "Qwen/Qwen3-0.6B", "--max-model-len", "4096", "--engine", "max-num-seqs=4"
    )["model"]
    assert plan["request"]["workload"]["max_model_len"] == 4096
    assert plan["engine_args"]["max_num_seqs"] == 4


def test_a_region_without_prices_says_so() -> None:
    plan = services("--model", "Qwen/Qwen3-8B", "--region", "eu-central-1")["model"]
    assert plan["usd_per_hour"] is None
    assert plan["usd_per_month"] is None
    assert "eu-central-1" in plan["price_source"]["reason"]
    assert plan["price_source"]["ranked_by_region"] == "us-east-1"


def test_a_peak_is_planned_with_its_replicas() -> None:
    plan = services(
        "--model", "Qwen/Qwen3-0.6B", "--prompt-tokens", "500", "--output-tokens", "100",
        "--peak-concurrent-requests", "1000", "--tpot-seconds", "0.1", "--ttft-seconds", "10",
    )["model"]  # fmt: skip
    peak = plan["peak"]
    assert peak["replicas"] * peak["concurrent_requests_per_replica"] >= 1000
    assert peak["usd_per_month"] == pytest.approx(730 * peak["usd_per_hour"])
    assert plan["tpot_seconds"]["high"] <= 0.1


def test_a_profile_says_what_it_does() -> None:
    printed = invoke("--model", "Qwen/Qwen3-0.6B", "--profile", "debugging")
    assert (
        "Profile debugging (gpu_memory_utilization 0.6, enforce_eager True) runs without CUDA"
        in (printed)
    )


def test_what_contradicts_itself_is_refused(environment: Path) -> None:
    for arguments in (
        (),
        (str(environment), "--model", "Qwen/Qwen3-8B"),
        (str(environment), "--region", "us-east-1"),
        (str(environment), "--tpot-seconds", "0.1"),
        ("--model", "Qwen/Qwen3-8B", "--write"),
        ("--model", "Qwen/Qwen3-8B", "--prompt-tokens", "20000"),
    ):
        with pytest.raises(InputError):
            CliRunner().invoke(command, arguments, catch_exceptions=False)
