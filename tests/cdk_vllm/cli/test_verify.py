"""A start-up log beside the prediction."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cdk_vllm.cli.verify import command
from cdk_vllm.errors import InputError

ROOT = Path(__file__).parents[3]

# A public start of Qwen3-14B on one GPU of 46 GB, in vLLM 0.28's words.
LOG = """\
INFO [utils.py:250] vLLM API server version 0.28.0
INFO [utils.py:250] non-default args: {'model': 'Qwen/Qwen3-14B', 'max_model_len': 40960}
INFO [gpu_model_runner.py:5187] Model loading took 27.52 GiB memory and 1.919768 seconds
INFO [gpu_worker.py:480] Available KV cache memory: 11.57 GiB
INFO [kv_cache_utils.py:1744] GPU KV cache size: 75,824 tokens
INFO [kv_cache_utils.py:1745] Maximum concurrency for 40,960 tokens per request: 1.85x
"""


def invoke(*arguments: str) -> str:
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def figures(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(invoke(*arguments, "--json"))["figures"]
    return found


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "start.log"
    path.write_text(LOG, "utf-8")
    return path


def test_a_log_is_predicted_from_its_own_settings(log: Path) -> None:
    found = figures(str(log), "--gpu", "L40S")
    assert list(found) == ["weights_gib", "kv_cache_gib", "kv_cache_tokens", "max_concurrency"]
    assert abs(found["weights_gib"]["relative"]) < 0.005
    assert abs(found["kv_cache_gib"]["difference"]) < 0.2
    assert abs(found["kv_cache_tokens"]["relative"]) < 0.02


def test_the_table_has_a_line_a_figure(log: Path) -> None:
    printed = invoke(str(log), "--gpu", "L40S")
    assert "vLLM 0.28.0" in printed
    for words in ("weights (GiB)", "27.52", "kv cache tokens", "75,824", "%"):
        assert words in printed


def test_a_plans_own_figures_are_the_prediction(log: Path, tmp_path: Path) -> None:
    plan = tmp_path / "dev.plan.json"
    shutil.copy(ROOT / "environments" / "dev.plan.json", plan)
    committed = json.loads(plan.read_text("utf-8"))["services"]["chat"]
    found = figures(str(log), "--plan", str(plan), "--service", "chat")
    assert found["weights_gib"]["predicted"] == committed["memory"]["weights_gib"]
    assert found["kv_cache_tokens"]["predicted"] == committed["kv_cache_tokens"]


@pytest.mark.parametrize(
    ("text", "arguments", "words"),
    [
        (LOG, (), "does not name its GPU"),
        (LOG.replace("'model'", "'other'"), ("--gpu", "L40S"), "does not name its model"),
        ("hello\n", ("--gpu", "L40S"), "none of the lines"),
        (LOG, ("--gpu", "L41S"), "L40S"),
        (LOG, ("--plan", "nowhere.json"), "is not a plan file"),
    ],
)
def test_what_is_missing_is_said(
    tmp_path: Path, text: str, arguments: tuple[str, ...], words: str
) -> None:
    path = tmp_path / "start.log"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=words):
        CliRunner().invoke(command, [str(path), *arguments], catch_exceptions=False)


@pytest.mark.parametrize(
    ("service", "words"),
    [((), "choose one with --service"), (("--service", "chta"), 'Did you mean "chat"')],
)
def test_a_service_is_named(log: Path, service: tuple[str, ...], words: str) -> None:
    plan = str(ROOT / "environments" / "dev.plan.json")
    arguments = [str(log), "--plan", plan, *service]
    with pytest.raises(InputError, match=words):
        CliRunner().invoke(command, arguments, catch_exceptions=False)


def test_a_folder_is_no_log(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no file"):
        CliRunner().invoke(command, [str(tmp_path)], catch_exceptions=False)
