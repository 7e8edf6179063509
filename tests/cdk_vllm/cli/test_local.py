"""`cdk-vllm local` as it is typed, up to where an engine is needed; tests/engine has the rest."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def refusal(*words: str, folder: Path = ROOT, **variables: str) -> str:
    """Return the one line with which the command refuses, within seconds."""
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "cdk_vllm", "local", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        timeout=60,
        env=os.environ | {"COLUMNS": "200"} | variables,
    )
    assert done.returncode == 2
    assert time.monotonic() - begun < 30
    return done.stderr.strip().splitlines()[-1]


def test_a_service_that_is_not_there_is_named() -> None:
    said = refusal("dev", "chatt")
    assert 'no service "chatt"; known: chat, summaries.' in said
    assert 'Did you mean "chat"?' in said


def test_an_environment_that_is_not_there_is_named() -> None:
    assert "devv.toml" in refusal("devv", "chat")


def test_without_vllm_one_sentence_says_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "environments").symlink_to(ROOT / "environments")
    said = refusal("dev", "chat", folder=tmp_path)
    assert said.startswith("Error: vLLM is not installed here")
    assert "make .venv-engine/installed" in said


def test_pinned_adapters_are_refused_by_name(tmp_path: Path) -> None:
    copy = tmp_path / "copy.toml"
    text = (ROOT / "environments" / "dev.toml").read_text("utf-8")
    pinned = '[services.chat.lora.adapters]\nmedical = "3f2a91c0d4e5"\n'
    copy.write_text(f"{text}\n{pinned}", "utf-8")
    assert "pins medical, which fit the real model" in refusal(str(copy), "chat")


@pytest.mark.parametrize("option", ["--model-directory", "--engine-python"])
def test_a_path_that_is_not_there_is_refused(option: str) -> None:
    assert "does not exist" in refusal("dev", "chat", option, "nowhere")


def test_temporary_files_too_deep_for_sockets_are_refused(tmp_path: Path) -> None:
    python, deep = tmp_path / "python", tmp_path / ("deep" * 20)
    python.touch()
    python.with_name("vllm").touch()
    deep.mkdir()
    said = refusal("dev", "chat", "--engine-python", str(python), TMPDIR=str(deep))
    assert "set TMPDIR to a shorter path" in said
    assert list(deep.iterdir()) == []
