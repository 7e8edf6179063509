"""The picture of a plan: the bar adds up, and one reason is told once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cdk_vllm import environment_file, planning
from cdk_vllm.cli.plan_view import BAR_WIDTH, show
from cdk_vllm.sizing import ServingRequest, Workload, choose, model_shape

if TYPE_CHECKING:
    from cdk_vllm.sizing import ServingPlan

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def plans() -> dict[str, ServingPlan]:
    return planning.plan(environment_file.load(ROOT / "environments" / "dev.toml"))


def test_instance_price_and_reasons_are_shown(
    plans: dict[str, ServingPlan], capsys: pytest.CaptureFixture[str]
) -> None:
    show(plans)
    printed = capsys.readouterr().out
    for plan in plans.values():
        assert plan.instance_type in printed
        assert f"{plan.usd_per_hour:.3f} USD an hour" in printed
        assert plan.rejected[0].instance_type in printed
    assert "Total on demand:" in printed


def test_the_memory_bar_is_as_wide_as_the_gpu(
    plans: dict[str, ServingPlan], capsys: pytest.CaptureFixture[str]
) -> None:
    show({"chat": plans["chat"]})
    bar = next(line for line in capsys.readouterr().out.splitlines() if "█" in line)
    filled, empty = bar.count("█"), bar.count("░")
    memory = plans["chat"].memory
    assert filled + empty == BAR_WIDTH
    assert filled == round(BAR_WIDTH * memory.usable_gib / memory.total_gib)


def test_an_unknown_price_is_not_a_total(capsys: pytest.CaptureFixture[str]) -> None:
    show(planning.plan(environment_file.load(ROOT / "environments" / "prod.toml")))
    printed = capsys.readouterr().out
    assert "price unknown" in printed
    assert "Total: unknown" in printed


def test_speed_price_of_tokens_and_peak_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    plan = choose(
        ServingRequest(
            service="chat",
            backend="ecs",
            region="us-east-1",
            model="Qwen/Qwen3-8B",
            revision="main",
            shape=model_shape("Qwen/Qwen3-8B"),
            workload=Workload(
                max_model_len=4096, prompt_tokens=2000, output_tokens=500, concurrent_requests=1
            ),
            peak_concurrent_requests=300,
        )
    )
    show({"chat": plan})
    printed = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert plan.peak is not None
    assert "first token in " in printed
    assert "tokens/s a replica (uncalibrated: no measured run" in printed
    assert "USD a million output tokens" in printed
    assert f"300 requests at once on {plan.peak.replicas} replica" in printed


def test_a_part_of_an_instance_is_priced_as_its_share(capsys: pytest.CaptureFixture[str]) -> None:
    request = ServingRequest(
        service="chat",
        backend="sagemaker",
        region="us-east-1",
        model="Qwen/Qwen3-8B",
        revision="main",
        shape=model_shape("Qwen/Qwen3-8B"),
        workload=Workload(
            max_model_len=8192, prompt_tokens=900, output_tokens=100, concurrent_requests=8
        ),
        max_request_seconds=60,
        instance_type="ml.g6e.12xlarge",
        engine={"tensor_parallel_size": 1},
    )
    plan = choose(request)
    show({"chat": plan})
    printed = capsys.readouterr().out
    assert plan.usd_per_hour is not None
    share = f"{plan.usd_per_hour / 4:.3f} USD an hour each"
    assert f"4 copies on an instance, as components, {share}" in printed
    show({"chat": choose(replace(request, engine={}))})
    assert "as components" not in capsys.readouterr().out
