"""The SageMaker image: `serve`, port 8080, `/ping` and `/invocations`, and an end in time."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

import pytest

from tests.image.conftest import MODEL
from tests.image.container import Container, InFlight
from tests.image.sagemaker import endpoint, environment_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cdk_vllm.sizing import ServingPlan

PROMPT = {"model": MODEL, "prompt": "Once upon a time", "temperature": 0, "ignore_eos": True}
TELL_WHEN = """#!/bin/bash
read -ra started </proc/self/stat
read -r up _ </proc/uptime
echo "${started[21]} $up $$ $*"
"""
# SageMaker kills after 30 s, and the container has to be gone well before.
STOP_SECONDS = 25
TICKS = 100  # a second, in /proc, on every Linux


@pytest.fixture(scope="module")
def variables(cpu_plans: dict[str, ServingPlan]) -> dict[str, str]:
    return environment_of(cpu_plans["sagemaker"])


@pytest.fixture(scope="module")
def running(
    images: dict[str, str],
    variables: dict[str, str],
    downloaded: Path,
    seconds: dict[str, float],
) -> Iterator[Container]:
    begun = time.monotonic()
    with endpoint("summaries", images["sagemaker"], variables, downloaded) as found:
        found.wait_until_ready("/ping")
        # Before anything else asks: SageMaker sends traffic as soon as `/ping` says 200.
        code, answer = found.ask("POST", "/invocations", PROMPT | {"max_tokens": 4})
        assert (code, answer["usage"]["completion_tokens"]) == (200, 4)
        seconds["SageMaker container until /ping"] = time.monotonic() - begun
        yield found


def test_vllm_took_over_the_entry_points_process(running: Container) -> None:
    words = running.exec("cat", "/proc/1/cmdline").split("\0")
    assert words[1:4] == ["/usr/local/bin/vllm", "serve", "/opt/ml/model"]


def test_it_chats_through_invocations(running: Container) -> None:
    messages = [{"role": "user", "content": "Good morning"}]
    body = {"model": MODEL, "messages": messages, "max_tokens": 4, "ignore_eos": True}
    code, answer = running.ask("POST", "/invocations", body)
    assert code == 200
    assert answer["usage"]["completion_tokens"] == 4


def test_it_finishes_what_runs_and_is_not_killed(
    running: Container, seconds: dict[str, float]
) -> None:
    request = InFlight(running, "/invocations", PROMPT | {"max_tokens": 400})
    running.wait_for_running(1)
    taken = running.stop()
    code, answer = request.answer()
    assert (code, answer["usage"]["completion_tokens"]) == (200, 400)
    assert running.process.returncode == 0
    assert taken < STOP_SECONDS
    seconds["SageMaker container from SIGTERM to its end, a request running"] = taken


def test_half_a_model_ends_at_once_with_one_sentence(
    images: dict[str, str], variables: dict[str, str], downloaded: Path, tmp_path: Path
) -> None:
    half = tmp_path / "half"
    shutil.copytree(downloaded, half)
    (half / "model.safetensors").unlink()
    with endpoint("half", images["sagemaker"], variables, half) as ended:
        assert ended.process.wait(timeout=60) == 1
    said = ended.log.read_text("utf-8").splitlines()
    assert len(said) == 1
    assert said[0].startswith("cdk-vllm: ")
    assert "model.safetensors" in said[0]


def test_the_entry_point_is_quick(
    images: dict[str, str],
    variables: dict[str, str],
    downloaded: Path,
    tmp_path: Path,
    seconds: dict[str, float],
) -> None:
    stand_in = tmp_path / "vllm"
    stand_in.write_text(TELL_WHEN, "utf-8")
    stand_in.chmod(0o755)
    over = ("--volume", f"{stand_in}:/usr/local/bin/vllm:ro")
    with endpoint("quick", images["sagemaker"], variables, downloaded, *over) as ended:
        assert ended.process.wait(timeout=60) == 0
    ticks, up, process, *words = ended.log.read_text("utf-8").split()
    assert (process, words[0]) == ("1", "serve")
    taken = float(up) - int(ticks) / TICKS
    seconds["SageMaker entry point before vLLM"] = taken
    assert taken < 2
