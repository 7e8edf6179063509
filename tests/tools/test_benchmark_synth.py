"""The benchmark times what it says it times."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import benchmark_synth


def test_every_app_is_timed_both_ways() -> None:
    labels = [row.label for row in benchmark_synth.rows(Path("other.py"))]
    assert len(set(labels)) == 4
    assert len(benchmark_synth.rows(None)) == 2


def test_the_switch_and_the_environment_reach_the_app(tmp_path: Path) -> None:
    script, seen = tmp_path / "app.py", tmp_path / "seen"
    script.write_text(
        "import os, pathlib\n"
        f"pathlib.Path({str(seen)!r}).write_text("
        "os.environ['CDK_VALIDATION'] + os.environ['CDK_CONTEXT_JSON'])\n",
        encoding="utf-8",
    )
    row = benchmark_synth.Row("x", script, validation=False)
    assert benchmark_synth.timed(row, "prod") > 0
    assert seen.read_text(encoding="utf-8") == ('false{"environments": "environments/prod.toml"}')


def test_an_app_that_fails_is_not_a_time(tmp_path: Path) -> None:
    script = tmp_path / "app.py"
    script.write_text("raise SystemExit(1)", encoding="utf-8")
    with pytest.raises(subprocess.CalledProcessError):
        benchmark_synth.timed(benchmark_synth.Row("x", script, validation=True), "dev")
