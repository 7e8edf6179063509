"""The command as typed: exit codes, one sentence for a mistake, speed by not importing."""

from __future__ import annotations

import subprocess
import sys

import pytest


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cdk_vllm", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_help_names_every_command() -> None:
    done = run("--help")
    assert done.returncode == 0
    for name in ("plan", "push", "rehearse"):
        assert name in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("plan", "environments/nowhere.toml"), "environments/nowhere.toml does not exist"),
        (("plan",), "plan needs either an environment file or --model"),
        (("plan", "--model", "Qwen/Qwen3-8b"), 'Did you mean "Qwen/Qwen3-8B"?'),
        (("plan", "--model", "Qwen/Qwen3-8B", "--region", "us-est-1"), "is not an AWS region"),
        (("plan", "--model", "Qwen/Qwen3-8B", "--instance-type", "g5.3xlarge"), "g5.3xlarge"),
        (("plan", "--model", "Qwen/Qwen3-8B", "--engine", "max_num_sqs=4"), '"max_num_seqs"?'),
        (("plan", "--model", "Qwen/Qwen3-8B", "--engine", "max_num_seqs"), "give NAME=VALUE"),
        (("plan", "--model", "Qwen/Qwen3-8B", "--backend", "eks"), "'ecs', 'sagemaker'"),
        (("push", "environments/nowhere.toml", "."), "does not exist"),
        (("rehearse", "--app", "tests"), "has no cdk.json"),
        (("rehearse", "nowhere"), "nowhere.toml does not exist"),
        (("paln",), "No such command"),
    ],
)
def test_a_mistake_is_one_sentence_and_a_non_zero_exit(
    arguments: tuple[str, ...], sentence: str
) -> None:
    done = run(*arguments)
    assert done.returncode not in (0, 1)
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
