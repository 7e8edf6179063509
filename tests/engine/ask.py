"""Ask the engine, once: answers are kept under what was asked, of which vLLM, by which oracle."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.engine.questions import Question

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PYTHON = ROOT / ".venv-engine" / "bin" / "python"
FOR_GPUS = ROOT / ".venv-engine" / "vllm-for-gpus"
KEPT = ROOT / ".engine-answers"
QUIETLY = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "ERROR"}
# What decides an answer beside its question.
SOURCES = (
    HERE / "oracle.py",
    HERE / "pretended_gpu.py",
    HERE / "without_cuda.py",
    HERE / "vllm-for-gpus.txt",
    ROOT / "requirements-engine.txt",
)


def ask(questions: Sequence[Question]) -> dict[str, dict[str, Any]]:
    """Return vLLM's answers under the questions' names; one process for each GPU, in turn."""
    by_gpu = groupby(sorted(questions, key=lambda each: each.gpu), key=lambda each: each.gpu)
    for gpu, group in by_gpu:
        unknown = [question for question in group if not _place(question).is_file()]
        if unknown:
            for question, answer in zip(unknown, _run(gpu, unknown), strict=True):
                KEPT.mkdir(exist_ok=True)
                _place(question).write_text(answer, "utf-8")
    return {
        str(question): json.loads(_place(question).read_text("utf-8")) for question in questions
    }


def run(module: str, *arguments: str) -> str:
    """Return what a module of this folder prints, run by the engine's own interpreter."""
    command = ["nice", "-n", "10", str(PYTHON), "-m", f"tests.engine.{module}", *arguments]
    quietly = os.environ | QUIETLY
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, env=quietly
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def _run(gpu: str, questions: Iterable[Question]) -> list[str]:
    asked = {
        "gpu": gpu,
        "package": "" if gpu == "cpu" else str(FOR_GPUS),
        "questions": [question.asked() for question in questions],
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(asked, file)
        file.flush()
        printed = run("oracle", file.name)
    return [line for line in printed.splitlines() if line.startswith("{")]


def _place(question: Question) -> Path:
    digest = hashlib.sha256(json.dumps(question.asked(), sort_keys=True).encode())
    for source in SOURCES:
        digest.update(source.read_bytes())
    return KEPT / f"{digest.hexdigest()[:32]}.json"
