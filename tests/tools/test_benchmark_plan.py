"""The benchmark itself: what it times, and that a budget is kept or told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools import benchmark_plan

if TYPE_CHECKING:
    import pytest


def test_every_model_and_every_command_has_a_row() -> None:
    labels = [row.label for row in benchmark_plan.rows(["Qwen/Qwen3-8B", "a/config.json"])]
    assert labels[:2] == ["plan of Qwen/Qwen3-8B", "plan of config"]
    assert "cdk-vllm memory Qwen/Qwen3-8B --gpu L40S --json" in labels


def test_a_row_above_its_budget_says_so() -> None:
    row = benchmark_plan.Row("x", 50.0, (), inside=True, milliseconds=[40.0, 60.0, 70.0])
    assert row.median == 60.0
    assert row.line.endswith("above 50")
    assert not benchmark_plan.Row("x", 50.0, (), inside=True, milliseconds=[40.0]).line.endswith(
        "50"
    )


def test_it_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark_plan.main(["--runs", "1", "Qwen/Qwen3-0.6B"]) in (0, 1)
    assert "plan of Qwen/Qwen3-0.6B" in capsys.readouterr().out
