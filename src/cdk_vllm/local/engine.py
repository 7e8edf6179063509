"""Finds an interpreter that has vLLM, and writes small models with it."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cdk_vllm.errors import InputError, RehearsalError

INSTALL = "make .venv-engine/installed"
IN_CHECKOUT = Path(".venv-engine", "bin", "python")
WRITE_SECONDS = 180.0
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Engine:
    """An interpreter with the `vllm` command beside it."""

    python: Path

    def write_models(self, asked: list[dict[str, Any]]) -> None:
        """Write models and adapters as `write_model` describes; raises `RehearsalError`."""
        # PyTorch leaves a folder among the temporary files as soon as it is imported.
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "asked.json")
            file.write_text(json.dumps(asked), "utf-8")
            command = [str(self.python), str(HERE / "write_model.py"), str(file)]
            quietly = {"HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore", "TMPDIR": folder}
            try:
                run = subprocess.run(
                    command,
                    capture_output=True,
                    text=True,
                    env=os.environ | quietly,
                    timeout=WRITE_SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise RehearsalError(
                    f"the small model was not written within {WRITE_SECONDS:.0f} seconds"
                ) from None
        if run.returncode:
            last = (run.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise RehearsalError(f"the small model could not be written: {last}")


def find_engine(python: Path | None, checkout: Path) -> Engine:
    """Return the engine of `python`, else of the checkout's `.venv-engine`; raises `InputError`."""
    found = python or checkout / IN_CHECKOUT
    if not found.with_name("vllm").is_file():
        place = f"{found.parent} holds no vllm command" if python else "vLLM is not installed here"
        raise InputError(f"{place}; install its CPU build with: {INSTALL}, or name a Python that "
                         "has it with --engine-python")  # fmt: skip
    # Not resolved: a virtual environment's interpreter is a link that knows its environment.
    return Engine(found.absolute())
